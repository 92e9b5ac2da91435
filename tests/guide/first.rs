//! The steps of the first chapter: its files and commands, in an empty folder beside a clone, make a package by each door, and
//! its program counts.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs};

use skelgen::Skeleton;
use skelgen_tests::markdown::{self, guide};
use skelgen_tests::packages::{self, clone_at, offline, path_from, run, scratch};
use skelgen_tests::{Part, have_clang, may_load, not_run};

use crate::c::{folder_with_headers, llvm};

/// Commands that the test does not run: it uses the fixtures' header of kernel types, and does not change its privileges.
const STAND_INS: [(&str, &str); 2] = [
    ("bpftool", "#!/bin/sh\necho '#include \"vmlinux_min.h\"'\n"),
    ("sudo", "#!/bin/sh\n[ \"$1\" = -E ] && shift\nexec \"$@\"\n"),
];

fn section(heading: &str) -> String {
    let (_, chapter) = guide().into_iter().find(|(chapter, _)| chapter == "first").unwrap();
    markdown::section(&chapter, heading).to_owned()
}

/// The blocks of a section whose language begins with `language`, without the lines that rustdoc hides.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    shown_blocks(&section(heading), language)
}

fn shown_blocks(text: &str, language: &str) -> Vec<String> {
    let blocks = markdown::blocks(text).into_iter().filter(|block| block.language.starts_with(language));
    let shown =
        |text: &str| text.lines().filter(|line| !line.starts_with("# ")).map(|line| format!("{line}\n")).collect();
    blocks.map(|block| shown(&block.text)).collect()
}

/// The block that begins with this line.
fn block(heading: &str, language: &str, first: &str) -> String {
    let found = blocks(heading, language).into_iter().find(|text| text.starts_with(first));
    found.unwrap_or_else(|| panic!("{heading} has no block of {language} that begins with {first}"))
}

/// The reader's folder, and the commands in PATH.
struct Reader {
    folder: PathBuf,
    tools: PathBuf,
    headers: PathBuf,
}

