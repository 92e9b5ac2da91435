//! What could not be tested here, and why.
//!
//! A test that cannot run where it is started passes, as on a clean clone nothing is wrong then; but it says so, here,
//! and the last test target tells all of it again at the end of the run. Where `SKELGEN_REQUIRE` names the part of the
//! tests that it belongs to (`live,qemu,libbpf,clang,clippy,selftests`), it fails instead.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, process, thread};

/// Records stand beside what the build script made: below the target folder, and the same for all test binaries.
const RECORDS: &str = concat!(env!("OUT_DIR"), "/not_run");

/// What a line begins with that says, in a guest of the matrix, that a test did not run there.
pub const MARK: &str = "not run: ";

/// The start of reasons that depend on the kernel.
const KERNEL_LACKS: &str = "the kernel lacks what it is about";

/// In place of a reason: the test did run in the matrix.
const IN_MATRIX: &str = "ran in the matrix";

/// A part of the tests that not every machine can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those that load BPF into the running kernel.
    Live,
    /// Those that boot other kernels.
    Qemu,
    /// Those that compare with libbpf, and build it.
    Libbpf,
    /// Those that compile C for BPF.
    Clang,
    /// Tests that run clippy on generated code.
    Clippy,
    /// Those that need the objects of the kernel's selftests, which are fetched and compiled.
    Selftests,
}

impl Part {
    /// Its name in `SKELGEN_REQUIRE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Part::Live => "live",
            Part::Qemu => "qemu",
            Part::Libbpf => "libbpf",
            Part::Clang => "clang",
            Part::Clippy => "clippy",
            Part::Selftests => "selftests",
        }
    }

    /// Whether it is a failure if this part cannot run.
    #[must_use]
    pub fn is_required(self) -> bool {
        env::var("SKELGEN_REQUIRE").is_ok_and(|parts| parts.split(',').any(|part| part.trim() == self.name()))
    }
}

/// Notes that the running test cannot run on this machine.
///
/// # Panics
///
/// `SKELGEN_REQUIRE` names `part`.
pub fn not_run(part: Part, why: impl Display) {
    assert!(!part.is_required(), "SKELGEN_REQUIRE has {:?}, and this test cannot run: {why}", part.name());
    note(&this_test(), &why.to_string());
}

/// Notes that the running test is about something that the running kernel lacks, as the kernel itself says. It is
/// no failure, as the kernels of the matrix differ; the matrix sees to it that each test runs on one of them.
pub fn not_on_this_kernel(why: impl Display) {
    note(&this_test(), &format!("{KERNEL_LACKS}: {why}"));
}

/// Notes that the running test needs something that machines need not have, and this one has not. It is no failure anywhere.
pub fn not_installed(why: impl Display) {
    note(&this_test(), &why.to_string());
}

/// Whether the running test, which takes minutes, is wanted: `SKELGEN_ALL` is set, as by `.ci/run`, or `SKELGEN_REQUIRE` names
/// `part`. If not, that is noted.
#[must_use]
pub fn may_take_minutes(part: Part) -> bool {
    let may = env::var_os("SKELGEN_ALL").is_some() || part.is_required();
    if !may {
        note(&this_test(), "takes minutes, and is left to .ci/run; SKELGEN_ALL=1 runs it");
    }
    may
}

/// Notes that `test` did not run.
pub fn note(test: &str, why: &str) {
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    // Past the harness, which would swallow the words of a test that passes. On a line of its own, and in one write,
    // or the harness' words could come between.
    let _ = io::stderr().write_all(format!("\n{MARK}{test}: {why}\n").as_bytes());
    // A guest of the matrix has no such folder; the matrix reads its output.
    if crate::matrix().is_none() {
        record(test, &why).expect("the target folder can be written");
    }
}

/// The running test: libtest gives its thread the test's name.
fn this_test() -> String {
    thread::current().name().unwrap_or("a test").to_owned()
}

/// Notes that `test` ran in the matrix.
pub fn ran_in_matrix(test: &str) {
    record(test, IN_MATRIX).expect("the target folder can be written");
}

/// One write for the whole line: test binaries may run side by side.
fn record(test: &str, why: &str) -> io::Result<()> {
    fs::create_dir_all(RECORDS)?;
    let mut file = File::options().create(true).append(true).open(Run::this().file())?;
    file.write_all(format!("{test}\t{why}\n").as_bytes())
}

/// What did not run so far in this run of the tests.
#[derive(Debug, Default)]
pub struct NotRun {
    /// By reason, the tests.
    pub reasons: BTreeMap<String, BTreeSet<String>>,
    /// Those of them that did run on a kernel of the matrix.
    pub in_matrix: BTreeSet<String>,
}

