//! aya.

use std::process::Command;

use anyhow::{Result, ensure};
use aya::maps::{HashMap, PerCpuArray};
use aya::programs::RawTracePoint;
use aya::{Ebpf, EbpfLoader, Pod, include_bytes_aligned};

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Flow {
    source: u32,
    destination: u32,
    port: u16,
    padding: u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Totals {
    packets: u64,
    bytes: u64,
}

// SAFETY: integers, and no bytes between them.
unsafe impl Pod for Flow {}
// SAFETY: integers, and no bytes between them.
unsafe impl Pod for Totals {}

/// How many processes were counted while one was started, in all and by CPU.
pub fn run() -> Result<(u64, u64)> {
    let mut ebpf = Ebpf::load(include_bytes_aligned!("counters.bpf.o"))?;
    let p: &mut RawTracePoint = ebpf.program_mut("on_exec").unwrap().try_into()?;
    p.load()?;
    p.attach("sched_process_exec")?;
    ensure!(Command::new("true").status()?.success());

    let flow = Flow::default();
    let hash = HashMap::<_, Flow, Totals>::try_from(ebpf.map("typed").unwrap())?;
    // The one before the last.
    let totals = hash.get(&flow, 0)?;
    let array = PerCpuArray::<_, u64>::try_from(ebpf.map("percpu_array").unwrap())?;
    let each_cpus = array.get(&0, 0)?;
    Ok((totals.packets + 1, each_cpus.iter().sum()))
}

/// With another constant, and with another size.
pub fn change() -> Result<()> {
    let object = include_bytes_aligned!("counters.bpf.o");
    EbpfLoader::new().override_global("threshold", &3u32, true).load(object)?;
    EbpfLoader::new().map_max_entries("events", 1 << 20).load(object)?;
    Ok(())
}
