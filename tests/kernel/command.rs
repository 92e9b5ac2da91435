//! `cargo skelgen load` on the kernels of the matrix, which gives each guest the command. On the running kernel the
//! command's own tests run it.

use std::process::Command;
use std::{env, fs};

use skelgen_tests::{kernel_version, matrix};

/// Where the matrix puts it.
const COMMAND: &str = "/matrix/cargo-skelgen";

const COUNTERS: &[u8] = include_bytes!("../../fixtures/counters.bpf.o");
const REFUSED: &[u8] = include_bytes!("../../fixtures/bad/verifier_reject.bpf.o");

/// Exit status and output of `cargo skelgen load ARGS...`.
fn load(args: &[&str]) -> (Option<i32>, String) {
    let folder = env::temp_dir();
    for (name, object) in [("counters.bpf.o", COUNTERS), ("verifier_reject.bpf.o", REFUSED)] {
        fs::write(folder.join(name), object).unwrap();
    }
    let output = Command::new(COMMAND).args(["skelgen", "load"]).args(args).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

#[test]
fn load_says_what_loads_and_what_does_not() {
    if matrix().is_none() {
        return;
    }
    let (status, said) = load(&["counters.bpf.o"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.starts_with("OK "), "{said}");

    let (status, said) = load(&["counters.bpf.o", "verifier_reject.bpf.o"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("load program unbounded"), "{said}");

    // What each kernel can, and what it is told.
    let (status, said) = load(&["--percpu", "lowered", "counters.bpf.o"]);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = load(&["--percpu", "native", "counters.bpf.o"]);
    assert_eq!(status, Some(if kernel_version() >= (7, 3) { 0 } else { 1 }), "{said}");
}
