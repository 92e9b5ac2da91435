//! What a wrong `derive(Skeleton)` or `derive(PerCpu)` says: each file in `ui/` is named by its mistake. What is right
//! is compiled in `right/`: with a case that passes among the others, trybuild would not check all of them by one cargo.

use std::path::Path;
use std::{fs, process};

#[test]
fn mistakes_are_told() {
    copy_fixtures();
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Copies the objects to where the cases look for them: trybuild builds a package of its own, below the target folder.
fn copy_fixtures() {
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
