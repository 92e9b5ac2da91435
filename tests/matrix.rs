//! The kernel tests on every kernel and CPU count of the matrix, from one static binary that is built once.
//!
//! `SKELGEN_CELLS="6.1:2 7.3:1,8"` runs these cells only. Kernels that are not in the cache are fetched only where
//! `SKELGEN_REQUIRE` has `qemu`: a plain `cargo test` stays off the network.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use skelgen_tests::Part;
use skelgen_tests::not_run::{self, MARK};
use skelgen_tests::privilege::can_load;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Where cargo has test targets put what they make.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// Commands that a cell needs, and the Debian packages that have them.
const TOOLS: [(&str, &str); 5] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("cpio", "cpio"),
    ("readelf", "binutils"),
    ("strip", "binutils"),
];

#[test]
fn the_kernel_tests_pass_in_every_cell() {
    let cells = env::var("SKELGEN_CELLS").unwrap_or_default();
    let cells: Vec<&str> = cells.split_whitespace().collect();
    if let Err(why) = can_run(&cells) {
        return not_run::not_run(Part::Qemu, why);
    }
    let kernel = build(&["test", "-p", "skelgen-tests", "--test", "kernel", "--no-run"]);
    let cargo_skelgen = build(&["build", "-p", "cargo-skelgen", "--bin", "cargo-skelgen"]);
    let logs = Path::new(SCRATCH).join("matrix-logs");
    let _ = fs::remove_dir_all(&logs);

    say("\n");
    run_here(&kernel);
    let mut run = Command::new(matrix("run-tests"));
    run.args(cells.iter().flat_map(|cell| ["--cell", cell]));
    // Seconds for a cell. Eight CPUs on two slow ones take the longest.
    run.args(["--timeout", "300"]).arg("--file").arg(&cargo_skelgen).arg("--logs").arg(&logs).arg(&kernel);
    // A line a cell, while it runs.
    let status = run.stdin(Stdio::null()).status().unwrap();
    tell_skipped(&kernel, &read_logs(&logs), cells.is_empty());
    assert!(status.success(), "some cells failed; their whole output is in {}", logs.display());
}

/// The very binary of the other kernels, on the running one.
fn run_here(kernel: &Path) {
    if let Err(why) = can_load() {
        return not_run::not_run(Part::Live, why);
    }
    let output = Command::new(kernel).stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "the static binary fails on the running kernel:\n{words}");
    let result = words.lines().rev().find_map(|line| line.strip_prefix("test result: ")).unwrap_or_default();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    say(&format!("kernel {}, the running one: {result}\n", release.trim()));
}

fn matrix(command: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix").join(command)
}

/// Past the harness, which would keep the words of a test that passes.
fn say(words: &str) {
    let _ = io::stdout().write_all(words.as_bytes());
}

/// What the machine lacks, if it lacks something.
fn can_run(cells: &[&str]) -> Result<(), String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err("the kernels of the matrix are for x86_64".into());
    }
    let missing: Vec<_> = TOOLS.iter().filter(|(tool, _)| !is_command(tool)).collect();
    if !missing.is_empty() {
        let tools: Vec<_> = missing.iter().map(|(tool, _)| *tool).collect();
        let packages: BTreeSet<_> = missing.iter().map(|(_, package)| *package).collect();
        let packages = Vec::from_iter(packages).join(" ");
        return Err(format!("there is no {}: apt-get install {packages}", tools.join(", ")));
    }
    let cache = kernel_cache();
    let absent: Vec<_> =
        series(cells).into_iter().filter(|series| !cache.join(series).join("vmlinuz").exists()).collect();
    if absent.is_empty() || Part::Qemu.is_required() {
        return Ok(());
    }
    Err(format!("the kernels {} are not in the cache: tests/matrix/fetch-kernels", absent.join(", ")))
}

fn is_command(name: &str) -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(name).is_file())
}

/// Where `fetch-kernels` puts them.
fn kernel_cache() -> PathBuf {
    let var = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
    let home_cache = || var("HOME").unwrap_or_default().join(".cache");
    var("SKELGEN_KERNELS").unwrap_or_else(|| var("XDG_CACHE_HOME").unwrap_or_else(home_cache).join("skelgen/kernels"))
}

/// The kernels of `cells`; all of the matrix if there are none.
fn series(cells: &[&str]) -> BTreeSet<String> {
    let table = fs::read_to_string(matrix("kernels.txt")).unwrap();
    let first_words =
        table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
    let of_cells = cells.iter().filter_map(|cell| cell.split(':').next());
    if cells.is_empty() { first_words.map(str::to_owned).collect() } else { of_cells.map(str::to_owned).collect() }
}

/// Builds one static executable, and returns its path. Without `--target`, the flag would break procedural macros.
fn build(args: &[&str]) -> PathBuf {
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).args(["--target", TARGET, "--offline", "--quiet", "--message-format=json-render-diagnostics"]);
    cargo.arg("--target-dir").arg(Path::new(SCRATCH).join("static"));
    cargo.env("RUSTFLAGS", format!("{flags} -C target-feature=+crt-static")).env_remove("CARGO_ENCODED_RUSTFLAGS");
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "cargo {} failed, static", args.join(" "));
    // Of all that cargo tells of artifacts, one has an executable.
    let messages = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = messages.rsplit_once(r#""executable":""#).expect("cargo names the executable");
    rest.split('"').next().map(PathBuf::from).unwrap()
}

/// By cell, as in `7.3-2`: the tests that said that they cannot run there, and why.
type Skipped = BTreeMap<String, BTreeMap<String, String>>;

fn read_logs(logs: &Path) -> Skipped {
    let files = fs::read_dir(logs).into_iter().flatten().flatten().map(|entry| entry.path());
    let skipped = |log: &Path| {
        let log = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
        let marked = log.lines().filter_map(|line| line.strip_prefix(MARK)?.split_once(": "));
        marked.map(|(test, why)| (test.to_owned(), why.to_owned())).collect()
    };
    files.map(|log| (log.file_stem().unwrap().to_string_lossy().into_owned(), skipped(&log))).collect()
}

/// Tells which tests did not run on which kernels. One that ran in no cell at all is as good as none.
fn tell_skipped(kernel: &Path, cells: &Skipped, all: bool) {
    let mut kernels = BTreeMap::<_, BTreeSet<_>>::new();
    for (cell, tests) in cells {
        let (series, _) = cell.split_once('-').unwrap();
        for skipped in tests {
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

    let ran = |test: &String| cells.values().any(|skipped| !skipped.contains_key(test));
    let (ran, nowhere): (Vec<_>, Vec<_>) = tests(kernel).into_iter().partition(ran);
    ran.iter().for_each(|test| not_run::ran_in_matrix(test));
    assert!(!all || nowhere.is_empty(), "these tests ran in no cell: {}", nowhere.join(", "));
}

/// The names of a test binary's tests.
fn tests(binary: &Path) -> Vec<String> {
    let output = Command::new(binary).args(["--list", "--format", "terse"]).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}
