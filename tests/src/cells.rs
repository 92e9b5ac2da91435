//! The cells of the kernel matrix, for the test targets that run something in them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::machine::TESTMOD;
use crate::not_run::{self, MARK, Part, not_run};

/// Commands that a cell needs, and the Debian packages that have them.
const TOOLS: [(&str, &str); 5] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("cpio", "cpio"),
    ("readelf", "binutils"),
    ("strip", "binutils"),
];

/// What to do where a guest lacks [`TESTMOD`].
pub const NO_TESTMOD: &str = "tests/selftests/testmod builds it";

/// Cells to boot, as in `7.3:2,8`.
#[derive(Debug)]
pub struct Cells {
    /// None are all of the matrix.
    cells: Vec<String>,
    /// Whether a test has to run in one of them.
    complete: bool,
}

impl Cells {
    /// Those that `SKELGEN_CELLS` names, else `usual`; none are all of the matrix.
    #[must_use]
    pub fn wanted(usual: &[&str]) -> Cells {
        let named = env::var("SKELGEN_CELLS").unwrap_or_default();
        let named: Vec<_> = named.split_whitespace().map(str::to_owned).collect();
        if named.is_empty() {
            return Cells { cells: usual.iter().map(|&cell| cell.to_owned()).collect(), complete: true };
        }
        Cells { cells: named, complete: false }
    }

    /// Whether the user named none.
    #[must_use]
    pub fn are_usual(&self) -> bool {
        self.complete
    }

    /// These, separated by spaces.
    #[must_use]
    pub fn named(cells: &str) -> Cells {
        Cells { cells: cells.split_whitespace().map(str::to_owned).collect(), complete: false }
    }

    /// Nothing if this machine can boot them.
    ///
    /// # Errors
    ///
    /// What it lacks. Kernels can be fetched only where `SKELGEN_REQUIRE` has `qemu`: a plain `cargo test` stays off
    /// the network.
    pub fn can_run(&self) -> Result<(), String> {
        if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
            return Err("the kernels of the matrix are for x86_64".into());
        }
        have(&TOOLS)?;
        if Part::Qemu.is_required() {
            return Ok(());
        }
        let absent = Command::new(matrix("fetch-kernels")).arg("--missing").args(self.series()).output();
        let absent = String::from_utf8(absent.expect("the command is checked in").stdout).expect("series are text");
        let absent: Vec<_> = absent.lines().collect();
        if absent.is_empty() {
            return Ok(());
        }
        let absent = absent.join(", ");
        Err(format!("the kernels {absent} are not in the cache, or not with their modules: tests/matrix/fetch-kernels"))
    }

    /// Each with its kernel and its number of CPUs, as in `7.3` and `2`. The kernels are fetched if they are not there.
    ///
    /// # Panics
    ///
    /// All of the matrix is wanted, or a kernel cannot be fetched.
    #[must_use]
    pub fn each(&self) -> Vec<(String, String)> {
        assert!(!self.cells.is_empty(), "which cells?");
        let mut fetch = Command::new(matrix("fetch-kernels"));
        let status = fetch.args(self.series()).stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.expect("the command is checked in").success(), "the kernels cannot be fetched");
        let split = self.cells.iter().filter_map(|cell| cell.split_once(':'));
        let each = split.flat_map(|(series, cpus)| cpus.split(',').map(|cpus| (series.to_owned(), cpus.to_owned())));
        each.collect()
    }

    /// Their kernels.
    fn series(&self) -> BTreeSet<String> {
        let table = fs::read_to_string(matrix("kernels.txt")).expect("the table is checked in");
        let first_words =
            table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
        let of_cells = self.cells.iter().filter_map(|cell| cell.split(':').next());
        if self.cells.is_empty() {
            first_words.map(str::to_owned).collect()
        } else {
            of_cells.map(str::to_owned).collect()
        }
    }

    /// Runs the static test binary in each, where it finds `files` beside itself, and tells which of its tests did not
    /// run on which kernels. Each cell's output stays in `logs`.
    ///
    /// # Panics
    ///
    /// A test failed, or ran in no cell: that is as good as none. Those that are about [`TESTMOD`] may, where the
    /// selftests are not required.
    pub fn run(&self, binary: &Path, files: &[PathBuf], logs: &Path) {
        let _ = fs::remove_dir_all(logs);
        let mut run = Command::new(matrix("run-tests"));
        run.args(self.cells.iter().flat_map(|cell| ["--cell", cell]));
        run.args(files.iter().flat_map(|file| [Path::new("--file"), file]));
        run.args(env::var("SKELGEN_SEED").iter().flat_map(|seed| ["--env".to_owned(), format!("SKELGEN_SEED={seed}")]));
        // Seconds for a cell: some minutes more than eight CPUs on two slow ones take.
        run.args(["--timeout", "1500", "--logs"]).arg(logs).arg(binary);
        // A line a cell, while it runs.
        let status = run.stdin(Stdio::null()).status().expect("the command is checked in");
        self.tell_tests(binary, &read_logs(logs));
        assert!(status.success(), "some cells failed; their whole output is in {}", logs.display());
    }

    fn tell_tests(&self, binary: &Path, cells: &BTreeMap<String, Told>) {
        let mut kernels = BTreeMap::<_, BTreeSet<_>>::new();
        for (cell, told) in cells {
            let (series, _) = cell.split_once('-').expect("a log is named by its cell");
            for skipped in &told.skipped {
                kernels.entry(skipped).or_default().insert(series);
            }
        }
        let mut tests_of = BTreeMap::<_, Vec<_>>::new();
        for ((test, why), series) in kernels {
            tests_of.entry((series, why)).or_default().push(test);
        }
        for ((series, why), tests) in tests_of {
            say(&format!("\nnot on {}: {why}\n", Vec::from_iter(series).join(", ")));
            tests.iter().for_each(|test| say(&format!("    {test}\n")));
        }

        let ran =
            |test: &String| cells.values().any(|cell| cell.started.contains(test) && !cell.skipped.contains_key(test));
        let (ran, nowhere): (Vec<_>, Vec<_>) = tests(binary).into_iter().partition(ran);
        ran.iter().for_each(|test| not_run::ran_in_matrix(test));
        if !self.complete {
            return;
        }
        let lacks_testmod =
            |test: &String| cells.values().any(|cell| cell.skipped.get(test).is_some_and(|why| why.contains(TESTMOD)));
        let (without, nowhere): (Vec<_>, Vec<_>) = nowhere.into_iter().partition(lacks_testmod);
        assert!(nowhere.is_empty(), "these tests ran in no cell: {}", nowhere.join(", "));
        if !without.is_empty() {
            let why = format!("no guest has module {TESTMOD} for {}: {NO_TESTMOD}", without.join(", "));
            not_run(Part::Selftests, why);
        }
    }
}

