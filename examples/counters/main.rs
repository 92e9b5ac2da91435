//! Counts on every CPU, in `.percpu` variables of a BPF program.
//!
//! ```text
//! cargo run --example counters
//! ```
//!
//! The build script made the skeleton from `fixtures/counters.bpf.o`. Here it is opened, given its one initial value,
//! loaded and attached; then its program is run once on each CPU, with other arguments each time, and every CPU's
//! value is read back.

use std::process::ExitCode;

use skelgen_runtime::{Errno, Error, Result, TestRun};

use counters::{Counters, LoadedCounters};

include!(concat!(env!("OUT_DIR"), "/counters.skel.rs"));

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut open = Counters::open()?;
    // The one cached value: every CPU begins with it, however many there are.
    open.percpu.hits = 100;
    open.rodata.target_pid = std::process::id();
    let skel = open.load()?;
    // Counts this process's own system calls until it is dropped.
    let links = skel.attach()?;
    let offline = bump_each_cpu(&skel)?;
    drop(links);
    print_table(&skel, &offline)
}

/// Runs `bump` on each CPU: 10 hits of class 0 on CPU 0, 20 of class 1 on CPU 1, and so on.
fn bump_each_cpu(skel: &LoadedCounters) -> Result<Vec<u32>> {
    let mut offline = Vec::new();
    for cpu in skel.percpu.cpus().iter() {
        let (amount, class) = (u64::from(cpu + 1) * 10, u64::from(cpu));
        let args = [amount.to_ne_bytes(), class.to_ne_bytes()].concat();
        match skel.progs.bump.test_run(TestRun { ctx_in: &args, cpu: Some(cpu), ..TestRun::default() }) {
            Ok(_) => {}
            // The kernel's word for a CPU that is possible and not there.
            Err(error) if Error::errno(&error) == Some(Errno::ENXIO) => offline.push(cpu),
            Err(error) => return Err(error),
        }
    }
    Ok(offline)
}

fn print_table(skel: &LoadedCounters, offline: &[u32]) -> Result<()> {
    let values = skel.percpu.values()?;
    println!("{values}");
    println!("`bump` added hits on each CPU; last_pid stays -1 where this process made no system call\n");
    println!("{} hits on all CPUs", values.sum_of(|value| value.hits));
    if !offline.is_empty() {
        println!("possible, but not there: CPUs {offline:?}");
    }
    Ok(())
}
