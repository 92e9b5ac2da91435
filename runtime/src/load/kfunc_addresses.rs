//! Kfuncs whose address a program takes, on kernels where an instruction can have a variable's address only (before Linux
//! 6.4).
//!
//! A program takes it to see whether there is such a kfunc, as `bpf_ksym_exists` does, and for that any number but 0 will
//! do: the instruction becomes that of a constant, and the kfunc's id is the number.

use crate::btf::kind;
use crate::image::{Header, OP_COPY, OP_FIND_BTF, Read, Step};
use crate::sys::attr::place;
use crate::sys::uapi::{BPF_PSEUDO_BTF_ID, LD_IMM64};
/// Place of `imm` in an instruction.
const IMM: u32 = place!(Insn.imm);

/// Whether this log is that of a kernel that does not take them.
pub(super) fn are_refused(log: &str) -> bool {
    log.contains("in ldimm64 isn't KIND_VAR")
}

/// What to write over `image` for it to do without.
pub(super) fn words(image: &[u8], header: &Header) -> Vec<(u32, u32)> {
    let steps = || header.steps(image);
    let is_kfunc = |id: u32| {
        let finds = |step: Step| step.op == OP_FIND_BTF && step.cmd == kind::FUNC && step.out == id;
        steps().any(finds)
    };
    let copies = steps().filter(|step| step.op == OP_COPY && is_kfunc(step.arg));
    let words = copies.filter_map(|step| {
        let at = step.out.checked_sub(IMM)?;
        let [code, regs, off @ ..] = image.u32(at)?.to_ne_bytes();
        let (dst, src) =
            if cfg!(target_endian = "little") { (regs & 0xf, regs >> 4) } else { (regs & 0xf0, regs & 0xf) };
        let is_address = code == LD_IMM64 && src == BPF_PSEUDO_BTF_ID;
        let [off_0, off_1] = off;
        is_address.then_some((at, u32::from_ne_bytes([code, dst, off_0, off_1])))
    });
    words.collect()
}
