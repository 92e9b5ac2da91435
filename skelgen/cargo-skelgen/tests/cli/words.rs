//! Output that cannot mislead: names with terminal escapes are escaped, and hints name options instead of methods.

use std::fs;

use ::skelgen::clang::{Clang, Target};
use skelgen_tests::{fixtures, have_clang, may_load};

use crate::{Ran, json, scratch, skelgen};

/// An object whose section, variable and program names contain terminal escapes, a newline and a right-to-left override.
/// Each name is as long as the name that it replaces.
fn hostile() -> String {
    let mut object = fixtures::bytes("counters");
    let names: [(&[u8], &[u8]); 4] = [
        (b"\0errors\0", b"\0er\x1b[7m\0"),
        (b"\0on_exec\0", b"\0on\n\x1b[2J\0"),
        (b"raw_tp/sys_enter\0", b"raw_tp/\xe2\x80\xaes\x1b]0;x\0"),
        (b"\0events\0", b"\0ev\rOK\x07\0"),
    ];
    for (name, other) in names {
        assert_eq!(name.len(), other.len());
        let places: Vec<_> = (0..object.len()).filter(|&at| object[at..].starts_with(name)).collect();
        assert!(!places.is_empty(), "{name:?}");
        places.into_iter().for_each(|at| object[at..at + name.len()].copy_from_slice(other));
    }
    let path = scratch("hostile.bpf.o");
    fs::write(&path, object).expect("the target folder can be written");
    path.to_str().expect("text").to_owned()
}

#[test]
fn names_cannot_control_a_terminal() {
    let object = hostile();
    let commands: [&[&str]; 7] = [
        &["inspect"],
        &["inspect", "--plan"],
        &["inspect", "--disasm"],
        &["gen", "-o", "/dev/null"],
        &["features"],
        &["load", "-v"],
        &["load", "--set", "x=1"],
    ];
    for command in commands {
        for color in ["always", "never"] {
            let Ran { out, err, .. } = skelgen(&[&["--color", color], command, &[&object]].concat());
            // Remove the colours of the command itself.
            let said = (out + &err).replace("\x1b[0m", "");
            let styles = ["1", "2", "31", "32", "33", "34", "35", "36"].map(|style| format!("\x1b[{style}m"));
            let said = styles.iter().fold(said, |said, style| said.replace(style, ""));
            let bad = said.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert_eq!(bad, None, "{command:?}: {said:?}");
            assert!(!said.contains("\n\\u001b[2J"), "a name began a line: {said}");
        }
    }
    let plan = skelgen(&["inspect", "--plan", &object]).out;
    assert!(plan.contains("\\u000d") || plan.contains("\\u001b"), "{plan}");
    // JSON keeps the names.
    let Ran { out, .. } = skelgen(&["inspect", "--json", &object]);
    let document = json::parse(&out);
    let sections = document["sections"].as_array().expect("an array");
    assert!(sections.iter().any(|section| section["name"] == "raw_tp/\u{202e}s\u{1b}]0;x"), "{document}");
}

#[test]
fn a_newline_in_a_file_name_starts_no_line_of_output() {
    let path = scratch("two\nOK   lines.bpf.o");
    fs::write(&path, fixtures::bytes("counters")).expect("the target folder can be written");
    let object = path.to_str().expect("text");
    for command in [&["load"][..], &["features"], &["inspect"]] {
        let Ran { out, err, .. } = skelgen(&[command, &[object]].concat());
        assert!(!(out.clone() + &err).contains("\nOK   lines"), "{command:?}: {out}{err}");
    }
    let source = skelgen(&["gen", object]).out;
    assert!(source.lines().all(|line| !line.starts_with("OK ")), "{}", &source[..200]);
    let nowhere = skelgen(&["load", "nowhere\nOK   x.bpf.o"]);
    assert_eq!(nowhere.out.lines().count(), 1, "{}", nowhere.out);
}

#[test]
fn hints_name_options_of_the_command() {
    if !may_load() {
        return;
    }
    let names = fixtures::names().into_iter().chain(fixtures::bad_names()).chain(fixtures::other_names());
    let mut hints = 0;
    for name in names {
        let said = skelgen(&["load", &format!("{name}.bpf.o")]).out;
        let for_code = said.contains("this command has no option for it");
        let methods =
            ["set_kconfig", "set_autoload", "set_prog_type", "set_attach_target", "set_inner_map", "set_percpu_mode"];
        assert!(for_code || !methods.iter().any(|method| said.contains(method)), "{name}: {said}");
        hints += said.matches("  hint: ").count();
    }
    assert!(hints > 2, "{hints}");
    let missing = skelgen(&["load", "bad/kconfig_missing.bpf.o"]).out;
    assert!(missing.contains("; or --set-kconfig gives it a value"), "{missing}");
    let untyped = skelgen(&["load", "unknown_section.bpf.o"]).out;
    assert!(untyped.contains("leave it out: --no-autoload"), "{untyped}");
}

#[test]
fn an_object_with_only_maps_gets_no_note_about_line_info() {
    let object = scratch("maps_alone.bpf.o");
    let source = "#define SEC(name) __attribute__((section(name), used))\n\
                  struct { int (*type)[2]; int (*max_entries)[1]; int *key; long *value; } only SEC(\".maps\");\n\
                  char LICENSE[] SEC(\"license\") = \"GPL\";\n";
    if !have_clang() {
        return;
    }
    let c = scratch("maps_alone.bpf.c");
    fs::write(&c, source).expect("the target folder can be written");
    Clang::default().compile(&Target::from_env(), &c, &object).expect("it is C");
    let Ran { status, out, .. } = skelgen(&["inspect", object.to_str().expect("text")]);
    assert_eq!(status, 0);
    assert!(out.contains("only") && !out.contains("compiled without -g"), "{out}");
}

#[test]
fn plans_name_map_types() {
    let plan = skelgen(&["inspect", "--plan", "counters.bpf.o"]).out;
    assert!(plan.contains("create map      events type=ringbuf key_size=0"), "{plan}");
}
