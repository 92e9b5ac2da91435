//! `cargo skelgen load` and `features` on the kernels of the matrix, which gives each guest the command. On the running kernel the
//! command's own tests run it.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use skelgen_tests::skeletons::OBJECTS;
use skelgen_tests::{is_from, matrix};

/// Where the matrix puts it.
const COMMAND: &str = "/matrix/cargo-skelgen";

const COUNTERS: &[u8] = include_bytes!("../../fixtures/counters.bpf.o");
const REFUSED: &[u8] = include_bytes!("../../fixtures/bad/verifier_reject.bpf.o");

/// A folder of a test's own, with objects in it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, objects: &[(&str, &[u8])]) -> Folder {
        let folder = Folder(env::temp_dir().join(format!("skelgen-command-{test}")));
        fs::create_dir_all(&folder.0).unwrap();
        objects.iter().for_each(|(name, object)| fs::write(folder.0.join(name), object).unwrap());
        folder
    }

    /// Exit status and output of `cargo skelgen ARGS...`.
    fn skelgen(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(COMMAND).arg("skelgen").args(args).current_dir(&self.0).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Of all fixtures with two CPUs, which each kernel's guests have at least once, and of one in eight with other numbers.
#[test]
fn features_and_load_agree() {
    let Some(guest) = matrix() else { return };
    let mut wrong = Vec::new();
    for objects in OBJECTS.chunks(1).step_by(if guest.cpus == 2 { 1 } else { 8 }) {
        let folder = Folder::new("agree", objects);
        let (name, _) = objects[0];
        let (features, said) = folder.skelgen(&["features", name]);
        let (load, why) = folder.skelgen(&["load", name]);
        let first = said.lines().next().unwrap_or_default();
        let agrees = first.contains(if load == Some(0) { ": loads" } else { ": does not load" });
        if features != load || !agrees {
            wrong.push(format!("{name}: {features:?} and {load:?}\n{said}{why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn load_says_what_loads_and_what_does_not() {
    if matrix().is_none() {
        return;
    }
    let folder = Folder::new("load", &[("counters.bpf.o", COUNTERS), ("verifier_reject.bpf.o", REFUSED)]);
    let load = |args: &[&str]| folder.skelgen(&[&["load"], args].concat());
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
    assert_eq!(status, Some(if is_from(".percpu addressed directly") { 0 } else { 1 }), "{said}");
}
