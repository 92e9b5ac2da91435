//! The summary at the end of `cargo test --workspace`: how many tests did not run here, and why.
//!
//! This is not a test. Cargo runs the test targets of a workspace in the order of their names, and this one is last; only the
//! doc tests come after it. The names of the tests go to a file, to keep the summary short. `.ci/run` asks for the summary in
//! another file, `SKELGEN_SUMMARY`, to show it once more behind the doc tests.

use std::path::Path;
use std::{env, fs};

use skelgen_tests::not_run;

fn main() {
    let not_run = not_run::so_far();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("not_run.txt");
    fs::write(&file, not_run.list()).expect("the target folder can be written");
    if not_run.reasons.is_empty() {
        println!("\nEvery test that was started could run here.\n");
    } else {
        let summary = format!("What did not run here, by tests:\n{}", not_run.summary());
        println!("\n{summary}");
        if let Some(file) = env::var_os("SKELGEN_SUMMARY") {
            fs::write(file, summary).expect("the file of SKELGEN_SUMMARY can be written");
        }
        if env::var_os("SKELGEN_NOT_RUN").is_some() {
            println!("{}", not_run.list());
        }
        println!("The tests by name: {}\n", file.display());
    }
    not_run::forget_former_runs();
}
