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
    Error::malformed(format!("not a 64-bit ELF object: {why}"))
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
