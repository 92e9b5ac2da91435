//! Loads the object with aya.
//!
//! aya has no skeleton: the user names each program and what it is attached to, so this is written for the `agent`
//! fixtures.

use std::error::Error;
use std::process::ExitCode;

use aya::programs::Program;
use aya::{Btf, EbpfLoader, include_bytes_aligned};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/peer.bpf.o"));

fn main() -> ExitCode {
    peer_common::main(|lap| {
        lap.start();
        let btf = Btf::from_sys_fs()?;
        let mut ebpf = EbpfLoader::new().load(OBJECT)?;
        for (name, program) in ebpf.programs_mut() {
            load(name, program, &btf)?;
        }
        lap.stop();
        Ok(())
    })
}

fn load(name: &str, program: &mut Program, btf: &Btf) -> Result<(), Box<dyn Error>> {
    match (name, program) {
        ("on_switch", Program::BtfTracePoint(program)) => program.load("sched_switch", btf)?,
        ("on_exec", Program::BtfTracePoint(program)) => program.load("sched_process_exec", btf)?,
        (_, Program::Iter(program)) => program.load("task", btf)?,
        (_, Program::RawTracePoint(program)) => program.load()?,
        (_, Program::KProbe(program)) => program.load()?,
        (name, _) => return Err(format!("nobody told what program {name} is attached to").into()),
    }
    Ok(())
}
