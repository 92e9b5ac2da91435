//! Contexts that functions take as an argument, as only a tag says.

use std::fs::File;
use std::io;

use skelgen_runtime::{Program, TestRun};
use skelgen_tests::skeletons::arg_ctx::ArgCtx;
use skelgen_tests::{is_from, may_load};

use crate::attach_perf::has_kprobes;
use crate::watch::soon;

fn run(program: &Program) -> u32 {
    program.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap().retval
}

#[test]
fn functions_get_at_their_context() {
    if !may_load() {
        return;
    }
    let mut open = ArgCtx::open().unwrap();
    open.bss.cookie = 5;
    let skel = open.load().unwrap();
    let progs = &skel.progs;
    // A packet is as long without its Ethernet header as with it.
    assert_eq!(run(&progs.on_tc), run(&progs.word_of_tc) + 64 + 1);
    assert!(run(&progs.on_socket) > 2);
    assert!(run(&progs.word_of_xdp) <= 1);

    if has_kprobes() {
        let _link = progs.on_kprobe.attach().unwrap();
        soon("on_kprobe runs", || {
            io::copy(&mut File::open("/proc/self/stat").unwrap(), &mut io::sink()).unwrap();
            skel.bss.get().cookie == 0
        });
    }
}

#[test]
fn a_context_without_a_name_is_known_by_its_tag() {
    if !may_load() {
        return;
    }
    let mut open = ArgCtx::open().unwrap();
    open.progs.on_tp.set_autoload(true);
    match open.load() {
        Ok(skel) => assert!(skel.progs.on_tp.is_loaded()),
        Err(error) => {
            assert!(!is_from("__arg_ctx"), "{error}");
            assert_eq!(error.subject_name(), Some("on_tp"));
        }
    }
}
