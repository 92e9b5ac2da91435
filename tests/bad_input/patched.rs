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
    let cases: [(&[u8], &str); 3] = [
        (b"\x7fELF", "not a 64-bit ELF object: "),
        (b"#include \"counters.h\"\n", "this is not an ELF object, but looks like C source: "),
        (&[0; 4096], "this is not an ELF object, which begins with 7f 45 4c 46: "),
    ];
    for (bytes, expected) in cases {
        let refusal = refusal("counters", bytes);
        assert!(refusal.starts_with(&format!("counters.bpf.o: {expected}")), "{refusal}");
    }
    let mut counters = Counters::new();
    counters.put(header::CLASS, &[1]);
    let refusal = counters.refusal();
    assert_eq!(refusal, "this is a 32-bit ELF file; BPF objects are 64-bit: compile with clang -target bpf");
}

#[test]
fn files_of_other_formats_are_recognised() {
    let table: [(&[u8], &str); 10] = [
        (b"BC\xc0\xde\x35\x14", "this is LLVM bitcode, which clang writes with -emit-llvm or -flto: "),
        (b"\xde\xc0\x17\x0b\0\0", "this is LLVM bitcode"),
        (b"; ModuleID = 'counters.bpf.c'", "this is LLVM IR as text"),
        (b"!<arch>\ncounters.o/", "this is an archive (ar): "),
        (b"\x1f\x8b\x08\0", "this is compressed with gzip: "),
        (b"\xfd7zXZ\0\0", "this is compressed with xz: "),
        (b"\x28\xb5\x2f\xfd\x04", "this is compressed with zstd: "),
        (b"BZh91AY", "this is compressed with bzip2: "),
        (b"\x9f\xeb\x01\0\x18", "this is raw BTF, as in /sys/kernel/btf, without a program"),
        (b"", "the file is empty"),
    ];
    for (bytes, start) in table {
        let refusal = refusal("counters", bytes);
        assert!(refusal.starts_with(&format!("counters.bpf.o: {start}")), "{refusal}");
    }
}

#[test]
fn elf_files_that_are_not_bpf_objects_are_recognised() {
    let mut counters = Counters::new();
    counters.put(header::MACHINE, &62u16.to_le_bytes());
    assert_eq!(counters.refusal(), "made for x86-64, not for BPF: compile with clang -target bpf");
    counters.put(header::MACHINE, &9999u16.to_le_bytes());
    let refusal = counters.refusal();
    assert_eq!(refusal, "made for machine 9999, not for BPF (EM_BPF, 247): compile with clang -target bpf");

    let mut counters = Counters::new();
    for (e_type, what) in [(2u16, "an executable"), (3, "a shared object or an executable"), (4, "a core dump")] {
        counters.put(header::TYPE, &e_type.to_le_bytes());
        let end = "not a relocatable object (ET_REL): compile with -c, and link with `bpftool gen object`";
        assert_eq!(counters.refusal(), format!("this is {what}, {end}"));
    }
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
