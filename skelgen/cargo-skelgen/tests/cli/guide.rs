//! The commands that the guide shows, and what it configures: they give what it says they do.

use std::fs;
use std::path::Path;
use std::process::Command;

use skelgen_tests::markdown::{Block, blocks, guide};
use skelgen_tests::{may_load, packages};

use crate::package::Package;
use crate::{EXE, FIXTURES, Ran, scratch, skelgen};

/// The blocks of a language, in all chapters.
fn all(language: &str) -> impl Iterator<Item = Block> {
    let chapters = guide().into_iter().flat_map(|(_, text)| blocks(&text));
    chapters.filter(move |block| block.language == language)
}

/// Whether `out` is what `shown` says, in which `...` stands for any lines, and `…` for a part of one.
fn is_as_shown(shown: &[&str], out: &[&str]) -> bool {
    match shown {
        [] => out.is_empty(),
        ["...", rest @ ..] => (0..=out.len()).any(|skipped| is_as_shown(rest, &out[skipped..])),
        [first, rest @ ..] => out.first().is_some_and(|line| is_line(first, line)) && is_as_shown(rest, &out[1..]),
    }
}

fn is_line(shown: &str, line: &str) -> bool {
    match shown.split_once('…') {
        Some((start, end)) => line.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
        None => shown == line,
    }
}

#[test]
fn what_is_shown_is_what_is_printed() {
    let mut ran = 0;
    for block in all("console") {
        let (command, shown) = block.text.split_once('\n').unwrap();
        let command = command.strip_prefix("$ cargo skelgen ").expect("a command, and what it prints");
        let args: Vec<&str> = command.split_whitespace().collect();
        if args[0] == "load" && !may_load() {
            continue;
        }
        let Ran { out, err, .. } = skelgen(&args);
        let printed = out + &err;
        let lines = |text| str::lines(text).collect::<Vec<_>>();
        assert!(is_as_shown(&lines(shown), &lines(&printed)), "{command} prints\n{printed}and not\n{shown}");
        ran += 1;
    }
    assert!(ran > 5, "{ran}");
}

#[test]
fn what_is_to_be_done_can_be() {
    let package = scratch("guide");
    let _ = fs::remove_dir_all(&package);
    fs::create_dir_all(package.join("src")).unwrap();
    fs::copy(Path::new(FIXTURES).join("counters.bpf.o"), package.join("src/counters.bpf.o")).unwrap();
    let mut ran = 0;
    for block in all("sh") {
        for command in block.text.lines().filter_map(|line| line.strip_prefix("cargo skelgen ")) {
            let done = Command::new(EXE).args(command.split_whitespace()).current_dir(&package).output().unwrap();
            assert_eq!(Ran::from(done).status, 0, "{command}");
            ran += 1;
        }
    }
    assert!(ran >= 2, "{ran}");
}

#[test]
fn it_is_installed_by_the_command_for_that() {
    let root = scratch("guide_install");
    let _ = fs::remove_dir_all(&root);
    let commands = all("sh").find(|block| block.text.starts_with("cargo install ")).unwrap().text;
    let args = commands.split_whitespace().skip(1);
    let mut cargo = skelgen_tests::static_build::cargo();
    // As it is built for the tests already, and not into the user's folder.
    cargo.args(args).args(["--debug", "--offline", "--quiet", "--root"]).arg(&root);
    packages::run(cargo.current_dir(Path::new(FIXTURES).join("..")));
    // As cargo finds it, and calls it.
    let mut cargo = Command::new("cargo");
    let said = packages::run(cargo.args(["skelgen", "--version"]).env("PATH", packages::path_from(&root.join("bin"))));
    assert_eq!(said, format!("cargo-skelgen {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_the_manifest_says_is_built() {
    let Some(package) = Package::new("guide_manifest") else { return };
    let copy = |from: &Path, to: &str| package.write(to, &fs::read_to_string(from).unwrap());
    copy(&Path::new(FIXTURES).join("counters.bpf.c"), "src/bpf/counters.bpf.c");
    for header in fs::read_dir(Path::new(FIXTURES).join("include")).unwrap().map(Result::unwrap) {
        copy(&header.path(), &format!("src/bpf/headers/{}", header.file_name().display()));
    }
    let tables: Vec<_> = all("toml").filter(|block| block.text.starts_with("[package.metadata.skelgen]\n")).collect();
    let [Block { text, .. }] = tables.as_slice() else { panic!("{tables:#?}") };
    package.configure(text);
    package.built(&[]);
    let skeleton = package.read("src/bpf/counters.skel.rs");
    assert!(skeleton.contains("    pub struct Counters;\n"), "{skeleton}");
}
