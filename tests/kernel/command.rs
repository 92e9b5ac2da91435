//! `cargo skelgen load` and `features` on the kernels of the matrix, which gives each guest the command. On the running kernel the
//! command's own tests run it.

use std::process::Command;
use std::{env, fs};

use skelgen_tests::skeletons::OBJECTS;
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
    skelgen(&[&["load"], args].concat())
}

/// Exit status and output of `cargo skelgen ARGS...`.
fn skelgen(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(COMMAND);
    let output = command.arg("skelgen").args(args).current_dir(env::temp_dir()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

#[test]
fn features_and_load_agree() {
    if matrix().is_none() {
        return;
    }
    let mut wrong = Vec::new();
    for (name, object) in OBJECTS {
        fs::write(env::temp_dir().join(name), object).unwrap();
        let (features, said) = skelgen(&["features", name]);
        let (load, why) = skelgen(&["load", name]);
        let first = said.lines().next().unwrap_or_default();
        let agrees = first.contains(if load == Some(0) { ": loads" } else { ": does not load" });
        if features != load || !agrees {
            wrong.push(format!("{name}: {features:?} and {load:?}\n{said}{why}"));
        }
        fs::remove_file(env::temp_dir().join(name)).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
