//! `check`.

use std::fs;

use crate::{Ran, json, scratch, skelgen};

/// A skeleton of `counters`, with `old` changed to `new`.
fn skeleton(file: &str, old: &str, new: &str) -> String {
    let path = scratch(file).into_os_string().into_string().expect("text");
    let source = skelgen(&["gen", "counters.bpf.o"]).out;
    assert!(source.contains(old), "{old:?} is not in the skeleton");
    fs::write(&path, source.replacen(old, new, 1)).expect("the target folder can be written");
    path
}

#[test]
fn what_matches_is_ok() {
    let path = skeleton("check_same.rs", "", "");
    let ok = format!("OK   {path}  (counters.bpf.o)\n");
    assert_eq!(skelgen(&["check", "counters.bpf.o", &path]), Ran { status: 0, out: ok, err: String::new() });
}

#[test]
fn what_differs_is_shown_with_the_way_to_mend_it() {
    let path = skeleton("check_changed.rs", "pub dropped: u64", "pub dropped: i64");
    let Ran { status, out, err } = skelgen(&["check", "counters.bpf.o", &path]);
    assert_eq!((status, err.as_str()), (1, ""));
    assert!(out.starts_with(&format!("FAIL {path}: not what counters.bpf.o makes\n--- {path}\n+++ ")), "{out}");
    assert!(out.contains("\n-                pub dropped: i64,\n+                pub dropped: u64,\n"), "{out}");
    assert!(out.ends_with(&format!("\n  help: cargo skelgen gen counters.bpf.o -o {path}\n")), "{out}");

    let mended = skelgen(&["gen", "counters.bpf.o", "-o", &path]);
    assert_eq!((mended.status, skelgen(&["check", "counters.bpf.o", &path]).status), (0, 0));
}

#[test]
fn long_literals_are_cut_short_in_the_diff() {
    let path = skeleton("check_image.rs", "b\"SKL1\\0", "b\"SKL1\\x01");
    let Ran { status, out, .. } = skelgen(&["check", "counters.bpf.o", &path]);
    assert_eq!(status, 1);
    assert!(out.contains(" bytes of source, "), "{out}");
    assert!(out.lines().all(|line| line.len() < 1000), "{out}");
}

#[test]
fn pairs_follow_each_other_and_a_bad_one_stops_none() {
    let path = skeleton("check_pairs.rs", "", "");
    let ran = skelgen(&["check", "--json", "bad/no_btf.bpf.o", "x.rs", "many.bpf.o", "no.rs", "counters.bpf.o", &path]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let lines: Vec<_> = ran.out.lines().map(json::parse).collect();
    lines.iter().for_each(|line| json::is_documented("check", line));
    assert_eq!(lines.iter().map(|line| line["ok"] == true).collect::<Vec<_>>(), [false, false, true]);
    let error = |index: usize| lines[index]["error"].as_str().expect("an error").to_owned();
    assert!(error(0).starts_with("bad/no_btf.bpf.o: no BTF") && error(1).starts_with("cannot read it: "), "{lines:?}");
    assert_eq!(lines[1]["regenerate"], "cargo skelgen gen many.bpf.o -o no.rs");
}

#[test]
fn a_name_is_part_of_the_skeleton() {
    let path = scratch("check_named.rs").into_os_string().into_string().expect("text");
    assert_eq!(skelgen(&["gen", "counters.bpf.o", "--name", "Traffic", "-o", &path]).status, 0);
    assert_eq!(skelgen(&["check", "counters.bpf.o", &path, "--name", "Traffic"]).status, 0);
    let unnamed = skelgen(&["check", "--json", "counters.bpf.o", &path]);
    let line = json::parse(&unnamed.out);
    json::is_documented("check", &line);
    assert!(line["diff"].as_str().is_some_and(|diff| diff.contains("\n-    pub struct Traffic;\n")), "{line}");
}
