//! What the generator makes of some fixtures, held to files in `goldens/`, so that a change of its output is seen and
//! reviewed. `SKELGEN_BLESS=1` writes them anew.
//!
//! ```text
//! FIXTURE/plan.txt       the steps of a load
//! FIXTURE/records.txt    the records in the image that carry them out
//! FIXTURE/native.txt     the programs as linked
//! FIXTURE/lowered.txt    those that touch `.percpu`, in their second form
//! FIXTURE/skeleton.rs    the Rust source, without its long literals
//! interpreter.txt        the loader program that reads the records
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use similar::TextDiff;
use skelgen::emit::Options;
use skelgen::insn::disasm::Listing;
use skelgen::link::Program;
use skelgen::loader::{Interpreter, Records};
use skelgen::{Endian, Skeleton};
use skelgen_tests::fixtures;

/// Whose records are kept. The plan is of every fixture that has one.
const RECORDS: [&str; 15] = [
    "agent_percpu",
    "arena",
    "attach_all",
    "counters",
    "counters_be",
    "data_sections",
    "jump_tables",
    "kconfig",
    "kfuncs",
    "ksyms",
    "other/aya",
    "other/linked3",
    "percpu_basic",
    "percpu_shapes",
    "struct_ops",
];

/// Whose programs are kept.
const PROGRAMS: [&str; 13] = [
    "arena",
    "arg_ctx",
    "core_relos",
    "counters",
    "exception_callback",
    "insns",
    "jump_tables",
    "kconfig",
    "kfuncs",
    "ksyms",
    "linkage",
    "other/linked3",
    "percpu_shapes",
];

/// Whose source is kept.
const SOURCES: [&str; 9] = [
    "arena",
    "counters",
    "data_sections",
    "kconfig",
    "other/aya_untyped",
    "percpu_maps",
    "statics",
    "struct_ops",
    "unread_addresses",
];

/// Literals of more bytes are left out: what is in them is seen better in the other files.
const LONG: usize = 64;

#[test]
fn the_output_is_as_it_was() {
    let made = goldens();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens");
    if env::var_os("SKELGEN_BLESS").is_some_and(|bless| bless == "1") {
        let _ = fs::remove_dir_all(&folder);
        for (name, text) in &made {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        return;
    }
    let mut different = String::new();
    for (name, text) in &made {
        let golden = fs::read_to_string(folder.join(name)).unwrap_or_default();
        if golden != *text {
            let diff = TextDiff::from_lines(&golden, text);
            let diff = diff.unified_diff().header(&format!("goldens/{name}"), "now").to_string();
            writeln!(different, "{diff}").unwrap();
        }
    }
    for stale in files(&folder).into_iter().filter(|name| !made.contains_key(name)) {
        writeln!(different, "goldens/{stale} is no longer made").unwrap();
    }
    assert!(different.is_empty(), "if it is to be so, SKELGEN_BLESS=1 writes it to the goldens:\n{different}");
}

#[test]
fn the_same_object_gives_the_same_bytes() {
    // Some of the fixtures are to be refused.
    for fixture in fixtures::names() {
        let make = || {
            let skeleton = Skeleton::new(&format!("{fixture}.bpf.o"), &fixtures::bytes(&fixture))?;
            Ok::<_, skelgen::Error>((skeleton.loader.clone(), skeleton.source(&Options::default())?))
        };
        assert_eq!(make(), make(), "{fixture}");
    }
}

/// The files, by their name below `goldens/`.
fn goldens() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for fixture in fixtures::names().into_iter().chain(fixtures::other_names()) {
        // Some of the fixtures are to be refused, as `bad_input` sees to.
        let Ok(skeleton) = generate(&fixture) else { continue };
        files.insert(format!("{fixture}/plan.txt"), skeleton.plan.to_string());
        if RECORDS.contains(&&*fixture) {
            let records = Records(&skeleton.plan, &skeleton.loader).to_string();
            files.insert(format!("{fixture}/records.txt"), records);
        }
    }
    for fixture in PROGRAMS {
        let programs = skeleton(fixture).plan.programs;
        let native = programs.iter().map(|program| listing(&program.section, &program.native));
        let lowered = programs.iter().filter_map(|program| Some(listing(&program.section, program.lowered.as_ref()?)));
        files.insert(format!("{fixture}/native.txt"), native.collect());
        let lowered: String = lowered.collect();
        if !lowered.is_empty() {
            files.insert(format!("{fixture}/lowered.txt"), lowered);
        }
    }
    for fixture in SOURCES {
        let source = skeleton(fixture).source(&Options::default()).unwrap();
        files.insert(format!("{fixture}/skeleton.rs"), without_long_literals(&source));
    }
    // The size of the image is all that differs from one object to the other.
    let interpreter = Interpreter::new(0x1_0000, Endian::Little).unwrap();
    files.insert("interpreter.txt".into(), Listing(&interpreter.insns).to_string());
    files
}

fn generate(fixture: &str) -> skelgen::Result<Skeleton> {
    let file = fixture.rsplit('/').next().unwrap_or(fixture);
    Skeleton::new(&format!("{file}.bpf.o"), &fixtures::bytes(fixture))
}

fn skeleton(fixture: &str) -> Skeleton {
    generate(fixture).unwrap()
}

/// A program's instructions, each function under its name.
fn listing(section: &str, program: &Program) -> String {
    let mut text = format!("SEC(\"{section}\") {}\n", program.name);
    for line in Listing(&program.insns).to_string().lines() {
        let index = line.split_once(':').and_then(|(index, _)| index.trim().parse().ok());
        if let Some(function) = program.functions.iter().find(|function| Some(function.span.start) == index) {
            writeln!(text, "{}:", function.name).unwrap();
        }
        writeln!(text, "{line}").unwrap();
    }
    text + "\n"
}

/// `b"..."` of more than [`LONG`] bytes becomes `b"[1234 bytes]"`.
fn without_long_literals(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some((before, literal)) = rest.split_once("b\"") {
        let (end, bytes) = literal_end(literal);
        out.push_str(before);
        if bytes > LONG {
            write!(out, "b\"[{bytes} bytes]\"").unwrap();
        } else {
            write!(out, "b\"{}\"", &literal[..end]).unwrap();
        }
        rest = &literal[end + 1..];
    }
    out + rest
}

/// Where the literal's closing quote is, and how many bytes come before it.
fn literal_end(literal: &str) -> (usize, usize) {
    let mut chars = literal.char_indices();
    let mut bytes = 0;
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (at, bytes),
            // One more character, or three: \n and \x0a.
            '\\' if chars.next().is_some_and(|(_, escape)| escape == 'x') => drop(chars.nth(1)),
            _ => {}
        }
        bytes += 1;
    }
    panic!("a literal without an end");
}

/// All files below `folder`, by their path from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below)).into_iter().flatten().flatten() {
            let path = below.join(entry.file_name());
            if entry.path().is_dir() { folders.push(path) } else { found.push(path.to_string_lossy().into_owned()) }
        }
    }
    found
}

#[test]
fn only_long_literals_are_left_out() {
    let short = r#"a(b"\x00\"\\\n", b"");"#;
    assert_eq!(literal_end(r#"\x00\"\\\n""#), (10, 4));
    assert_eq!(without_long_literals(short), short);
    let long = format!("a(b\"{}\");", r"\x00z".repeat(LONG));
    assert_eq!(without_long_literals(&long), format!("a(b\"[{} bytes]\");", 2 * LONG));
}
