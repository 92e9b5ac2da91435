//! Whether there is a compiler for BPF.

use std::sync::OnceLock;
use std::{env, fs, process};

use skelgen::clang::{Clang, ClangError, Target};

use crate::not_run::{Part, not_run};

/// For the first line of a test that compiles C for BPF: `if !have_clang() { return; }`. If none does, the test is noted as
/// one that did not run.
///
/// # Panics
///
/// The folder for temporary files cannot be written.
#[must_use = "a test without a compiler has nothing to do"]
pub fn have_clang() -> bool {
    static COMPILED: OnceLock<Result<(), ClangError>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(compile_nothing);
    compiled.as_ref().inspect_err(|why| not_run(Part::Clang, why)).is_ok()
}

/// That there is a clang is not enough: some are built without BPF.
fn compile_nothing() -> Result<(), ClangError> {
    let folder = env::temp_dir().join(format!("skelgen-clang-{}", process::id()));
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let source = folder.join("empty.c");
    fs::write(&source, "").expect("the folder for temporary files can be written");
    let compiled = Clang::default().compile(&Target::from_env(), &source, &folder.join("empty.o"));
    let _ = fs::remove_dir_all(&folder);
    compiled.map(drop)
}
