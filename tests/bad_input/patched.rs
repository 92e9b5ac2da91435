//! A good object with one thing made wrong that no compiler gets wrong.

use std::ops::Range;

use object::{Object, ObjectSection};
use skelgen_tests::fixtures;

use super::refusal;

/// Places in `Elf64_Ehdr`.
mod header {
    pub(crate) const CLASS: usize = 4;
    pub(crate) const TYPE: usize = 16;
    pub(crate) const MACHINE: usize = 18;
}

/// Places in `Elf64_Rel`: where, and the symbol in the upper half of what.
mod rel {
    pub(crate) const OFFSET: usize = 0;
    pub(crate) const SYMBOL: usize = 12;
}

const INSN: usize = 8;
/// Place of `imm` in an instruction.
const IMM: usize = 4;

/// The fixture that is made wrong.
struct Counters(Vec<u8>);

impl Counters {
    fn new() -> Self {
        Counters(fixtures::bytes("counters"))
    }

    /// Where in the file a section stands.
    fn section(&self, name: &str) -> Range<usize> {
        let file = object::File::parse(&*self.0).unwrap();
        let (at, size) = file.section_by_name(name).unwrap().file_range().unwrap();
        at as usize..(at + size) as usize
    }

    /// Where in the file the table of a section's relocations stands, which by its content is no section of its own.
    fn relocations_of(&self, section: &str) -> usize {
        self.section(&format!(".rel{section}")).start
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// What the generator says, without the object's name.
    fn refusal(&self) -> String {
        let refusal = refusal("counters", &self.0);
        refusal.strip_prefix("counters.bpf.o: ").expect("an error begins with the object's name").to_owned()
    }
}

#[test]
fn what_is_no_elf_file() {
    for bytes in [&b""[..], b"\x7fELF", b"#include \"counters.h\"\n", &[0; 4096]] {
        let refusal = refusal("counters", bytes);
        assert!(refusal.starts_with("counters.bpf.o: not a 64-bit ELF object: "), "{refusal}");
    }
    let mut counters = Counters::new();
    counters.put(header::CLASS, &[1]);
    assert!(counters.refusal().starts_with("not a 64-bit ELF object: "), "{}", counters.refusal());
}

#[test]
fn what_is_no_object_of_bpf() {
    let mut counters = Counters::new();
    counters.put(header::MACHINE, &62u16.to_le_bytes());
    assert_eq!(counters.refusal(), "made for machine 62, not for BPF (EM_BPF, 247)");

    let mut counters = Counters::new();
    counters.put(header::TYPE, &2u16.to_le_bytes());
    assert_eq!(counters.refusal(), "not a relocatable object (ET_REL)");
}

#[test]
fn a_relocation_by_a_symbol_that_is_not_there() {
    let mut counters = Counters::new();
    let first = counters.relocations_of("raw_tp");
    counters.put(first + rel::SYMBOL, &9999u32.to_le_bytes());
    assert_eq!(counters.refusal(), "section raw_tp: the relocation at byte 24 names symbol 9999, of 29");

    counters.put(first + rel::SYMBOL, &0u32.to_le_bytes());
    assert_eq!(counters.refusal(), "section raw_tp: bump: insn 3: its relocation names no symbol");
}

#[test]
fn a_relocation_of_nothing() {
    let mut counters = Counters::new();
    let first = counters.relocations_of("raw_tp");
    counters.put(first + rel::OFFSET, &0x10000u64.to_le_bytes());
    assert_eq!(counters.refusal(), "section raw_tp: relocation of byte 65536, which is in no function");

    // The program's first instruction loads from its context.
    counters.put(first + rel::OFFSET, &0u64.to_le_bytes());
    assert_eq!(
        counters.refusal(),
        "section raw_tp: bump: insn 0: relocation of instruction 0x79, which takes no address"
    );
}

#[test]
fn an_address_past_its_section() {
    let mut counters = Counters::new();
    let code = counters.section("raw_tp").start;
    counters.put(code + 3 * INSN + IMM, &1000u32.to_le_bytes());
    let refusal = counters.refusal();
    assert_eq!(refusal, "section raw_tp: bump: insn 3: refers to byte 1016 of section .percpu, which has 72");
}

#[test]
fn a_call_to_where_no_function_starts() {
    const CALL: [u8; 2] = [0x85, 0x10];
    let mut counters = Counters::new();
    let code = counters.section("raw_tp/sched_process_exec");
    let call = code.clone().step_by(INSN).find(|&at| counters.0[at..].starts_with(&CALL)).expect("on_exec calls fill");
    counters.put(call + IMM, &1000u32.to_le_bytes());
    let insn = (call - code.start) / INSN;
    assert_eq!(
        counters.refusal(),
        format!(
            "section raw_tp/sched_process_exec: on_exec: insn {insn}: refers to byte 8008 of section .text, where no function starts"
        )
    );
}

#[test]
fn types_that_are_none() {
    let mut counters = Counters::new();
    let btf = counters.section(".BTF").start;
    counters.put(btf, &[0]);
    assert!(counters.refusal().starts_with("section .BTF: "), "{}", counters.refusal());

    // `type_len` of the header.
    let mut counters = Counters::new();
    counters.put(btf + 12, &0xffff_fff0u32.to_le_bytes());
    assert!(counters.refusal().starts_with("section .BTF: "), "{}", counters.refusal());

    // `func_info_len` of the header.
    let mut counters = Counters::new();
    let ext = counters.section(".BTF.ext").start;
    counters.put(ext + 12, &0xffff_fff0u32.to_le_bytes());
    assert!(counters.refusal().starts_with("section .BTF.ext: "), "{}", counters.refusal());
}
