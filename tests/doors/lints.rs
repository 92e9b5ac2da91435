//! No lint fires in generated code, even in a strict crate that uses little of it: through each door, with all lints of rustc
//! and clippy except those about a package's manifest.

use std::fs;
use std::process::Command;

use skelgen::Builder;
use skelgen_tests::Part;
use skelgen_tests::not_run::{may_take_minutes, not_run};
use skelgen_tests::packages::{new_package, offline, scratch};
use skelgen_tests::static_build::cargo;

use crate::{fixture, target_dir};

/// Objects that together cover everything that the generator writes.
const OBJECTS: [&str; 10] = [
    "agent_percpu",
    "arena",
    "counters",
    "data_sections",
    "flexible",
    "kconfig",
    "maps_all",
    "percpu_types",
    "ring_buffer",
    "struct_ops",
];

/// The lints that the package denies. rustc has no group for its lints that allow by default, so they are listed.
const DENIED: &str = r#"
[lints.rust]
warnings = { level = "deny", priority = -1 }
unused = { level = "deny", priority = -1 }
nonstandard_style = { level = "deny", priority = -1 }
future_incompatible = { level = "deny", priority = -1 }
rust_2018_idioms = { level = "deny", priority = -1 }
let_underscore = { level = "deny", priority = -1 }
keyword_idents = { level = "deny", priority = -1 }
explicit_outlives_requirements = "deny"
missing_copy_implementations = "deny"
missing_debug_implementations = "deny"
missing_docs = "deny"
non_ascii_idents = "deny"
redundant_lifetimes = "deny"
single_use_lifetimes = "deny"
trivial_casts = "deny"
trivial_numeric_casts = "deny"
unit_bindings = "deny"
unreachable_pub = "deny"
unsafe_code = "deny"
unused_import_braces = "deny"
unused_lifetimes = "deny"
unused_qualifications = "deny"
unused_results = "deny"
variant_size_differences = "deny"

[lints.clippy]
all = { level = "deny", priority = -1 }
pedantic = { level = "deny", priority = -1 }
nursery = { level = "deny", priority = -1 }
restriction = { level = "deny", priority = -1 }
blanket_clippy_restriction_lints = "allow"
# About what a derive stands on.
exhaustive_structs = "allow"
"#;

/// Lints that are allowed in the few lines of the test itself.
const OWN: &str =
    "allow(clippy::restriction, clippy::redundant_pub_crate, let_underscore_drop, reason = \"a test's own code\")";

/// What cargo says of a package, without and with warnings.
fn clippy(arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.arg("clippy").args(arguments);
    command
}

#[test]
fn no_lint_fires() {
    if !clippy(&["--version"]).output().is_ok_and(|output| output.status.success()) {
        return not_run(Part::Clippy, "cargo has no clippy");
    }
    if !may_take_minutes(Part::Clippy) {
        return;
    }
    let all = scratch("lints");
    let dependencies = "[dependencies]\nskelgen-runtime = { path = \"../skelgen/runtime\" }\n\n[build-dependencies]\nskelgen = { path = \"../skelgen/skelgen\" }\n";
    let package = new_package(&all, "lints", &format!("{dependencies}{DENIED}"));
    let write = |name: &str, text: &str| fs::write(package.join(name), text).unwrap();
    let mut builder = String::from("skelgen::Builder::new()");
    let (mut by_builder, mut by_derive, mut by_command) = (String::new(), String::new(), String::new());
    for object in OBJECTS {
        let path = fixture(object);
        builder += &format!(".object({path:?})");
        by_builder += &format!("    include!(concat!(env!(\"OUT_DIR\"), \"/{object}.skel.rs\"));\n");
        Builder::new().object(&path).generate(package.join(format!("src/{object}.rs"))).unwrap();
        by_command += &format!("    include!(\"{object}.rs\");\n");
        let name: String =
            object.split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..])).collect();
        by_derive += &format!(
            "    /// An object.\n    #[derive(Clone, Copy, Debug, skelgen_runtime::Skeleton)]\n    \
             #[skeleton(object = {path:?})]\n    pub struct {name};\n"
        );
    }
    let module = |name: &str, text: &str| format!("/// Of one door.\npub mod {name} {{\n{text}}}\n");
    let modules =
        [module("by_builder", &by_builder), module("by_command", &by_command), module("by_derive", &by_derive)];
    // A library that makes all of it public, and a program that uses little.
    write("src/lib.rs", &format!("//! All doors.\n{}", modules.concat()));
    let counters = by_derive.split_inclusive(";\n").find(|text| text.contains("struct Counters;")).unwrap();
    let counters = module("by_derive", &counters.replace("pub struct", &format!("#[{OWN}]\n    pub(crate) struct")));
    let main = "fn main() {\n    let _ = by_derive::Counters::open().map(|open| open.percpu.hits);\n    \
                let _ = by_builder::counters::Counters::open().and_then(by_builder::counters::OpenCounters::load);\n}\n";
    let modules = [&counters, &modules[0], &modules[1]].map(|text| text.replace("pub mod by_", "mod by_")).concat();
    write("src/main.rs", &format!("//! All doors.\n{modules}\n#[{OWN}]\n{main}"));
    write(
        "build.rs",
        &format!("//! Generates.\n#![{OWN}]\nfn main() {{ {builder}.generate_to_out_dir().unwrap(); }}\n"),
    );
    let output = offline(&mut clippy(&["--quiet", "--all-targets"]), &package, &target_dir()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    fs::remove_dir_all(all).unwrap();
}
