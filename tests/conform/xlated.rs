//! Translated instructions, and values, without what is another in each load: ids of maps, places of descriptors, and
//! addresses of the kernel's memory and of arenas.

use std::ops::Range;

use skelgen_runtime::uapi::{BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, CALL, LD_IMM64};

/// From here on, an address is one of the kernel's, with five levels of page tables as well.
const KERNEL: u64 = 0xff00_0000_0000_0000;

/// From here on, it is one of the kernel's image or of a module, and the same until the next boot.
const IMAGE: u64 = 0xffff_ffff_8000_0000;

/// A word for each slot: `struct bpf_insn` in hexadecimal, but for the `ld_imm64` whose value is none of the program:
/// `arenas` are where this process has them.
pub(crate) fn normalised(insns: &[u64], map_name: impl Fn(u32) -> String, arenas: &[Range<u64>]) -> Vec<String> {
    let mut words = Vec::with_capacity(insns.len());
    let mut insns = insns.iter().copied();
    while let Some(insn) = insns.next() {
        let [code, regs, ..] = insn.to_le_bytes();
        if code != LD_IMM64 {
            words.push(word(insn));
            continue;
        }
        let second = insns.next().unwrap_or_default();
        let (low, high) = (insn >> 32, second >> 32);
        let value = (high << 32) | low;
        let (dst, src) = (regs & 0xf, regs >> 4);
        let [first_word, second_word] = match src {
            BPF_PSEUDO_MAP_FD => [format!("r{dst} = {}", map_name(low as u32)), format!("{high:#x}")],
            BPF_PSEUDO_MAP_VALUE => [format!("r{dst} = value of {}", map_name(low as u32)), format!("+ {high:#x}")],
            _ if (KERNEL..IMAGE).contains(&value) => [format!("r{dst} = memory of the kernel's"), "(…)".to_owned()],
            _ => match arenas.iter().find(|arena| arena.contains(&value)) {
                Some(arena) => [format!("r{dst} = the arena"), format!("+ {:#x}", value - arena.start)],
                None => [word(insn), word(second)],
            },
        };
        words.extend([first_word, second_word]);
    }
    words
}

/// A map's value with zeroes for addresses: the kernel's own fields in it, such as heads of lists, have some.
pub(crate) fn without_addresses(mut value: Vec<u8>) -> Vec<u8> {
    let (words, _) = value.as_chunks_mut::<8>();
    for word in words {
        if (KERNEL..IMAGE).contains(&u64::from_le_bytes(*word)) {
            *word = [0; 8];
        }
    }
    value
}

/// Code, registers, offset, immediate. The offset of a kfunc's call, where that is a module's, says where among its
/// descriptors the loader had the module's: a number of its own.
fn word(insn: u64) -> String {
    let [code, regs, ..] = insn.to_le_bytes();
    let offset = if calls_module(insn) { 1 } else { offset(insn) };
    let imm = (insn >> 32) as u32;
    format!("{code:02x} {regs:02x} {offset} {imm:#x}")
}

/// Whether this calls a kfunc of a module.
pub(crate) fn calls_module(insn: u64) -> bool {
    let [code, regs, ..] = insn.to_le_bytes();
    code == CALL && regs >> 4 == BPF_PSEUDO_KFUNC_CALL && offset(insn) != 0
}

fn offset(insn: u64) -> i16 {
    (insn >> 16) as i16
}
