//! Running programs on CPUs of choice.

use std::fs;

use skelgen_runtime::{PossibleCpus, Program, TestRun};

/// The CPUs that are there, of those that could be: a program runs only on one of these.
pub(crate) fn online() -> PossibleCpus {
    let list = fs::read_to_string("/sys/devices/system/cpu/online").expect("/sys is mounted");
    PossibleCpus::parse(&list).expect("a list of CPUs")
}

/// Runs a `raw_tp` program on `cpu` with these words as its context, and returns its result.
pub(crate) fn run_on(cpu: u32, program: &Program, args: [u64; 2]) -> u32 {
    let ctx = args.map(u64::to_ne_bytes).concat();
    program.test_run(TestRun { ctx_in: &ctx, cpu: Some(cpu), ..TestRun::default() }).unwrap().retval
}
