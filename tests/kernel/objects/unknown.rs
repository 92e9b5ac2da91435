//! Programs whose section does not say what they are.

use skelgen_runtime::TestRun;
use skelgen_runtime::uapi::{
    BPF_F_SLEEPABLE, BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_SYSCALL, BPF_PROG_TYPE_UNSPEC, ProgFlags,
};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::unknown_section::UnknownSection;

use crate::cpus::{online, run_on};
use crate::info::prog_info;

#[test]
fn they_are_loaded_as_what_the_user_says() {
    if !may_load() {
        return;
    }
    let mut open = UnknownSection::open().unwrap();
    assert_eq!((open.progs.nonsense.prog_type(), open.progs.nonsense.autoload()), (BPF_PROG_TYPE_UNSPEC, true));
    assert!(!open.progs.optional.autoload());
    open.progs.nonsense.set_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT);
    let skel = open.load().unwrap();
    assert_eq!(prog_info(&skel.progs.nonsense).prog_type, BPF_PROG_TYPE_RAW_TRACEPOINT);
    assert_eq!(skel.progs.nonsense.prog_type(), BPF_PROG_TYPE_RAW_TRACEPOINT);
    assert_eq!(run_on(online().last(), &skel.progs.nonsense, [0; 2]), 7);
    assert_eq!(skel.bss.get().runs, 1);
    let links = skel.attach().unwrap();
    assert!(links.nonsense.is_none(), "its section names nothing");
    let _link = skel.progs.nonsense.attach_raw_tracepoint("sys_enter").unwrap();
}

#[test]
fn flags_are_the_users_too() {
    if !may_load() {
        return;
    }
    // A syscall program that does not sleep is none.
    let load = |flags: Option<ProgFlags>| {
        let mut open = UnknownSection::open().unwrap();
        open.progs.nonsense.set_prog_type(BPF_PROG_TYPE_SYSCALL);
        if let Some(flags) = flags {
            open.progs.nonsense.set_prog_flags(flags);
        }
        open.load()
    };
    let error = load(None).unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some("nonsense")));
    let skel = load(Some(BPF_F_SLEEPABLE)).unwrap();
    assert_eq!(skel.progs.nonsense.test_run(TestRun::default()).unwrap().retval, 7);
}

#[test]
fn they_are_refused_before_anything_is_made() {
    let error = UnknownSection::open().unwrap().load().unwrap_err().to_string();
    let expected = "unknown_section: load program nonsense: its section \"nonsense/foo\" names no program type\n  \
                    hint: call set_prog_type, or leave it out: set_autoload(false)";
    assert_eq!(error.trim_end(), expected);
}
