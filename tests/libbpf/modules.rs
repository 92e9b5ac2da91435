//! Programs that reach into kernel modules: to the kernel, they are the same whoever loads them.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use libbpf_rs::ObjectBuilder;
use libbpf_rs::libbpf_sys::{self, bpf_prog_info};
use skelgen_runtime::Program;
use skelgen_runtime::uapi;
use skelgen_tests::skeletons::module_kfuncs::ModuleKfuncs;
use skelgen_tests::skeletons::module_ksyms::ModuleKsyms;
use skelgen_tests::skeletons::module_trace::ModuleTrace;
use skelgen_tests::{TESTMOD, kernel_version, may_load_with};

use crate::links::load_one;

static MODULE_KFUNCS: &[u8] = include_bytes!("../../fixtures/module_kfuncs.bpf.o");
static MODULE_KSYMS: &[u8] = include_bytes!("../../fixtures/module_ksyms.bpf.o");
static MODULE_TRACE: &[u8] = include_bytes!("../../fixtures/module_trace.bpf.o");

/// What the kernel says of a program.
#[derive(Debug, PartialEq)]
struct Seen {
    name: String,
    /// Target: its id, and that of its BTF.
    target: (u32, u32),
    /// The numbers of functions and of lines of source; not of maps, as libbpf binds those of constants to every program.
    counts: [u32; 2],
    insns: Vec<u64>,
}

impl Seen {
    fn of(program: BorrowedFd<'_>) -> Seen {
        let len = info(program, &mut []).xlated_prog_len as usize;
        let mut insns = vec![0; len / 8];
        let info = info(program, &mut insns);
        let name = info.name.iter().map_while(|&byte| (byte != 0).then_some(byte.cast_unsigned())).collect();
        Seen {
            name: String::from_utf8(name).unwrap(),
            target: (info.attach_btf_id, info.attach_btf_obj_id),
            counts: [info.nr_func_info, info.nr_line_info],
            insns: normalised(insns),
        }
    }
}

/// `BPF_OBJ_GET_INFO_BY_FD`, with as many translated instructions as there is room for.
fn info(program: BorrowedFd<'_>, insns: &mut [u64]) -> bpf_prog_info {
    let mut info = bpf_prog_info {
        xlated_prog_insns: insns.as_mut_ptr().expose_provenance() as u64,
        xlated_prog_len: size_of_val(insns) as u32,
        ..Default::default()
    };
    let mut len = size_of_val(&info) as u32;
    // SAFETY: both are as long as said, and there is room for the instructions that are asked for.
    let result = unsafe { libbpf_sys::bpf_prog_get_info_by_fd(program.as_raw_fd(), &raw mut info, &raw mut len) };
    assert_eq!(result, 0, "the program is loaded");
    info
}

/// Without ids of maps, which are another in each load, and without the places of modules' BTF in `fd_array`, which each
/// loader chooses.
fn normalised(mut insns: Vec<u64>) -> Vec<u64> {
    const LD_IMM64: u64 = uapi::LD_IMM64 as u64;
    const CALL: u64 = uapi::CALL as u64;
    const PSEUDO_MAP: [u64; 2] = [uapi::BPF_PSEUDO_MAP_FD as u64, uapi::BPF_PSEUDO_MAP_VALUE as u64];
    const PSEUDO_KFUNC_CALL: u64 = uapi::BPF_PSEUDO_KFUNC_CALL as u64;
    for insn in &mut insns {
        let (code, src) = (*insn & 0xff, *insn >> 12 & 0xf);
        if code == LD_IMM64 && PSEUDO_MAP.contains(&src) {
            *insn &= 0xffff_ffff;
        }
        if code == CALL && src == PSEUDO_KFUNC_CALL {
            *insn &= !0xffff_0000;
        }
    }
    insns
}

/// libbpf loads this one program of `object`, and so does `skel`: the kernel sees the same.
fn compare(object: &[u8], program: &Program) {
    let libbpfs = load_one(object, program.name());
    let same = libbpfs.progs().find(|libbpfs| libbpfs.name() == program.name()).unwrap();
    assert_eq!(Seen::of(program.fd().unwrap()), Seen::of(same.as_fd()));
}

#[test]
fn functions_of_modules() {
    if !may_load_with("nf_conntrack") {
        return;
    }
    let mut open = ModuleKfuncs::open().unwrap();
    open.progs.strong.set_autoload(true);
    let progs = open.load().unwrap().progs;
    compare(MODULE_KFUNCS, &progs.strong);
    compare(MODULE_KFUNCS, &progs.unloaded);
    if kernel_version() >= (6, 4) {
        compare(MODULE_KFUNCS, &progs.look_up);
        compare(MODULE_KFUNCS, &progs.insert);
        return;
    }
    // These ask whether there are such functions, which libbpf cannot do here: the kernel takes no address of one.
    let mut object = ObjectBuilder::default().open_memory(MODULE_KFUNCS).unwrap();
    for mut program in object.progs_mut() {
        let only = program.name() == "look_up";
        program.set_autoload(only);
    }
    assert!(object.load().is_err() && progs.look_up.is_loaded());
}

#[test]
fn variables_of_modules_and_functions_of_several() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let mut open = ModuleKsyms::open().unwrap();
    open.progs.write_here.set_autoload(true);
    open.progs.of_three.set_autoload(true);
    let progs = open.load().unwrap().progs;
    for program in [&progs.read_on, &progs.read_here, &progs.find, &progs.write_here, &progs.iterate, &progs.of_three] {
        compare(MODULE_KSYMS, program);
    }
}

#[test]
fn targets_in_modules() {
    if !may_load_with("nf_conntrack") || !may_load_with("vsock_loopback") {
        return;
    }
    let mut open = ModuleTrace::open().unwrap();
    open.progs.in_module.set_autoload(true);
    open.progs.by_name.set_autoload(true);
    open.progs.on_return.set_autoload(true);
    open.progs.on_tp_btf.set_autoload(true);
    let progs = open.load().unwrap().progs;
    for program in [&progs.in_module, &progs.by_name, &progs.on_return, &progs.on_tp_btf] {
        compare(MODULE_TRACE, program);
    }
}
