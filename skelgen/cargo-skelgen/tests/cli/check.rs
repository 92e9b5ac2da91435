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
    assert!(
        out.starts_with(&format!("FAIL {path}: differs from what counters.bpf.o generates\n--- {path}\n+++ ")),
        "{out}"
    );
    assert!(out.contains("\n-                pub dropped: i64,\n+                pub dropped: u64,\n"), "{out}");
    assert!(out.ends_with(&format!("\n  help: cargo skelgen gen counters.bpf.o -o {path}\n")), "{out}");

    let mended = skelgen(&["gen", "counters.bpf.o", "-o", &path]);
    assert_eq!((mended.status, skelgen(&["check", "counters.bpf.o", &path]).status), (0, 0));
}

#[test]
fn long_literals_are_cut_short_in_the_diff() {
    let path = skeleton("check_image.rs", "b\"SKL3\\0", "b\"SKL3\\x01");
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
fn a_skeleton_says_with_which_options_it_was_made() {
    let path = scratch("check_options.rs").into_os_string().into_string().expect("text");
    let options = ["--name", "Traffic", "--min-kernel", "7.3", "--type-derive", "call_range=Eq, Hash"];
    let generate = [&["gen", "counters.bpf.o", "-o", &path], &options[..]].concat();
    assert_eq!(skelgen(&generate), Ran { status: 0, out: String::new(), err: String::new() });
    let text = fs::read_to_string(&path).expect("it was written");
    let words = "--name Traffic --min-kernel 7.3 --type-derive 'call_range=Eq, Hash'";
    assert_eq!(text.lines().nth(1), Some(&*format!("// Options: {words}")));
    assert_eq!(skelgen(&["check", "counters.bpf.o", &path]).status, 0);

    fs::write(&path, text.replace("pub dropped: u64", "pub dropped: i64")).expect("the target folder can be written");
    let line = json::parse(&skelgen(&["check", "--json", "counters.bpf.o", &path]).out);
    json::is_documented("check", &line);
    assert_eq!((&line["ok"], &line["options"]), (&false.into(), &words.into()));
    assert_eq!(line["regenerate"], format!("cargo skelgen gen counters.bpf.o {words} -o {path}"));

    // Without its options it is another.
    fs::write(&path, text.replace(&format!("// Options: {words}\n"), "")).expect("the target folder can be written");
    let Ran { status, out, .. } = skelgen(&["check", "counters.bpf.o", &path]);
    assert!(status == 1 && out.contains("\n-    pub struct Traffic;\n"), "{out}");
    fs::write(&path, text.replace("--name", "--nom")).expect("the target folder can be written");
    let Ran { status, out, .. } = skelgen(&["check", "counters.bpf.o", &path]);
    assert_eq!(
        (status, out),
        (1, format!("FAIL {path}: cannot read its options: unexpected argument '--nom' found\n"))
    );
}

#[test]
fn what_builders_write_is_checked_with_their_options() {
    let folder = scratch("check_builder");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let objects = ["agent_thirty.bpf.o", "counters.bpf.o"];
    // One of the types is in one of the objects only.
    let builder = objects.iter().fold(::skelgen::Builder::new(), |builder, object| {
        builder.object(std::path::Path::new(crate::FIXTURES).join(object))
    });
    builder.type_derive("task_info", "Eq").visibility("").out_dir(&folder).generate_to_out_dir().expect("good objects");
    let of = |name: &str| folder.join(name).into_os_string().into_string().expect("text");
    let [agent, counters] = ["agent_thirty.skel.rs", "counters.skel.rs"].map(of);
    let check = || skelgen(&["check", objects[0], &agent, objects[1], &counters]);
    assert_eq!(check().status, 0, "{}", check().out);

    let image = of("agent_thirty.skel.image");
    let mut bytes = fs::read(&image).expect("a large one is a file of its own");
    bytes[100] ^= 1;
    fs::write(&image, bytes).expect("the target folder can be written");
    let Ran { status, out, .. } = check();
    let first = format!(
        "FAIL {agent}: differs from what {} generates\n{image} differs from the file generated from {}\n",
        objects[0], objects[0]
    );
    assert!(status == 1 && out.starts_with(&first), "{out}");
    assert!(out.contains(" --image agent_thirty.skel.image --type-derive 'task_info=Eq' -o "), "{out}");
}