/// Runs the very binary of the other kernels on the running one.
///
/// # Panics
///
/// A test failed.
pub fn run_here(binary: &Path) {
    let output = Command::new(binary).stdin(Stdio::null()).output().expect("it was built");
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{} fails on the running kernel:\n{words}", binary.display());
    let result = words.lines().rev().find_map(|line| line.strip_prefix("test result: ")).unwrap_or_default();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    say(&format!("kernel {}, the running one: {result}\n", release.trim()));
}

/// Nothing if there are these commands, given with the Debian packages that have them.
///
/// # Errors
///
/// Those that are not there, and what to install.
pub fn have(tools: &[(&str, &str)]) -> Result<(), String> {
    let missing: Vec<_> = tools.iter().filter(|(tool, _)| !is_command(tool)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let tools: Vec<_> = missing.iter().map(|(tool, _)| *tool).collect();
    let packages: BTreeSet<_> = missing.iter().map(|(_, package)| *package).collect();
    Err(format!("there is no {}: apt-get install {}", tools.join(", "), Vec::from_iter(packages).join(" ")))
}

/// Past the harness, which would keep the words of a test that passes.
pub fn say(words: &str) {
    let _ = io::stdout().write_all(words.as_bytes());
}

fn matrix(command: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix").join(command)
}

fn is_command(name: &str) -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(name).is_file())
}

/// Where something is kept that was fetched: the folder that the variable names, or else this one of the user's cache.
#[must_use]
pub fn cache(variable: &str, folder: &str) -> PathBuf {
    let var = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
    let home_cache = || var("HOME").unwrap_or_default().join(".cache");
    let users = || var("XDG_CACHE_HOME").unwrap_or_else(home_cache).join("skelgen").join(folder);
    var(variable).unwrap_or_else(users)
}

/// Whether the guests with this kernel load the module.
#[must_use]
pub fn guests_load(series: &str, module: &str) -> bool {
    let order = cache("SKELGEN_KERNELS", "kernels").join(series).join("modules/order");
    fs::read_to_string(order).is_ok_and(|order| order.lines().any(|line| line == module))
}

/// What a cell's output says of its tests.
#[derive(Default)]
struct Told {
    /// Those that were started: some cells run part of them only.
    started: BTreeSet<String>,
    /// Those that said that they cannot run there, and why.
    skipped: BTreeMap<String, String>,
}

/// By cell, as in `7.3-2`.
fn read_logs(logs: &Path) -> BTreeMap<String, Told> {
    let files = fs::read_dir(logs).into_iter().flatten().flatten().map(|entry| entry.path());
    files.map(|log| (log.file_stem().unwrap_or_default().to_string_lossy().into_owned(), read_log(&log))).collect()
}

fn read_log(log: &Path) -> Told {
    let mut told = Told::default();
    for line in String::from_utf8_lossy(&fs::read(log).expect("it was just written")).lines() {
        if let Some((test, why)) = line.strip_prefix(MARK).and_then(|words| words.split_once(": ")) {
            told.skipped.insert(test.to_owned(), why.to_owned());
        } else if let Some((test, _)) = line.strip_prefix("test ").and_then(|words| words.split_once(" ... ")) {
            // Of one that is to panic, libtest says so behind its name.
            told.started.insert(test.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    told
}

/// The names of a test binary's tests.
fn tests(binary: &Path) -> Vec<String> {
    let output = Command::new(binary).args(["--list", "--format", "terse"]).output().expect("it was built");
    let list = String::from_utf8(output.stdout).expect("names are text");
    list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}
