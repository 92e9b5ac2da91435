//! The compilers of `compilers.txt`, and fixtures compiled by them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use skelgen_tests::cells::cache;
use skelgen_tests::lists::Entry;

/// Where the tests put what they make.
pub(crate) fn scratch() -> &'static Path {
    skelgen_tests::scratch::scratch(env!("CARGO_TARGET_TMPDIR"))
}

/// A compiler for BPF.
pub(crate) struct Compiler {
    /// As in `clang-16` and `bpf-gcc-14`.
    pub(crate) name: String,
    path: PathBuf,
}

impl Compiler {
    /// All that are here, in the order of the table.
    pub(crate) fn all() -> Vec<Compiler> {
        names().iter().filter_map(|name| Compiler::named(name)).collect()
    }

    /// The one so called, from `PATH` or a cache.
    pub(crate) fn named(name: &str) -> Option<Compiler> {
        let caches = [("SKELGEN_COMPILERS_CACHE", "compilers"), ("SKELGEN_SELFTESTS", "selftests")];
        let caches = caches.map(|(variable, folder)| cache(variable, folder).join("bin"));
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::split_paths(&path).chain(caches).map(|folder| folder.join(name)).find(|path| path.is_file())?;
        Some(Compiler { name: name.to_owned(), path })
    }

    fn is_gcc(&self) -> bool {
        self.name.starts_with("bpf-gcc")
    }

    /// The processors to compile for: the one of the fixtures, and the compiler's own choice.
    pub(crate) const CPUS: [&str; 2] = ["v3", "default"];

    /// Compiles a fixture, as in `counters` and `bad/no_license`, for machines of this byte order: `bpfel` or `bpfeb`.
    ///
    /// # Errors
    ///
    /// The compiler's first words.
    pub(crate) fn compile(&self, fixture: &str, target: &str, cpu: &str) -> Result<PathBuf, String> {
        let fixtures = below("../fixtures");
        let source = format!("{fixture}.bpf.c");
        let object = scratch().join(format!("compilers/{}-{target}-{cpu}/{fixture}.bpf.o", self.name));
        fs::create_dir_all(object.parent().expect("it has one")).expect("the target folder can be written");
        let mut compile = Command::new(&self.path);
        compile.current_dir(&fixtures).args(["-O2", "-Iinclude", "-c", &source, "-o"]).arg(&object);
        if cpu != "default" {
            compile.arg(format!("-mcpu={cpu}"));
        }
        compile.args(own_options(&fixtures.join(&source)));
        let debug = fixture != "untyped";
        if self.is_gcc() {
            assert_eq!(target, "bpfel", "GCC's is little-endian where nothing else is said");
            compile.args(if debug { &["-gbtf", "-mco-re"][..] } else { &[] });
        } else {
            compile.args(["-target", target, "-Werror=unknown-attributes"]).args(debug.then_some("-g"));
        }
        let output = compile.output().map_err(|error| format!("{}: {error}", self.path.display()))?;
        if output.status.success() {
            return Ok(object);
        }
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let error = words.lines().find(|line| line.contains("error")).or(words.lines().next());
        Err(error.unwrap_or("no word of why").to_owned())
    }
}

/// The names of all in the table, here or not.
pub(crate) fn names() -> Vec<String> {
    let table = fs::read_to_string(below("compilers/compilers.txt")).expect("the table is checked in");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// What a fixture's first line asks of a newer compiler, but for its version.
fn own_options(source: &Path) -> Vec<String> {
    let text = fs::read_to_string(source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    let first = text.lines().next().unwrap_or_default();
    let options = first.strip_prefix("/* clang: ").and_then(|rest| rest.strip_suffix(" */")).unwrap_or_default();
    options.split_whitespace().skip(1).map(str::to_owned).collect()
}

/// A path below this package's folder.
pub(crate) fn below(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The fixtures that are compiled from a source of the same name.
pub(crate) fn fixtures() -> Vec<String> {
    let sources = below("../fixtures");
    let mut names = skelgen_tests::fixtures::names();
    names.retain(|name| sources.join(format!("{name}.bpf.c")).exists());
    names
}

/// The first of the list that has a reason for what `compiler`, compiling for `cpu`, makes of `fixture`.
pub(crate) fn reason<'a>(
    list: &'a [Entry],
    compiler: &Compiler,
    cpu: &str,
    fixture: &str,
    what: &str,
) -> Option<&'a Entry> {
    let text = format!("{} {cpu} {fixture}: {what}", compiler.name);
    list.iter().find(|entry| entry.explains(&text))
}
