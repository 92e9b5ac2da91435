//! The crates that are compiled: `tests/peers/compile`.

use std::path::PathBuf;

use crate::build;

/// One agent, with a skeleton or without.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Crate {
    Nothing,
    Skelgen,
    Derive,
    LibbpfRs,
}

impl Crate {
    pub const ALL: [Crate; 4] = [Crate::Nothing, Crate::Skelgen, Crate::Derive, Crate::LibbpfRs];

    /// For the reader.
    pub fn name(self) -> &'static str {
        match self {
            Crate::Nothing => "no skeleton",
            Crate::Skelgen => "skelgen, build script",
            Crate::Derive => "skelgen, derive",
            Crate::LibbpfRs => "libbpf-cargo",
        }
    }

    pub fn package(self) -> &'static str {
        match self {
            Crate::Nothing => "compile-nothing",
            Crate::Skelgen => "compile-skelgen",
            Crate::Derive => "compile-derive",
            Crate::LibbpfRs => "compile-libbpf-rs",
        }
    }

    pub fn has_build_script(self) -> bool {
        matches!(self, Crate::Skelgen | Crate::LibbpfRs)
    }

    pub fn folder(self) -> PathBuf {
        let name = self.package().trim_start_matches("compile-");
        build::manifest().with_file_name("compile").join(name)
    }
}
