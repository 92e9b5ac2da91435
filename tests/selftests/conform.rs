//! The executable that loads objects with both: built, run here and in guests, and what it tells.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use skelgen_tests::static_build::static_executable;
use skelgen_tests::static_libs::libelf_and_zlib;

use crate::objects::{self, scratch};

/// The executable.
pub(crate) struct Conform(PathBuf);

/// What came of one object.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) object: String,
    /// As in `only-libbpf`.
    pub(crate) outcome: String,
    pub(crate) details: Vec<String>,
}

/// MiB for a guest, whose root in memory has all objects.
const MEMORY: &str = "2048";

/// Seconds for a guest, and for one load in it.
const GUEST_LIMIT: &str = "3600";
const LOAD_LIMIT: &str = "900";

impl Conform {
    /// Builds it, with the libbpf that `fetch` built.
    ///
    /// # Errors
    ///
    /// What this machine lacks.
    pub(crate) fn build() -> Result<Conform, String> {
        let flags = libelf_and_zlib(scratch()).map_err(String::clone)?;
        let flags = format!("-L native={} {flags}", objects::folder().display());
        let build = ["build", "--release", "-p", "skelgen-tests", "--features", "selftests", "--example", "conform"];
        Ok(Conform(static_executable(&build, &flags, scratch())))
    }

    /// By the objects' names, whether libbpf opens them.
    pub(crate) fn opens(&self, objects: &[PathBuf]) -> BTreeMap<String, bool> {
        let output = Command::new(&self.0).arg("--open").args(objects).output().expect("it was built");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        lines.map(|(object, how)| (object.to_owned(), how == "opens")).collect()
    }

    /// Loads the objects in as many guests at a time as this machine has CPUs.
    pub(crate) fn run_in_guests(&self, objects: &[PathBuf], series: &str, cpus: &str) -> Vec<Record> {
        let archive = archive(objects).expect("the objects can be archived");
        let shards = thread::available_parallelism().map_or(1, |n| n.get());
        let run = |shard| self.guest(series, cpus, &archive, &format!("{shard}/{shards}"));
        let run = &run;
        let outputs = thread::scope(|scope| {
            let guests: Vec<_> = (0..shards).map(|shard| scope.spawn(move || run(shard))).collect();
            guests.into_iter().map(|guest| guest.join().expect("it does not panic")).collect::<Vec<_>>()
        });
        outputs.into_iter().flat_map(|output| read(&output)).collect()
    }

    fn guest(&self, series: &str, cpus: &str, archive: &Path, shard: &str) -> String {
        let mut boot = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix/boot"));
        boot.args(["--kernel", series, "--cpus", cpus, "--mem", MEMORY, "--timeout", GUEST_LIMIT]);
        boot.arg("--archive").arg(archive).arg("--").arg(&self.0);
        boot.args(["--register", "--shard", shard, "--limit", LOAD_LIMIT, "/objects"]);
        let output = boot.stdin(Stdio::null()).output().expect("the command is checked in");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let log = scratch().join(format!("selftests-{series}-{}.log", shard.replace('/', "-of-")));
        fs::write(&log, &text).expect("the target folder can be written");
        if !output.status.success() {
            // What it did not come to is missed by whoever counts.
            let error = String::from_utf8_lossy(&output.stderr);
            let last = text.lines().last().unwrap_or_default();
            eprintln!("{series}, {shard}: {error}\nbehind: {last}\nall of it is in {}", log.display());
        }
        text
    }
}

/// The lines of the executable's output.
fn read(output: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for line in output.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        match fields[..] {
            ["", detail] => {
                let record = records.last_mut().expect("an object's line comes first");
                record.details.push(detail.to_owned());
            }
            [object, outcome, first, _times] => {
                let details = if first.is_empty() { vec![] } else { vec![first.to_owned()] };
                records.push(Record { object: object.to_owned(), outcome: outcome.to_owned(), details });
            }
            _ => {}
        }
    }
    records
}

/// The objects as a cpio archive, which becomes `/objects` in a guest.
fn archive(objects: &[PathBuf]) -> io::Result<PathBuf> {
    let archive = scratch().join("selftests.cpio");
    let mut cpio = Command::new("cpio");
    cpio.args(["--quiet", "-o", "-H", "newc"]).current_dir(objects::folder());
    let mut cpio = cpio.stdin(Stdio::piped()).stdout(File::create(&archive)?).spawn()?;
    let mut names = cpio.stdin.take().expect("it is piped");
    writeln!(names, "objects")?;
    for object in objects {
        writeln!(names, "objects/{}", object.file_name().unwrap_or_default().to_string_lossy())?;
    }
    drop(names);
    if cpio.wait()?.success() { Ok(archive) } else { Err(io::Error::other("cpio failed")) }
}
