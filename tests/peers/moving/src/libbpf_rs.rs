//! libbpf-cargo and libbpf-rs.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use libbpf_cargo::SkeletonBuilder;
use libbpf_rs::skel::{OpenSkel, Skel, SkelBuilder};
use libbpf_rs::{ProgramInput, RingBufferBuilder};

use skel::CountersSkelBuilder;

#[allow(warnings, reason = "generated")]
mod skel {
    include!(concat!(env!("OUT_DIR"), "/counters.skel.rs"));
}

const SRC: &str = "src/counters.bpf.c";

/// For a build script.
pub fn build(out: &Path) -> Result<()> {
    SkeletonBuilder::new().source(SRC).build_and_generate(&out)
}

/// How many events came of five runs of the program, or more if processes are started, and how many were dropped.
pub fn run() -> Result<(usize, u64)> {
    let mut object = MaybeUninit::uninit();
    let mut open = CountersSkelBuilder::default().open(&mut object)?;
    open.maps.rodata_data.as_deref_mut().unwrap().threshold = 3;
    open.maps.events.set_max_entries(1 << 20)?;
    let mut skel = open.load()?;
    skel.attach()?;

    let (came, timeout) = (Cell::new(0), Duration::from_millis(1));
    let callback = |_: &[u8]| {
        came.set(came.get() + 1);
        0
    };
    let mut builder = RingBufferBuilder::new();
    builder.add(&skel.maps.events, callback)?;
    let events = builder.build()?;
    for _ in 0..5 {
        let input = ProgramInput::default();
        skel.progs.on_exec.test_run(input)?;
    }
    events.poll(timeout)?;
    Ok((came.get(), skel.maps.bss_data.as_deref().unwrap().dropped))
}

/// Whether a program that is left out is attached with the others.
pub fn is_attached() -> Result<bool> {
    let mut object = MaybeUninit::uninit();
    let mut open = CountersSkelBuilder::default().open(&mut object)?;
    open.progs.on_exec.set_autoload(false);
    // No other program uses it.
    open.maps.events.set_autocreate(false)?;
    let mut skel = open.load()?;
    skel.attach()?;
    Ok(skel.links.on_exec.is_some())
}
