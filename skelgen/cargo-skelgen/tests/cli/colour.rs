//! Colours: none on a pipe, unless somebody asks for them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{EXE, FIXTURES, Ran, scratch, skelgen};

const ESCAPE: char = '\x1b';

/// Commands whose output has colours on a terminal.
const COMMANDS: [&[&str]; 9] = [
    &["--help"],
    &["inspect", "counters.bpf.o"],
    &["inspect", "--disasm", "counters.bpf.o"],
    &["features", "counters.bpf.o"],
    &["check", "counters.bpf.o", "counters.bpf.c"],
    &["load", "bad/map_without_type.bpf.o"],
    &["gen", "nowhere.bpf.o"],
    &["inspect", "bad/unresolved_extern.bpf.o"],
    &["build"],
];

#[test]
fn a_pipe_gets_no_escapes() {
    for args in COMMANDS {
        for color in [&[][..], &["--color", "auto"], &["--color", "never"]] {
            let Ran { out, err, .. } = skelgen(&[color, args].concat());
            assert!(!out.contains(ESCAPE) && !err.contains(ESCAPE), "{args:?}: {out}{err}");
        }
    }
}

#[test]
fn whoever_asks_for_colours_gets_the_same_text_with_them() {
    for args in COMMANDS {
        let plain = skelgen(args);
        let coloured = skelgen(&[&["--color=always"], args].concat());
        assert!(coloured.out.contains(ESCAPE) || coloured.err.contains(ESCAPE), "{args:?}");
        let stripped = |text: &str| anstream::adapter::strip_str(text).to_string();
        assert_eq!((stripped(&coloured.out), stripped(&coloured.err)), (plain.out, plain.err));
    }
}

#[test]
fn names_bring_no_colours_of_their_own() {
    let object = "bad/map_without_type.bpf.o";
    let cases: [&[&str]; 6] = [
        &["load", object, "--", "\x1b[35mnope"],
        &["load", "counters.bpf.o", "--set", "\x1b[35mnope=1"],
        &["inspect", "--disasm=\x1b[35mnope", "counters.bpf.o"],
        &["check", "counters.bpf.o", "\x1b[35mnope.rs"],
        &["gen", "\x1b[35mnope.bpf.o"],
        &["features", "\x1b[35mnope.bpf.o"],
    ];
    for args in cases {
        let Ran { out, err, .. } = skelgen(&[&["--color=always"], args].concat());
        let said = out + &err;
        assert!(said.contains("\\u001b[35mnope") && !said.contains("\x1b[35m"), "{args:?}: {said:?}");
    }
}

#[test]
fn a_package_s_file_names_bring_no_colours_of_their_own() {
    let package = scratch("coloured-names");
    let _ = fs::remove_dir_all(&package);
    fs::create_dir_all(package.join("src")).expect("the target folder can be written");
    let write = |name: &str, text: &str| fs::write(package.join(name), text).expect("the target folder can be written");
    write(
        "Cargo.toml",
        "[package]\nname = \"names\"\n[package.metadata.skelgen]\nobjects = [\"*.bpf.o\"]\n[workspace]\n",
    );
    write("src/lib.rs", "");
    fs::copy(Path::new(FIXTURES).join("counters.bpf.o"), package.join("\x1b[35mnope.bpf.o")).expect("as above");
    for args in [&["build", "--check"][..], &["build"]] {
        let mut command = Command::new(EXE);
        command.args(["--color=always"]).args(args).args(["--manifest-path", "Cargo.toml"]).current_dir(&package);
        let Ran { out, err, .. } = Ran::from(command.output().expect("it was built"));
        let said = out + &err;
        assert!(said.contains("\\u001b[35mnope") && !said.contains("\x1b[35m"), "{args:?}: {said:?}");
    }
}

#[test]
fn no_color_is_heeded_where_colours_would_be_forced() {
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(EXE);
        command.args(["inspect", "counters.bpf.o"]).current_dir(FIXTURES).envs(variables.iter().copied());
        Ran::from(command.output().expect("it was built")).out
    };
    assert!(run(&[("CLICOLOR_FORCE", "1")]).contains(ESCAPE));
    assert!(!run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains(ESCAPE));
}

#[test]
fn names_types_values_and_holes_have_colours_of_their_own() {
    let out = skelgen(&["--color=always", "inspect", "counters.bpf.o"]).out;
    let [name, ty, value, hole] = ["\x1b[36m", "\x1b[32m", "\x1b[35m", "\x1b[2m\x1b[33m"];
    for expected in [
        format!("{name}events\x1b[0m"),
        format!("{ty}ringbuf\x1b[0m"),
        format!("{ty}__u64 \x1b[0m{name}by_class\x1b[0m{ty}[4]\x1b[0m"),
        format!("{value}{{ .lowest = 4294967295 }}\x1b[0m"),
        format!("{hole}(padding)\x1b[0m"),
    ] {
        assert!(out.contains(&expected), "{expected:?} is not in {out:?}");
    }
}
