//! Recognises files that are not BPF objects by their first bytes, for errors.

use object::elf;

use crate::Error;

/// The first bytes of other formats, and the error for each.
const FORMATS: [(&[u8], &str); 14] = [
    (b"BC\xc0\xde", BITCODE),
    (b"\xde\xc0\x17\x0b", BITCODE),
    (b"; ModuleID", "this is LLVM IR as text, from -emit-llvm -S: compile with -c and without -emit-llvm"),
    (b"!<arch>\n", ARCHIVE),
    (b"!<thin>\n", ARCHIVE),
    (b"\x1f\x8b", "this is compressed with gzip: unpack it with gunzip"),
    (b"\xfd7zXZ\0", "this is compressed with xz: unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "this is compressed with zstd: unpack it with unzstd"),
    (b"BZh", "this is compressed with bzip2: unpack it with bunzip2"),
    (b"PK\x03\x04", "this is a zip archive, not an object"),
    (b"\xcf\xfa\xed\xfe", "this is an object for macOS: compile with clang -target bpf"),
    (b"\0asm", "this is WebAssembly: compile with clang -target bpf"),
    (b"\x9f\xeb\x01\0", BTF),
    (b"\xeb\x9f\x01\0", BTF),
];

const BITCODE: &str = "this is LLVM bitcode, which clang writes with -emit-llvm or -flto: compile without these flags, or \
                       convert it with `llc -march=bpf -filetype=obj`";
const ARCHIVE: &str = "this is an archive (ar): extract the object with `ar x`";
const BTF: &str =
    "this is raw BTF, as in /sys/kernel/btf, without a program: compile the program with clang -target bpf";

/// The error for bytes that are not a 64-bit ELF file; `why` is the ELF reader's message.
pub(super) fn not_elf(bytes: &[u8], why: &str) -> Error {
    if let Some((_, what)) = FORMATS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Error::unsupported(*what);
    }
    if bytes.is_empty() {
        return Error::malformed("the file is empty");
    }
    // e_ident[EI_CLASS]
    if bytes.starts_with(b"\x7fELF\x01") {
        return Error::unsupported("this is a 32-bit ELF file; BPF objects are 64-bit: compile with clang -target bpf");
    }
    if !bytes.starts_with(b"\x7fELF") {
        return Error::malformed(format!("this is not an ELF object{}", looks(bytes)));
    }
    Error::malformed(format!("not a 64-bit ELF object: {why}"))
}

/// Bytes by which a text is recognised.
const LOOKED_AT: usize = 4096;

/// What a file without a known format looks like, as the end of a sentence.
fn looks(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | b' '..=b'~' | 0x80..);
    if !start.iter().all(is_text) {
        let first: Vec<_> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        return format!(", which begins with 7f 45 4c 46: its first bytes are {}", first.join(" "));
    }
    let text = String::from_utf8_lossy(start);
    let has = |words: &[&str]| text.lines().any(|line| words.iter().any(|word| line.trim_start().starts_with(word)));
    let what = if text.starts_with("#!") && !text.starts_with("#![") {
        " but a script"
    } else if has(&["#include", "#define", "#pragma", "#ifndef", "SEC(", "struct ", "char LICENSE", "char _license"]) {
        ", but looks like C source: compile it with `clang -g -O2 -target bpf -c`, or give it to Builder::source or to \
         `cargo skelgen build`"
    } else if has(&["use ", "fn ", "pub ", "#![", "#["]) {
        ", but looks like Rust source: an object of aya-ebpf is what cargo makes of it for the target bpfel-unknown-none"
    } else if has(&["version https://git-lfs"]) {
        " but a pointer of Git LFS: `git lfs pull` fetches the object"
    } else {
        ", but text"
    };
    what.to_owned()
}

/// The error for an ELF file of another machine.
pub(super) fn other_machine(machine: elf::Machine) -> Error {
    let name = match machine {
        elf::EM_X86_64 => "x86-64",
        elf::EM_AARCH64 => "arm64",
        elf::EM_S390 => "s390x",
        elf::EM_RISCV => "RISC-V",
        elf::EM_PPC64 => "PowerPC",
        elf::EM_LOONGARCH => "LoongArch",
        _ => {
            return Error::unsupported(format!(
                "made for machine {}, not for BPF (EM_BPF, 247): compile with clang -target bpf",
                machine.0
            ));
        }
    };
    Error::unsupported(format!("made for {name}, not for BPF: compile with clang -target bpf"))
}

/// The error for an ELF file that is not a relocatable object.
pub(super) fn other_type(e_type: elf::FileType) -> Error {
    let what = match e_type {
        elf::ET_EXEC => "this is an executable",
        elf::ET_DYN => "this is a shared object or an executable",
        elf::ET_CORE => "this is a core dump",
        _ => "this is an ELF file of an unknown type",
    };
    Error::unsupported(format!(
        "{what}, not a relocatable object (ET_REL): compile with -c, and link with `bpftool gen object`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_told_by_what_they_look_like() {
        for (bytes, expected) in [
            (
                &b"// SPDX\n#include <linux/bpf.h>\n"[..],
                "this is not an ELF object, but looks like C source: compile it with",
            ),
            (b"SEC(\"xdp\") int f(void *ctx) { return 2; }", "this is not an ELF object, but looks like C source"),
            (b"#!/bin/sh\nexit\n", "this is not an ELF object but a script"),
            (b"#![no_std]\nuse aya_ebpf::x;\n", "this is not an ELF object, but looks like Rust source"),
            (b"version https://git-lfs.github.com/spec/v1\n", "this is not an ELF object but a pointer of Git LFS"),
            ("caf\u{e9}\n".as_bytes(), "this is not an ELF object, but text"),
            (b"\x7fEL", "this is not an ELF object, which begins with 7f 45 4c 46: its first bytes are 7f 45 4c"),
            (
                b"\0\x01\x02\x03\x04",
                "this is not an ELF object, which begins with 7f 45 4c 46: its first bytes are 00 01 02 03",
            ),
            (b"\x7fELF\x02", "not a 64-bit ELF object: why"),
        ] {
            let error = not_elf(bytes, "why").to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        // A long text is a text to its end, or to where it is looked at, in the middle of a character if need be.
        let long = format!("{}\u{e9}", "x".repeat(LOOKED_AT - 1));
        assert_eq!(not_elf(long.as_bytes(), "why").to_string(), "this is not an ELF object, but text");
    }
}
