//! A skeleton compiles without warnings, whatever names the object has.
//!
//! `SKELGEN_NAMES=100` renames each object a hundred times, instead of twice.

use std::path::{Path, PathBuf};
use std::{env, fs};

use skelgen::Skeleton;
use skelgen::clang::{Clang, Target};
use skelgen::emit::Options;
use skelgen_tests::packages::{offline, run};
use skelgen_tests::random::Random;
use skelgen_tests::static_build::cargo;
use skelgen_tests::{fixtures, have_clang};

use crate::renamed::{Names, renamed};
use crate::{scratch, target_dir};

/// Objects that together have everything that becomes a name in Rust.
const OBJECTS: [&str; 10] = [
    "agent_thirty",
    "arena",
    "counters",
    "data_sections",
    "kconfig",
    "linkage",
    "maps_all",
    "module_struct_ops",
    "percpu_types",
    "struct_ops",
];

/// Names that Rust, the generated code or the runtime uses, and names that are not valid identifiers.
const NAMES: [&str; 76] = [
    "Self",
    "self",
    "crate",
    "super",
    "type",
    "gen",
    "union",
    "static",
    "_",
    "__",
    "___",
    "0",
    "8021q",
    "_1",
    "Maps",
    "Progs",
    "OpenMaps",
    "OpenProgs",
    "maps",
    "progs",
    "struct_ops",
    "opened",
    "loaded",
    "values",
    "value",
    "map",
    "rt",
    "types",
    "IMAGE",
    "LOADER",
    "OBJECT",
    "I_M_A_G_E",
    "open",
    "load",
    "attach",
    "new",
    "at",
    "index",
    "store",
    "get",
    "set",
    "f",
    "out",
    "fmt",
    "eq",
    "clone",
    "default",
    "other",
    "read",
    "write",
    "zeroed",
    "as_bytes",
    "bytes",
    "_align",
    "_pad0",
    "_bits0",
    "anon0",
    "LAYOUT",
    "None",
    "Some",
    "Option",
    "Result",
    "Box",
    "Vec",
    "String",
    "core",
    "std",
    "u8",
    "bool",
    "str",
    "usize",
    "r#type",
    "struct_ops_prog",
    "open_struct_ops",
    "links",
    "na\u{ef}ve",
];

/// Parts of names that become the same once invalid characters are `_`, or in camel case and snake case.
const PARTS: [&str; 24] = [
    "a", "b", "A", "B", "foo", "Foo", "FOO", "bar", "_", "__", ".", "$", "-", " ", "1", "22", "\r", "\n", "\t",
    "\u{202e}", "\u{2066}", "\u{7f}", "`", "\"",
];

/// Parts that no lexer takes for anything but what they are.
const ODD: [&str; 12] = ["*/", "/*", "//", "{}", "{", "\\", "\\u{", "#![x]", "\u{1f980}", "\u{65e5}", "\u{feff}", "'"];

fn name(random: &mut Random) -> String {
    match random.below(3) {
        0 => random.pick(&NAMES).to_owned(),
        1 => (0..=random.below(4)).map(|_| random.pick(&PARTS)).collect(),
        _ => {
            let part = |random: &mut Random| if random.one_in(4) { random.pick(&ODD) } else { random.pick(&PARTS) };
            (0..=random.below(6)).map(|_| part(random)).collect()
        }
    }
}

/// A file name, without `/`.
fn file_name(random: &mut Random) -> String {
    let stem = if random.one_in(4) { String::new() } else { name(random).replace('/', "|") };
    format!("{stem}.bpf.o")
}

/// File names that make type and module names that are taken, invalid or the cause of warnings in Rust.
const FILES: [&str; 16] = [
    "self.bpf.o",
    "crate.bpf.o",
    "type.bpf.o",
    "8021q.bpf.o",
    "0010-HpElitePresenter.bpf.o",
    ".bpf.o",
    "",
    "$$$.bpf.o",
    "___.bpf.o",
    "na\u{ef}ve.bpf.o",
    "two\nlines.bpf.o",
    "o_b_j_e_c_t.bpf.o",
    "option.bpf.o",
    "maps.bpf.o",
    "types.bpf.o",
    "core.bpf.o",
];

/// Skeletons that are compiled together, without a warning.
struct Crate {
    folder: PathBuf,
    modules: String,
}

impl Crate {
    fn new(name: &str) -> Self {
        Crate { folder: scratch(name), modules: String::new() }
    }

    /// The skeleton of an object that a file of this name holds.
    fn add(&mut self, file: &str, bytes: &[u8]) {
        let number = self.modules.lines().count();
        let skeleton = Skeleton::new(file, bytes).unwrap_or_else(|error| panic!("{number}: {error}"));
        let source = skeleton.source(&Options::default()).unwrap_or_else(|error| panic!("{number}: {error}"));
        fs::write(self.folder.join(format!("file_{number}.rs")), source).unwrap();
        self.modules += &format!("pub mod file_{number} {{ include!(\"file_{number}.rs\"); }}\n");
    }

    fn check(self) {
        let Crate { folder, modules } = self;
        fs::write(folder.join("lib.rs"), format!("#![deny(warnings)]\n{modules}")).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let manifest = format!(
            "[package]\nname = \"names\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n\
             [dependencies]\nskelgen-runtime = {{ path = {:?} }}\n\n[workspace]\n",
            root.join("runtime")
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        run(offline(cargo().args(["check", "--quiet"]), &folder, &target_dir()));
    }
}

#[test]
fn any_names_compile() {
    let rounds = env::var("SKELGEN_NAMES").map_or(2, |rounds| rounds.parse().expect("SKELGEN_NAMES is a number"));
    let mut skeletons = Crate::new("names");
    for file in FILES {
        skeletons.add(file, &fixtures::bytes("counters"));
    }
    let mut random = Random::new();
    for object in (0..rounds).flat_map(|_| OBJECTS) {
        let file = file_name(&mut random);
        let bytes = renamed(&fixtures::bytes(object), &mut Names::new(&mut || name(&mut random)));
        skeletons.add(&file, &bytes);
    }
    skeletons.check();
}

/// Structs in structs, each with a number beside the next, as many as there are; the innermost has a number alone.
fn nest(structs: usize) -> String {
    let open: String = (1..structs).map(|level| format!("struct {{ int y{level}; ")).collect();
    let close: String = (1..structs).rev().map(|level| format!("}} m{level}; ")).collect();
    format!("struct nest_{structs} {{ {open}int x; {close}}} nested_{structs} = {{ 1 }};\n")
}

#[test]
fn deep_types_compile() {
    if !have_clang() {
        return;
    }
    let mut skeletons = Crate::new("deep");
    let source = skeletons.folder.join("deep.bpf.c");
    let program = "__attribute__((section(\"raw_tp\"), used)) int program(void *ctx) { return 0; }\n\
                   char LICENSE[] __attribute__((section(\"license\"), used)) = \"GPL\";\n";
    fs::write(&source, [nest(30), nest(64), nest(65), nest(200), program.to_owned()].concat()).unwrap();
    let object = source.with_extension("o");
    Clang::default().compile(&Target::from_env(), &source, &object).unwrap();
    skeletons.add("deep.bpf.o", &fs::read(object).unwrap());
    skeletons.check();
}
