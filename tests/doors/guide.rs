//! New packages by the steps of the guide's chapter `generate`, one for each door. They build offline, and run where BPF can be
//! loaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use skelgen_tests::packages::{new_package, run, scratch};
use skelgen_tests::static_build::cargo;
use skelgen_tests::{have_clang, markdown, may_load};

use crate::{cargo_build, fixtures, target_dir};

/// A section of the chapter.
fn section(heading: &str) -> String {
    markdown::section(include_str!("../../runtime/guide/generate.md"), &format!("# {heading}")).to_owned()
}

/// The blocks of code of one language: `rust`, `toml` or `sh`.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let all = markdown::blocks(section).into_iter();
    all.filter(|block| block.language.split(',').next() == Some(language)).map(|block| block.text).collect()
}

/// The files of Rust, by the name in their first line.
fn files(section: &str) -> Vec<(String, String)> {
    let named = blocks(section, "rust").into_iter().map(|text| {
        let name = text.lines().next().and_then(|line| line.strip_prefix("// ")).expect("a file's name").to_owned();
        (name, text)
    });
    named.collect()
}

fn write(folder: &Path, (name, text): &(String, String)) {
    fs::write(folder.join(name), text).unwrap();
}

/// Builds the package, and runs it if this machine lets it load.
fn build_and_run(folder: &Path) {
    run(cargo_build(folder).arg("--quiet"));
    if may_load() {
        let said = run(&mut Command::new(target_dir().join("debug/counters")));
        let lines: Vec<_> = said.lines().collect();
        assert!(
            !lines.is_empty() && lines.iter().all(|line| line.starts_with("cpu ") && line.ends_with(" hits")),
            "{said}"
        );
        // Somebody made a system call: this process, if nobody else.
        assert!(lines.iter().any(|line| !line.ends_with(": 0 hits")), "{said}");
    }
}

/// A new package with the object and the dependencies of a section.
fn begin(all: &Path, door: &str, section: &str) -> PathBuf {
    let [dependencies] = <[String; 1]>::try_from(blocks(section, "toml")).unwrap();
    let package = new_package(&all.join(door), "counters", &dependencies);
    fs::copy(fixtures().join("counters.bpf.o"), package.join("src/counters.bpf.o")).unwrap();
    package
}

/// By a build script, with the object; and with its source, where there is a compiler.
fn by_build_script(all: &Path) {
    let section = section("In a build script");
    let [with_object, main, with_source] = <[_; 3]>::try_from(files(&section)).unwrap();
    let package = begin(all, "object", &section);
    write(&package, &with_object);
    write(&package, &main);
    build_and_run(&package);
    if !have_clang() {
        return;
    }
    let package = begin(all, "source", &section);
    fs::remove_file(package.join("src/counters.bpf.o")).unwrap();
    fs::copy(fixtures().join("counters.bpf.c"), package.join("src/counters.bpf.c")).unwrap();
    fs::create_dir(package.join("src/headers")).unwrap();
    for header in fs::read_dir(fixtures().join("include")).unwrap() {
        let header = header.unwrap();
        fs::copy(header.path(), package.join("src/headers").join(header.file_name())).unwrap();
    }
    write(&package, &with_source);
    write(&package, &main);
    build_and_run(&package);
}

fn by_derive(all: &Path) {
    let section = section("By a derive");
    let package = begin(all, "derive", &section);
    let [main] = <[_; 1]>::try_from(files(&section)).unwrap();
    write(&package, &main);
    build_and_run(&package);
}

fn by_the_shell(all: &Path) {
    let section = section("From the shell");
    let package = begin(all, "shell", &section);
    let [commands] = <[String; 1]>::try_from(blocks(&section, "sh")).unwrap();
    let generate = commands.lines().find_map(|line| line.split('#').next()?.trim().strip_prefix("cargo skelgen gen "));
    // As if it were installed.
    let mut command = cargo();
    command.args(["run", "--quiet", "--offline", "--package", "cargo-skelgen", "--manifest-path"]);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).args(["--", "skelgen", "gen"]);
    command.args(generate.expect("a command that generates").split_whitespace());
    run(command.current_dir(&package));
    let [main] = <[_; 1]>::try_from(files(&section)).unwrap();
    write(&package, &main);
    build_and_run(&package);
}

/// One after the other: they share a target folder, and the package's name.
#[test]
fn each_door_leads_to_a_package_that_runs() {
    let all = scratch("generate");
    by_build_script(&all);
    by_derive(&all);
    by_the_shell(&all);
    fs::remove_dir_all(all).unwrap();
}
