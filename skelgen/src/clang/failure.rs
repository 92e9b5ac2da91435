//! Why a source was not compiled, and what to do about it.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::{fmt, io};

/// Why a source was not compiled.
#[derive(Debug)]
pub struct ClangError {
    pub(super) source: PathBuf,
    pub(super) cause: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    NoClang,
    NoSuchClang(PathBuf),
    NoSuchStrip(PathBuf),
    Run(PathBuf, io::Error),
    Compile(ExitStatus, String),
    Strip(PathBuf, String),
    Io(&'static str, PathBuf, io::Error),
}

impl fmt::Display for ClangError {
    /// The source and what is wrong; clang's own words on lines of their own; a hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source.display())?;
        match &self.cause {
            Cause::NoClang => f.write_str(
                "no clang, which compiles C for BPF: install it (Debian and Ubuntu: `apt install clang llvm`, Fedora: \
                 `dnf install clang llvm`), or name it in the environment variable CLANG",
            ),
            Cause::NoSuchClang(program) => write!(f, "compiler {} not found", program.display()),
            Cause::NoSuchStrip(program) => write!(f, "{}, which LLVM_STRIP names, not found", program.display()),
            Cause::Run(program, error) => write!(f, "cannot run {}: {error}", program.display()),
            Cause::Compile(status, said) => {
                write!(f, "clang failed ({status})\n{}", said.trim_end())?;
                hint(said).map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
            }
            Cause::Strip(program, said) => {
                write!(f, "{} cannot remove DWARF from its object\n{}", program.display(), said.trim_end())
            }
            Cause::Io(what, path, error) => write!(f, "cannot {what} {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for ClangError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Run(_, error) | Cause::Io(_, _, error) => Some(error),
            _ => None,
        }
    }
}

/// The first characters of C library headers that BPF programs include.
const C_LIBRARY: [&str; 13] = [
    "arpa/",
    "bits/",
    "errno.h'",
    "gnu/",
    "inttypes.h'",
    "net/",
    "netinet/",
    "stdint.h'",
    "stdio.h'",
    "stdlib.h'",
    "string.h'",
    "sys/",
    "time.h'",
];

/// What to do about what clang said, where that is known.
fn hint(said: &str) -> Option<&'static str> {
    let missing = |start: &str| said.contains(&format!("'{start}")) && said.contains("file not found");
    if missing("vmlinux.h'") {
        Some(
            "vmlinux.h has the kernel's types: `bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h` \
             makes one, and Builder::vmlinux_h (vmlinux-h in Cargo.toml) says where it is",
        )
    } else if missing("bpf/") {
        Some(
            "headers in bpf/ are libbpf's: install them (Debian and Ubuntu: `apt install libbpf-dev`, Fedora: `dnf \
             install libbpf-devel`), or say with Builder::include (includes in Cargo.toml) where they are",
        )
    } else if ["asm/", "asm-generic/", "linux/"].into_iter().any(missing) {
        Some(
            "headers in asm/, asm-generic/ and linux/ are the kernel's for user space: install them (Debian and Ubuntu: \
             `apt install linux-libc-dev`, Fedora: `dnf install kernel-headers`)",
        )
    } else if missing("gnu/stubs-32.h'") {
        Some(
            "because of a flag or an include folder, clang finds the C library's gnu/stubs.h before skelgen's: remove it, \
             or install the 32-bit headers (Debian and Ubuntu: `apt install libc6-dev-i386`, Fedora: `dnf install \
             glibc-devel.i686`)",
        )
    } else if C_LIBRARY.into_iter().any(missing) {
        Some(
            "the C library's headers are missing: install them (Debian and Ubuntu: `apt install libc6-dev`, Fedora: `dnf \
             install glibc-devel`)",
        )
    } else if said.contains("unable to write nop sequence") {
        Some(
            "clang 16 and 17 cannot fill the gap before a variable in a section that they do not know, as .percpu is: \
             declare the larger variables first, or put all into one struct, or take another clang",
        )
    } else if said.contains("unknown target triple") || said.contains("No available targets are compatible") {
        Some("this clang was built without BPF, as Apple's is: name another in the environment variable CLANG")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_known_by_its_name() {
        let missing = |file: &str| format!("a.bpf.c:1:10: fatal error: '{file}' file not found\n");
        for (said, expected) in [
            (missing("vmlinux.h"), Some("vmlinux.h has the kernel's types")),
            (missing("bpf/bpf_helpers.h"), Some("headers in bpf/ are libbpf's")),
            (missing("asm/types.h"), Some("headers in asm/, asm-generic/ and linux/ are the kernel's for user space")),
            (missing("netinet/in.h"), Some("the C library's headers are missing")),
            (missing("stdint.h"), Some("the C library's headers are missing")),
            (missing("gnu/stubs-32.h"), Some("because of a flag or an include folder")),
            (missing("mine.h"), None),
            ("error: unknown target triple 'bpfel'".to_owned(), Some("this clang was built without BPF")),
            (
                "fatal error: error in backend: unable to write nop sequence of 7 bytes\nPLEASE submit a bug report to"
                    .to_owned(),
                Some("clang 16 and 17 cannot fill the gap"),
            ),
            ("a.bpf.c:1:1: error: expected ';'".to_owned(), None),
        ] {
            let hint = hint(&said);
            assert!(hint.map(|hint| hint.starts_with(expected.unwrap_or("?"))) == expected.map(|_| true), "{hint:?}");
        }
    }
}
