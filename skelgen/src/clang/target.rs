//! Which machine's kernel an object is for.

use std::env;
use std::fmt::Display;

use crate::Endian;

/// The machine whose kernel an object is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    endian: Endian,
    arch: String,
}

impl Target {
    /// A machine, by its architecture's name in Rust: `x86_64`.
    pub fn new(arch: impl Display, endian: Endian) -> Self {
        Target { endian, arch: arch.to_string() }
    }

    /// In a build script what the package is built for, elsewhere this machine.
    pub fn from_env() -> Self {
        let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_else(|_| env::consts::ARCH.to_owned());
        let big = match env::var("CARGO_CFG_TARGET_ENDIAN") {
            Ok(endian) => endian == "big",
            Err(_) => cfg!(target_endian = "big"),
        };
        Target { endian: if big { Endian::Big } else { Endian::Little }, arch }
    }

    /// What clang calls it.
    pub(super) fn triple(&self) -> &'static str {
        match self.endian {
            Endian::Little => "bpfel",
            Endian::Big => "bpfeb",
        }
    }

    /// The macro by which libbpf's `bpf_tracing.h` knows how the machine passes arguments; none if it does not know it.
    pub(super) fn arch_macro(&self) -> Option<String> {
        let name = match self.arch.as_str() {
            "x86" | "x86_64" => "x86",
            "aarch64" => "arm64",
            "arm" => "arm",
            "riscv32" | "riscv64" => "riscv",
            "s390x" => "s390",
            "powerpc" | "powerpc64" => "powerpc",
            "loongarch32" | "loongarch64" => "loongarch",
            "mips" | "mips32r6" | "mips64" | "mips64r6" => "mips",
            "sparc" | "sparc64" => "sparc",
            _ => return None,
        };
        Some(format!("__TARGET_ARCH_{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_have_their_kernels_names() {
        let target = |arch, endian| {
            let target = Target::new(arch, endian);
            (target.triple(), target.arch_macro())
        };
        let of = |name: &str| Some(format!("__TARGET_ARCH_{name}"));
        assert_eq!(target("x86_64", Endian::Little), ("bpfel", of("x86")));
        assert_eq!(target("aarch64", Endian::Little), ("bpfel", of("arm64")));
        assert_eq!(target("s390x", Endian::Big), ("bpfeb", of("s390")));
        assert_eq!(target("riscv64", Endian::Little), ("bpfel", of("riscv")));
        assert_eq!(target("hexagon", Endian::Little), ("bpfel", None));
    }
}
