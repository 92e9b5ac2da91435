//! Help, and mistakes on the command line.

use crate::skelgen;

#[test]
fn mistakes_end_with_2() {
    let mistakes: [&[&str]; 26] = [
        &[],
        &["skelgen"],
        &["frobnicate"],
        &["gen"],
        &["gen", "counters.bpf.o", "many.bpf.o"],
        &["gen", "counters.bpf.o", "--name", ""],
        &["inspect"],
        &["inspect", "counters.bpf.o", "--image", "lowered"],
        &["inspect", "counters.bpf.o", "--color", "sometimes"],
        &["--color", "never"],
        &["features", "counters.bpf.o", "many.bpf.o"],
        &["build", "counters.bpf.c"],
        &["build", "--workspace", "-p", "x"],
        &["completions", "tcsh"],
        &["man", "everything"],
        &["check", "counters.bpf.o"],
        &["check", "counters.bpf.o", "counters.rs", "many.bpf.o"],
        &["gen", "counters.bpf.o", "--min-kernel", "7"],
        &["gen", "counters.bpf.o", "--type-derive", "call_range"],
        &["gen", "counters.bpf.o", "--type-derive", "*=zero copy"],
        &["gen", "counters.bpf.o", "--visibility", "public", "--runtime-path", "a b"],
        &["gen", "counters.bpf.o", "--image", "counters.image"],
        &["load"],
        &["load", "counters.bpf.o", "--set", "target_pid"],
        &["load", "counters.bpf.o", "many.bpf.o", "--no-autoload", "on_exec"],
        &["load", "counters.bpf.o", "--percpu", "sometimes"],
    ];
    for args in mistakes {
        let ran = skelgen(args);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.contains("Usage: cargo") || ran.err.contains("--help"), "{args:?}: {}", ran.err);
    }
}

#[test]
fn help_calls_the_command_as_the_user_did() {
    for args in [
        &["--help"][..],
        &["--version"],
        &["help"],
        &["gen", "--help"],
        &["inspect", "--help"],
        &["check", "-h"],
        &["features", "--help"],
        &["load", "-h"],
    ] {
        assert_eq!(skelgen(args).status, 0, "{args:?}");
    }
    let usage = |args| skelgen(args).out.lines().find(|line| line.starts_with("Usage:")).map(str::to_owned);
    let rest = "load [OPTIONS] <OBJECT>... [-- <COMMAND>...]";
    assert_eq!(usage(&["load", "--help"]), Some(format!("Usage: cargo-skelgen {rest}")));
    assert_eq!(usage(&["skelgen", "load", "--help"]), Some(format!("Usage: cargo skelgen {rest}")));
}

#[test]
fn help_fits_into_eighty_columns() {
    let commands = ["build", "gen", "check", "inspect", "features", "load", "completions", "man"];
    for command in commands.iter().map(std::slice::from_ref).chain([&[][..]]) {
        let out = skelgen(&[&["skelgen"], command, &["--help"]].concat()).out;
        let long: Vec<&str> = out.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{command:?}: {long:#?}");
    }
}

#[test]
fn exit_statuses_are_told() {
    let help = skelgen(&["--help"]).out;
    assert!(help.contains("\nExit status:\n  0  ") && help.contains("\n  2  the command line is wrong\n"), "{help}");
    for command in ["build", "gen", "check", "inspect", "features", "load", "completions", "man"] {
        let help = skelgen(&[command, "--help"]).out;
        assert!(help.contains("\nExit status: 0 if "), "{command}: {help}");
    }
}

#[test]
fn json_says_why_an_object_cannot_be_read() {
    let cases: [&[&str]; 4] = [
        &["inspect", "--json", "missing.bpf.o"],
        &["inspect", "--json", "counters.bpf.c"],
        &["features", "--json", "missing.bpf.o"],
        &["features", "--json", "bad/map_without_type.bpf.o"],
    ];
    for args in cases {
        let ran = skelgen(args);
        assert_eq!((ran.status, ran.err.as_str()), (1, ""), "{args:?}");
        let document = crate::json::parse(&ran.out);
        crate::json::is_documented(args[0], &document);
        assert_eq!(document["schema"], 1);
        let object = if args[0] == "features" { &document["object"] } else { &document };
        let name = args[2].rsplit('/').next();
        assert_eq!(object["object"].as_str(), name);
        assert!(object["error"].as_str().is_some_and(|error| !error.is_empty()), "{}", ran.out);
    }
    let ran = skelgen(&["inspect", "--json", "--disasm=nope", "counters.bpf.o"]);
    let error = crate::json::parse(&ran.out)["error"].as_str().map(ToOwned::to_owned);
    assert!(ran.status == 1 && error.is_some_and(|error| error.contains("`nope`")), "{}", ran.out);
}
