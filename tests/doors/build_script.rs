//! What a build script with C sources says to cargo, as cargo shows it.

use std::fs;
use std::path::Path;

use skelgen_tests::have_clang;
use skelgen_tests::packages::{new_package, scratch};

use crate::cargo_build;

const PROGRAM: &str = r#"
#include "header.h"

SEC("raw_tp") int count(void *ctx) { hits++; return 0; }

char LICENSE[] SEC("license") = "GPL";
"#;

const HEADER: &str = r#"
#define SEC(name) __attribute__((section(name), used))

SEC(".percpu") unsigned long hits = 0;
"#;

/// Whether a verbose build succeeds, and the lines that cargo shows.
fn build(package: &Path) -> (bool, Vec<String>) {
    let output = cargo_build(package).arg("-v").output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), shown.lines().map(ToOwned::to_owned).collect())
}

/// Whether the build script ran.
fn ran(shown: &[String]) -> bool {
    shown.iter().any(|line| line.trim_start().starts_with("Running") && line.contains("/build-script-build"))
}

#[test]
fn cargo_watches_and_shows() {
    if !have_clang() {
        return;
    }
    let all = scratch("build-script");
    let dependencies = "[dependencies]\nskelgen-runtime = { path = \"../skelgen/runtime\" }\n\n\
                        [build-dependencies]\nskelgen = { path = \"../skelgen/skelgen\" }\n";
    let package = new_package(&all, "watched", dependencies);
    let write = |name: &str, text: &str| fs::write(package.join(name), text).unwrap();
    write("src/count.bpf.c", PROGRAM);
    write("src/header.h", HEADER);
    write("src/main.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/count.skel.rs\"));\n\nfn main() {}\n");
    let script = "fn main() -> Result<(), skelgen::BuildError> {\n    \
                      skelgen::Builder::new().source(\"src/count.bpf.c\").generate_to_out_dir()\n}\n";
    write("build.rs", script);
    let (built, shown) = build(&package);
    assert!(built && ran(&shown), "{shown:#?}");

    // Nothing has changed; then a header.
    let (built, shown) = build(&package);
    assert!(built && !ran(&shown), "{shown:#?}");
    write("src/header.h", &format!("{HEADER}\n#warning so it is\n"));
    let (built, shown) = build(&package);
    assert!(built && ran(&shown), "{shown:#?}");
    let warned = |line: &String| {
        line.starts_with("warning: watched@0.1.0: ") && line.ends_with("header.h:6:2: warning: so it is [-W#warnings]")
    };
    assert!(shown.iter().any(warned), "{shown:#?}");

    // Each error of clang and of the generator is shown once.
    write("src/header.h", HEADER);
    write("src/count.bpf.c", &PROGRAM.replace("hits++", "misses++"));
    let lines_with = |shown: &[String], text: &str| shown.iter().filter(|line| line.contains(text)).count();
    let (built, shown) = build(&package);
    assert!(!built, "{shown:#?}");
    assert_eq!(lines_with(&shown, "Error: src/count.bpf.c: clang failed (exit status: 1)"), 1, "{shown:#?}");
    assert_eq!(lines_with(&shown, ": error: use of undeclared identifier 'misses'"), 1, "{shown:#?}");
    // If the script drops the error, cargo shows it.
    write("build.rs", &script.replace("generate_to_out_dir()", "generate_to_out_dir().or(Ok(()))"));
    let (built, shown) = build(&package);
    let errors: Vec<_> = shown.iter().filter_map(|line| line.strip_prefix("error: watched@0.1.0: ")).collect();
    assert!(!built, "{shown:#?}");
    assert_eq!(errors[0], "src/count.bpf.c: clang failed (exit status: 1)");
    assert!(errors[1].ends_with(": error: use of undeclared identifier 'misses'"), "{errors:#?}");
    write("build.rs", script);
    write("src/count.bpf.c", PROGRAM);
    write("src/header.h", &HEADER.replace("hits = 0", "hits = (unsigned long)&hits"));
    let (built, shown) = build(&package);
    let error = "Error: count.bpf.o: section .percpu: hits: byte 0 holds an address";
    assert!(!built && lines_with(&shown, error) == 1, "{shown:#?}");

    // Another compiler is another environment.
    write("src/header.h", HEADER);
    assert!(build(&package).0);
    let output = cargo_build(&package).env("CLANG", "/nowhere/clang").output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    let error = "Error: src/count.bpf.c: compiler /nowhere/clang not found";
    assert!(!output.status.success() && shown.lines().any(|line| line.trim() == error), "{shown}");
    fs::remove_dir_all(all).unwrap();
}
