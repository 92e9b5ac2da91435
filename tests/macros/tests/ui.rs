//! What a wrong `derive(Skeleton)` or `derive(PerCpu)` says: each file in `ui/` is named by its mistake. Those in
//! `ui/pass/` are right, and run.

use std::path::Path;
use std::sync::Once;
use std::{fs, process};

/// Without a case that is to pass among them, all are checked by one cargo.
#[test]
fn mistakes_are_told() {
    copy_fixtures();
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn what_is_right_runs() {
    copy_fixtures();
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

/// Copies the objects to where the cases look for them: trybuild builds a package of its own, below the target folder.
/// Only once, because another test's compiler may be reading them.
fn copy_fixtures() {
    static COPIED: Once = Once::new();
    COPIED.call_once(copy);
}

fn copy() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let there = target.join("tests/trybuild/fixtures");
    fs::create_dir_all(&there).unwrap();
    for entry in fs::read_dir("../../fixtures").unwrap() {
        let file = entry.unwrap();
        if file.file_name().to_string_lossy().ends_with(".bpf.o") {
            // Another run of the tests may read the file meanwhile: it sees a whole one.
            let part = there.join(format!(".{}", process::id()));
            fs::copy(file.path(), &part).unwrap();
            fs::rename(part, there.join(file.file_name())).unwrap();
        }
    }
}
