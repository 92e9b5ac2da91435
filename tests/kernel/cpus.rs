//! Running programs on CPUs of choice.

use std::fs;

use skelgen_runtime::{Errno, PossibleCpus, Program, TestRun};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::counters::Counters;

/// The CPUs that are there, of those that could be: a program runs only on one of these.
pub(crate) fn online() -> PossibleCpus {
    let list = fs::read_to_string("/sys/devices/system/cpu/online").expect("/sys is mounted");
    PossibleCpus::parse(&list).expect("a list of CPUs")
}

#[test]
fn a_cpu_and_a_tracepoint_that_are_not_there_are_named() {
    if !may_load() {
        return;
    }
    let skel = Counters::open().unwrap().load().unwrap();
    let none = online().last() + 4096;
    let run = TestRun { ctx_in: &[0; 16], cpu: Some(none), ..TestRun::default() };
    let error = skel.progs.bump.test_run(run).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENXIO), "{error}");
    let reason = format!("there is no CPU {none}, or it is offline");
    assert_eq!(error.reason(), Some(reason.as_str()), "{error}");
    let error = skel.progs.bump.attach_raw_tracepoint("nonsense").unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOENT), "{error}");
    let reason = "the kernel and its loaded modules have no raw tracepoint `nonsense`";
    assert_eq!(error.reason(), Some(reason), "{error}");
}

/// Runs a `raw_tp` program on `cpu` with these words as its context, and returns its result.
pub(crate) fn run_on(cpu: u32, program: &Program, args: [u64; 2]) -> u32 {
    let ctx = args.map(u64::to_ne_bytes).concat();
    program.test_run(TestRun { ctx_in: &ctx, cpu: Some(cpu), ..TestRun::default() }).unwrap().retval
}
