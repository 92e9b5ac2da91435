//! Functions of kernel modules: called where the module is loaded, absent where it is not.

use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use skelgen_runtime::{Errno, Program, TestRun};
use skelgen_tests::skeletons::module_kfuncs::types::Tuple4;
use skelgen_tests::skeletons::module_kfuncs::{ModuleKfuncs, OpenModuleKfuncs};
use skelgen_tests::skeletons::module_missing::ModuleMissing;
use skelgen_tests::{in_own_process, may_load_with, may_load_without, not_on_this_kernel, open_fds};

/// Bits of a connection's status.
const CONFIRMED: u64 = 1 << 3;
const SRC_NAT: u64 = 1 << 4;

/// The object, with a connection that no other test has.
pub(crate) fn open() -> OpenModuleKfuncs {
    static PORT: AtomicU16 = AtomicU16::new(1);
    let mut open = ModuleKfuncs::open().unwrap();
    let sport = PORT.fetch_add(1, Ordering::Relaxed).to_be();
    open.bss.connection = Tuple4 { saddr: process::id(), daddr: u32::from_be_bytes([10, 0, 0, 2]), sport, dport: 80 };
    open
}

/// The program's result for a packet.
pub(crate) fn run(program: &Program) -> i32 {
    program.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap().retval.cast_signed()
}

#[test]
fn one_finds_nothing_where_nothing_is() {
    if !may_load_with("nf_conntrack") {
        return;
    }
    let skel = open().load().unwrap();
    assert_eq!(run(&skel.progs.look_up), 0);
    assert_eq!(skel.bss.get().lookup_error, -libc::ENOENT);
}

#[test]
fn several_of_a_module_make_something_and_find_it() {
    if !may_load_with("nf_conntrack") {
        return;
    }
    let skel = open().load().unwrap();
    assert_eq!(run(&skel.progs.insert), 1);
    assert_eq!(run(&skel.progs.look_up), 1);
    let bss = skel.bss.get();
    assert_eq!((bss.lookup_error, bss.status & (CONFIRMED | SRC_NAT)), (0, CONFIRMED));
    // Only one of a kind.
    assert_eq!(run(&skel.progs.insert), 0);
}

#[test]
fn a_program_calls_those_of_two_modules() {
    if !may_load_with("nf_nat") {
        return;
    }
    let mut open = open();
    open.progs.insert_translated.set_autoload(true);
    let skel = match open.load() {
        Ok(skel) => skel,
        // Each module's BTF has a type of its own for what both mean.
        Err(error)
            if error.to_string().contains(
                "expected pointer to STRUCT nf_conn___init but R1 has a pointer to \
                                                  STRUCT nf_conn___init",
            ) =>
        {
            return not_on_this_kernel("one type of a connection in nf_conntrack and nf_nat");
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(run(&skel.progs.insert_translated), 1);
    assert_eq!(skel.data.get().nat_error, 0);
    assert_eq!(run(&skel.progs.look_up), 1);
    assert_eq!(skel.bss.get().status & (CONFIRMED | SRC_NAT), CONFIRMED | SRC_NAT);
}

#[test]
fn without_its_module_one_is_not_called() {
    if !may_load_without("fou") {
        return;
    }
    assert_eq!(run(&open().load().unwrap().progs.unloaded), 0);
}

#[test]
fn a_strong_one_is_found() {
    if !may_load_with("nf_conntrack") {
        return;
    }
    let mut open = open();
    open.progs.strong.set_autoload(true);
    let skel = open.load().unwrap();
    assert_eq!(run(&skel.progs.strong), 0);
    assert_eq!(skel.bss.get().lookup_error, -libc::EPROTO);
}

#[test]
fn a_strong_one_without_its_module_is_named() {
    if !may_load_without("fou") {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let error = ModuleMissing::open().unwrap().load().unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOENT));
        assert_eq!(
            error.to_string(),
            "module_missing: find kfunc bpf_skb_set_fou_encap: the BTF of the kernel and of its loaded modules has no \
             function `bpf_skb_set_fou_encap`: ENOENT: No such file or directory"
        );
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn nothing_stays_open() {
    if !may_load_with("nf_nat") {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let skel = open().load().unwrap();
        drop(skel);
        assert_eq!(open_fds(), before);
    });
}
