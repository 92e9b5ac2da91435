//! One kernel with one number of CPUs, in which all programs run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use peer_percpu::last_cpu;

use crate::build;

/// Who operates: the ends of the programs' names.
pub const PEERS: [&str; 3] = ["skelgen", "libbpf-rs", "aya"];

/// What is run.
pub struct Programs {
    turns: PathBuf,
    /// Those that could be built.
    peers: Vec<PathBuf>,
    /// Why the others could not.
    pub not_built: BTreeMap<String, String>,
}

/// Where it is run.
#[derive(Clone, PartialEq, Eq)]
pub enum Machine {
    /// This one, and how often each program has its turn.
    Native { rounds: usize },
    /// A guest with a kernel of this series.
    Guest { series: String, cpus: usize },
}

pub struct Cell {
    pub machine: Machine,
    pub version: (u32, u32),
    pub cpus: usize,
    /// What came of it, or why nothing.
    pub outcome: Result<Outcome, String>,
}

/// A peer's operation: its name, the type of map, the value's size, the operation.
pub type Key = (String, String, usize, String);

#[derive(Default)]
pub struct Outcome {
    /// Commands on elements, and the bytes they copied.
    pub copied: BTreeMap<Key, (u64, u64)>,
    /// Nanoseconds; of a guest, instructions.
    pub times: BTreeMap<Key, u64>,
    /// Peers that could not do it.
    pub failed: BTreeMap<String, String>,
}

impl Programs {
    pub fn build() -> Result<Programs, String> {
        const PACKAGE: [&str; 2] = ["--package", "peer-percpu"];
        let turns = build::cargo_with("percpu-turns", &PACKAGE, &[], true)?;
        let (mut peers, mut not_built) = (Vec::new(), BTreeMap::new());
        for peer in PEERS {
            eprintln!("building {peer}");
            let build = |vars: &[(&str, &OsStr)]| {
                let args = [&PACKAGE[..], &["--features", peer]].concat();
                build::cargo_with(&format!("percpu-{peer}"), &args, vars, true)
            };
            let built = match peer {
                "libbpf-rs" => static_libraries().and_then(|folder| build(&[("LIBBPF_SYS_LIBRARY_PATH", &folder)])),
                _ => build(&[]),
            };
            match built {
                Ok(program) => peers.push(program),
                Err(why) => drop(not_built.insert(peer.to_owned(), why)),
            }
        }
        Ok(Programs { turns, peers, not_built })
    }
}

/// Where the libraries are that libbpf needs.
fn static_libraries() -> Result<std::ffi::OsString, String> {
    let mut folder = PathBuf::new();
    for (library, package) in [("libz.a", "zlib1g-dev"), ("libelf.a", "libelf-dev")] {
        let mut cc = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        let found = build::check(cc.arg(format!("-print-file-name={library}")).output(), "the C compiler")?;
        // It is the bare name of what is not there.
        let path = fs::canonicalize(String::from_utf8_lossy(&found.stdout).trim());
        let path = path.map_err(|_| format!("{library} is not installed (Debian package {package})"))?;
        folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    }
    Ok(folder.into())
}

/// Runs the programs on `machine`.
pub fn run(machine: Machine, programs: &Programs) -> Cell {
    let (version, cpus) = match &machine {
        Machine::Native { .. } => (running_version(), last_cpu().map_or(1, |last| last + 1)),
        Machine::Guest { series, cpus } => (version(series), *cpus),
    };
    let mut command = match &machine {
        Machine::Native { rounds } => native(programs, *rounds),
        Machine::Guest { series, cpus } => guest(programs, series, *cpus),
    };
    // Both say themselves who says it.
    let output = build::check(command.output(), "turns").map_err(|why| why.trim_start_matches("turns: ").to_owned());
    let outcome = output.and_then(|output| read(&String::from_utf8_lossy(&output.stdout)));
    Cell { machine, version, cpus, outcome }
}

/// Samples of each operation, and how many of it are in one. Most samples have no timer's interrupt in them.
const SAMPLES: [&str; 2] = ["15", "20"];

fn native(programs: &Programs, rounds: usize) -> Command {
    let mut command = Command::new(&programs.turns);
    command.arg(rounds.to_string()).args(SAMPLES).args(&programs.peers);
    command
}

/// In the guest a nanosecond is an instruction, whatever else this machine does, so that one round will do.
///
/// It has a CPU without fast string instructions: QEMU would count one for each byte that they copy, which would make
/// copying look dear.
fn guest(programs: &Programs, series: &str, cpus: usize) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../matrix/boot"));
    command.args(["--kernel", series, "--cpus", &cpus.to_string(), "--timeout", "600"]);
    for arg in ["-cpu", "max,-erms,-fsrm", "-icount", "shift=0,sleep=off"] {
        command.args(["--qemu", arg]);
    }
    for program in &programs.peers {
        command.arg("--file").arg(program);
    }
    command.arg("--").arg(&programs.turns).arg("1").args(SAMPLES);
    let name = |program: &PathBuf| Path::new("/matrix").join(program.file_name().unwrap_or_default());
    command.args(programs.peers.iter().map(name));
    command
}

/// Reads what `percpu-turns` prints.
fn read(stdout: &str) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for line in stdout.lines() {
        let wrong = || format!("percpu-turns said: {line}");
        let (kind, rest) = line.split_once(' ').ok_or_else(wrong)?;
        let (program, rest) = rest.split_once(' ').ok_or_else(wrong)?;
        let peer = program.strip_prefix("percpu-").ok_or_else(wrong)?.to_owned();
        if kind == "failed" {
            outcome.failed.insert(peer, rest.to_owned());
            continue;
        }
        let words: Vec<&str> = rest.split(' ').collect();
        let [map, size, operation, numbers @ ..] = &words[..] else { return Err(wrong()) };
        let key = (peer, (*map).to_owned(), size.parse().map_err(|_| wrong())?, (*operation).to_owned());
        let numbers: Vec<u64> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
        match (kind, &numbers[..]) {
            ("copied", &[commands, bytes]) => drop(outcome.copied.insert(key, (commands, bytes))),
            ("time", &[ns]) => drop(outcome.times.insert(key, ns)),
            _ => return Err(wrong()),
        }
    }
    Ok(outcome)
}

fn running_version() -> (u32, u32) {
    version(&fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default())
}

/// The first two numbers of a release or series.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_prints() {
        let outcome = read(
            "copied percpu-aya percpu_hash 64 set 2 256\ntime percpu-aya percpu_hash 64 set 1834\n\
             failed percpu-libbpf-rs no element: at all\n",
        )
        .unwrap();
        let key = ("aya".to_owned(), "percpu_hash".to_owned(), 64, "set".to_owned());
        assert_eq!((outcome.copied[&key], outcome.times[&key]), ((2, 256), 1834));
        assert_eq!(outcome.failed["libbpf-rs"], "no element: at all");
        assert_eq!(read("time percpu-aya x").err().as_deref(), Some("percpu-turns said: time percpu-aya x"));
    }

    #[test]
    fn versions() {
        assert_eq!((version("6.18.44-x"), version("7.3")), ((6, 18), (7, 3)));
    }
}
