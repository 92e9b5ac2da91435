//! Generates the skeletons of the fixtures, as a user's build script would.

use std::path::{Path, PathBuf};
use std::{env, fs};

use skelgen::Builder;

/// What the generator is to refuse: `bad_input` looks at it.
const REFUSED: [&str; 3] = ["deep_chain", "deep_stack", "tail_call_stack"];

/// For machines of the other byte order than most: the goldens look at it.
const OTHER_ENDIAN: &str = "counters_be";

/// What is refused only when it is loaded.
const REFUSED_AT_LOAD: [&str; 4] = ["bad/kconfig_missing", "bad/no_license", "bad/storage_key", "bad/verifier_reject"];

/// Made by other tools than most.
const OTHER: [&str; 5] = ["other/aya", "other/aya_untyped", "other/gcc", "other/linked", "other/linked3"];

fn main() {
    let fixtures = Path::new("../fixtures");
    // A new fixture changes the folder's own time.
    println!("cargo::rerun-if-changed={}", fixtures.display());

    let mut objects = objects(fixtures);
    objects.extend(REFUSED_AT_LOAD.into_iter().chain(OTHER).map(|name| fixtures.join(format!("{name}.bpf.o"))));
    let builder = objects.iter().fold(Builder::new(), |builder, object| builder.object(object));
    builder.include_file("skeletons.rs").generate_to_out_dir().unwrap();
    let table = Path::new(&env::var_os("OUT_DIR").unwrap()).join("objects.rs");
    fs::write(table, objects_table(&objects)).unwrap();
}

/// The objects with their names, as an expression.
fn objects_table(objects: &[PathBuf]) -> String {
    let rows = objects.iter().map(|object| {
        let path = fs::canonicalize(object).unwrap();
        format!("    ({:?}, include_bytes!({path:?})),\n", object.file_name().unwrap())
    });
    format!("&[\n{}]\n", rows.collect::<String>())
}

/// The objects to generate, in an order of their own.
fn objects(fixtures: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| {
        let name = name(path);
        path.to_string_lossy().ends_with(".bpf.o") && name != OTHER_ENDIAN && !REFUSED.contains(&name.as_str())
    };
    let mut objects: Vec<_> = files.filter(wanted).collect();
    objects.sort();
    objects
}

/// `counters` of `counters.bpf.o`.
fn name(object: &Path) -> String {
    let file = object.file_name().unwrap().to_string_lossy();
    file.split('.').next().unwrap().to_owned()
}