impl Reader {
    /// An empty folder; `None`, and listed as not run, without clang.
    fn new(name: &str) -> Option<Reader> {
        let folder = scratch(name);
        let tools = folder.join("tools");
        fs::create_dir(&tools).unwrap();
        for name in ["clang", "llvm-strip"] {
            let Some(program) = llvm(name) else {
                not_run(Part::Clang, format!("there is no {name}"));
                return None;
            };
            symlink(program, tools.join(name)).unwrap();
        }
        for (name, script) in STAND_INS {
            fs::write(tools.join(name), script).unwrap();
            fs::set_permissions(tools.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        // The compiler that the tests were built by.
        let cargo = PathBuf::from(env::var_os("CARGO").expect("cargo runs the tests"));
        symlink(&cargo, tools.join("cargo")).unwrap();
        Some(Reader { folder, tools, headers: folder_with_headers(name) })
    }

    fn package(&self) -> PathBuf {
        self.folder.join("counters")
    }

    /// Runs these commands in order.
    fn types(&self, commands: &str, folder: &Path) -> String {
        let mut shell = Command::new("sh");
        shell.args(["-ec", commands]).env("PATH", path_from(&self.tools));
        // Where a machine has libbpf's headers.
        let includes = [self.headers.clone(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/include")];
        shell.env("C_INCLUDE_PATH", env::join_paths(includes).unwrap());
        run(offline(&mut shell, folder, &target_dir()))
    }

    fn writes(&self, file: &str, text: &str) {
        fs::write(self.package().join(file), text).unwrap();
    }

    /// Adds these dependencies to what `cargo new` wrote.
    fn depends_on(&self, dependencies: &str) {
        let manifest = fs::read_to_string(self.package().join("Cargo.toml")).unwrap();
        let (package, _) = manifest.split_once("[dependencies]").unwrap();
        self.writes("Cargo.toml", &format!("{package}{}", clone_at(dependencies)));
    }

    /// Puts the lock file into the package, so that nothing is fetched, and the target folder where the documents say it is.
    fn prepares_build(&self) {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        fs::copy(lock, self.package().join("Cargo.lock")).unwrap();
        fs::create_dir_all(target_dir()).unwrap();
        symlink(target_dir(), self.package().join("target")).unwrap();
    }

    /// Builds the package, and runs it if this machine lets it load.
    fn builds_and_runs(&self) {
        let commands = "# Open, change, load, attach";
        let [build, run] = <[String; 2]>::try_from(blocks(commands, "sh")).unwrap();
        if !may_load() {
            let first = build.lines().next().unwrap();
            self.types(first, &self.package());
            return;
        }
        for commands in [build, run] {
            let out = self.types(&commands, &self.package());
            let counts = counts(&out, "CPU ", " system calls");
            assert!(counts.iter().sum::<u64>() > 0, "{out}");
        }
    }
}

/// The numbers in lines such as `cpu 3: 14 hits`.
fn counts(out: &str, prefix: &str, suffix: &str) -> Vec<u64> {
    let counts = out.lines().map(|line| {
        let (cpu, count) = line.strip_prefix(prefix)?.strip_suffix(suffix)?.split_once(": ")?;
        cpu.parse::<u32>().ok()?;
        count.parse().ok()
    });
    counts.collect::<Option<_>>().unwrap_or_else(|| panic!("{out}"))
}

/// Both tests build a package named `counters` in one target folder, so that its dependencies are built once.
static BUILDING: Mutex<()> = Mutex::new(());

fn target_dir() -> PathBuf {
    packages::target_dir(env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn its_steps_make_a_package_that_runs() {
    if !have_clang() {
        return;
    }
    let Some(reader) = Reader::new("first") else { return };
    let package = reader.package();
    reader.types(&block("# The program", "sh", "cargo new counters"), &reader.folder);
    reader.writes("src/counters.bpf.c", &block("# The program", "c", "#include"));
    reader.types(&block("# The program", "sh", "clang "), &package);
    let object = fs::read(package.join("src/counters.bpf.o")).unwrap();
    assert!(!object.windows(11).any(|name| name == b".debug_info"));
    let source = Skeleton::new("counters.bpf.o", &object).unwrap().source(&Default::default()).unwrap();
    assert!(source.contains("pub hits: u64,") && source.contains("pub target_pid: u32,"), "{source}");

    reader.prepares_build();
    let _building = BUILDING.lock();
    let [rest] = <[String; 1]>::try_from(blocks("# Open, change, load, attach", "rust")).unwrap();
    let main = "// src/main.rs\n";
    reader.depends_on(&block("## The derive", "toml", "[dependencies]"));
    reader.writes("src/main.rs", &format!("{}\n{rest}", block("## The derive", "rust", main)));
    reader.builds_and_runs();

    // By the other door, with the same `main`.
    fs::remove_file(package.join("src/counters.bpf.o")).unwrap();
    reader.depends_on(&block("## The build script", "toml", "[dependencies]"));
    reader.writes("build.rs", &block("## The build script", "rust", "// build.rs\n"));
    reader.writes("src/main.rs", &format!("{}\n{rest}", block("## The build script", "rust", main)));
    reader.builds_and_runs();
    fs::remove_dir_all(&reader.folder).unwrap();
}

/// The README's one skeleton, from C to its output.
#[test]
fn readme_leads_from_c_to_output() {
    if !have_clang() {
        return;
    }
    let Some(reader) = Reader::new("readme") else { return };
    let section = markdown::section(include_str!("../../README.md"), "## One skeleton, from C to output");
    let one = |language: &str| {
        let [block] = <[String; 1]>::try_from(shown_blocks(section, language)).unwrap();
        block
    };
    let [make, compile, run] = <[String; 3]>::try_from(shown_blocks(section, "sh")).unwrap();
    let package = reader.package();
    reader.types(&make, &reader.folder);
    let [source] = <[String; 1]>::try_from(shown_blocks(section, "c")).unwrap();
    reader.writes("src/counters.bpf.c", &source);
    reader.types(&compile, &package);
    reader.prepares_build();
    let _building = BUILDING.lock();
    reader.depends_on(&one("toml"));
    reader.writes("src/main.rs", &one("rust"));
    // The output that the README shows has the same form, and the same initial value.
    let shown = counts(&one("text"), "cpu ", " hits");
    assert!(shown.iter().all(|count| *count > 100), "{shown:?}");
    if may_load() {
        let out = reader.types(&run, &package);
        let counts = counts(&out, "cpu ", " hits");
        assert!(counts.iter().all(|count| *count >= 100) && counts.iter().any(|count| *count > 100), "{out}");
    } else {
        reader.types(run.lines().next().unwrap(), &package);
    }
    fs::remove_dir_all(&reader.folder).unwrap();
}

/// The steps in the examples' README for compiling their C elsewhere.
#[test]
fn the_examples_are_compiled_outside_of_the_repository() {
    if !have_clang() {
        return;
    }
    let Some(clang) = llvm("clang") else { return not_run(Part::Clang, "there is no clang") };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = scratch("examples");
    let headers = folder.join("headers");
    fs::create_dir(&headers).unwrap();
    for header in fs::read_dir(root.join("fixtures/include")).unwrap() {
        let header = header.unwrap();
        fs::copy(header.path(), headers.join(header.file_name())).unwrap();
    }
    let readme = fs::read_to_string(root.join("examples/README.md")).unwrap();
    let command = readme.lines().find_map(|line| line.strip_prefix("clang ")).unwrap();
    for example in ["histogram/latency", "daemon/execs"] {
        let name = example.split_once('/').unwrap().1;
        fs::copy(root.join(format!("examples/{example}.bpf.c")), folder.join(format!("{name}.bpf.c"))).unwrap();
        let command = command.replace("latency", name);
        run(Command::new(&clang).args(command.split_whitespace()).current_dir(&folder));
        Skeleton::new(name, &fs::read(folder.join(format!("{name}.bpf.o"))).unwrap()).unwrap();
    }
    fs::remove_dir_all(folder).unwrap();
}