impl NotRun {
    /// A line for each reason with the number of tests, most first. What the kernel lacks is one reason.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (why, tests) in &self.reasons {
            let kind = if why.starts_with(KERNEL_LACKS) { "the kernel lacks what they are about" } else { why };
            kinds.entry(kind).or_default().extend(tests.iter().map(String::as_str));
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, tests)| Reverse(tests.len()));
        let line = |(kind, tests): &(&str, BTreeSet<&str>)| {
            let elsewhere = tests.iter().filter(|test| self.in_matrix.contains(**test)).count();
            let elsewhere = if elsewhere == 0 { String::new() } else { format!("; {elsewhere} ran in the matrix") };
            format!("{:6}  {kind}{elsewhere}\n", tests.len())
        };
        kinds.iter().map(line).collect()
    }

    /// All reasons, and the tests below each.
    #[must_use]
    pub fn list(&self) -> String {
        let mut list = String::new();
        for (why, tests) in &self.reasons {
            list += &format!("{why}\n");
            for test in tests {
                let elsewhere = if self.in_matrix.contains(test) { " (ran in the matrix)" } else { "" };
                list += &format!("  {test}{elsewhere}\n");
            }
        }
        list
    }
}

/// What did not run so far in this run of the tests.
#[must_use]
pub fn so_far() -> NotRun {
    let mut not_run = NotRun::default();
    for line in fs::read_to_string(Run::this().file()).unwrap_or_default().lines() {
        match line.split_once('\t') {
            Some((test, IN_MATRIX)) => drop(not_run.in_matrix.insert(test.to_owned())),
            Some((test, why)) => drop(not_run.reasons.entry(why.to_owned()).or_default().insert(test.to_owned())),
            None => {}
        }
    }
    not_run
}

/// Removes the records of runs that have ended.
pub fn forget_former_runs() {
    for entry in fs::read_dir(RECORDS).into_iter().flatten().flatten() {
        if !Run::of_file(&entry.path()).is_some_and(|run| run.is_under_way()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// One run of the tests: the `cargo test` that all test binaries descend from. A process' number comes again, its
/// number and start together do not.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Run {
    pid: u32,
    start: u64,
}

impl Run {
    /// The nearest `cargo` above this process (there can be a `sudo` in between), else the parent.
    fn this() -> Run {
        let parent = Process::read(process::id()).and_then(|this| Process::read(this.parent));
        let mut process = parent.clone();
        while let Some(ancestor) = process {
            if ancestor.name.starts_with("cargo") {
                return ancestor.run;
            }
            process = Process::read(ancestor.parent);
        }
        parent.map_or(Run { pid: 0, start: 0 }, |parent| parent.run)
    }

    fn file(self) -> PathBuf {
        Path::new(RECORDS).join(format!("{}-{}", self.pid, self.start))
    }

    fn of_file(path: &Path) -> Option<Run> {
        let (pid, start) = path.file_name()?.to_str()?.split_once('-')?;
        Some(Run { pid: pid.parse().ok()?, start: start.parse().ok()? })
    }

    fn is_under_way(self) -> bool {
        Process::read(self.pid).is_some_and(|process| process.run == self)
    }
}

/// What `/proc/PID/stat` says.
#[derive(Clone)]
struct Process {
    name: String,
    parent: u32,
    run: Run,
}

impl Process {
    fn read(pid: u32) -> Option<Process> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses, and may hold any.
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        // After it: state, parent, and as the 20th field the start.
        let mut fields = rest.split(' ');
        let parent = fields.nth(1)?.parse().ok()?;
        let start = fields.nth(17)?.parse().ok()?;
        Some(Process { name: name.to_owned(), parent, run: Run { pid, start } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_read() {
        let this = Process::read(process::id()).unwrap();
        assert_eq!(this.parent, std::os::unix::process::parent_id());
        assert!(this.run.start > 0 && this.run.is_under_way());
        assert!(!Run { start: 1, ..this.run }.is_under_way());
        assert!(Run::of_file(&this.run.file()) == Some(this.run));
    }

    #[test]
    fn reasons_are_summed_up_and_listed() {
        let tests = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let not_run = NotRun {
            reasons: BTreeMap::from([
                (format!("{KERNEL_LACKS}: arenas"), tests(&["arena::one", "arena::two"])),
                (format!("{KERNEL_LACKS}: kprobes"), tests(&["kprobe", "arena::two"])),
                ("there is no QEMU".to_owned(), tests(&["matrix"])),
            ]),
            in_matrix: tests(&["kprobe"]),
        };
        let summary = "     3  the kernel lacks what they are about; 1 ran in the matrix\n     1  there is no QEMU\n";
        assert_eq!(not_run.summary(), summary);
        let list = not_run.list();
        assert_eq!(list.lines().count(), 3 + 5, "{list}");
        assert!(
            list.contains("about: kprobes\n  arena::two\n  kprobe (ran in the matrix)\nthere is no QEMU\n"),
            "{list}"
        );
    }

    #[test]
    fn a_test_knows_its_name() {
        assert_eq!(this_test(), "not_run::tests::a_test_knows_its_name");
    }
}
