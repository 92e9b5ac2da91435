//! Runs the programs and adds up what they cost.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{self, Built};

/// What is needed to measure.
pub struct Tools {
    pub spawn: PathBuf,
    /// Kibibytes of peak memory that even a program that does nothing is said to have.
    pub floor_kib: u64,
}

/// What loading cost.
pub struct Cost {
    /// Each in a fresh process.
    pub first: Vec<Sample>,
    /// Nanoseconds of each of several loads in one process, or why there are none.
    pub again: Result<Vec<u64>, String>,
    /// The system calls of one run, or why they were not counted.
    pub calls: Result<Calls, String>,
}

/// A process that loads once.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Nanoseconds of the load, as the process took them.
    pub load_ns: u64,
    /// Nanoseconds from fork to wait.
    pub process_ns: u64,
    /// Microseconds of CPU, user and system.
    pub cpu_us: u64,
    /// Peak resident memory.
    pub peak_kib: u64,
}

/// Numbers of system calls, `execve` included.
pub struct Calls {
    pub bpf: u64,
    pub all: u64,
}

impl Tools {
    pub fn find() -> Result<Self, String> {
        let spawn = build::cargo("spawn", Path::new(""), true)?;
        let floor_kib = spawn_report(&spawn, &[])?.1.peak_kib;
        Ok(Tools { spawn, floor_kib })
    }
}

/// Measures the programs side by side: in each round, each runs once, in turn, so that what else the machine does falls
/// on all of them. The costs are in the order of the programs.
pub fn measure(programs: &[Option<&Built>], rounds: usize, again: usize, tools: &Tools) -> Vec<Result<Cost, String>> {
    // The first run is not counted: it brings the file into the page cache.
    let mut samples: Vec<Result<Vec<Sample>, String>> = programs
        .iter()
        .map(|program| match program {
            Some(built) => once(&built.program, tools).map(|_| Vec::with_capacity(rounds)),
            None => Err("not built".to_owned()),
        })
        .collect();
    for _ in 0..rounds {
        for (program, samples) in programs.iter().zip(&mut samples) {
            let (Some(built), Ok(taken)) = (program, samples.as_mut()) else { continue };
            match once(&built.program, tools) {
                Ok(sample) => taken.push(sample),
                Err(why) => *samples = Err(format!("{why}, after {} runs", taken.len())),
            }
        }
    }
    let costs = programs.iter().zip(samples).map(|(program, samples)| {
        let (Some(built), first) = (program, samples?) else { return Err("not built".to_owned()) };
        let program = &built.program;
        let again = spawn_report(&tools.spawn, &[path(program), "--time", &again.to_string()]).map(|(times, _)| times);
        Ok(Cost { first, again, calls: count_calls(program) })
    });
    costs.collect()
}

fn once(program: &Path, tools: &Tools) -> Result<Sample, String> {
    let (times, sample) = spawn_report(&tools.spawn, &[path(program)])?;
    let load_ns = *times.first().ok_or("it printed no time")?;
    Ok(Sample { load_ns, ..sample })
}

/// Runs a program under `spawn`: what times it printed, and what it cost.
fn spawn_report(spawn: &Path, args: &[&str]) -> Result<(Vec<u64>, Sample), String> {
    let output = build::check(Command::new(spawn).args(args).output(), "spawn")?;
    let (times, report) = read_report(&String::from_utf8_lossy(&output.stdout));
    match report[..] {
        [0, process_ns, cpu_us, peak_kib] => Ok((times, Sample { load_ns: 0, process_ns, cpu_us, peak_kib })),
        [_, ..] => Err(failure(&String::from_utf8_lossy(&output.stderr))),
        [] => Err("spawn reported nothing".to_owned()),
    }
}

/// The times that a program printed, and the numbers of `spawn`'s line after them.
pub fn read_report(stdout: &str) -> (Vec<u64>, Vec<u64>) {
    let (mut times, mut report) = (Vec::new(), Vec::new());
    for line in stdout.lines() {
        match line.strip_prefix("spawn ") {
            Some(numbers) => report = numbers.split(' ').filter_map(|number| number.parse().ok()).collect(),
            None => times.extend(line.parse::<u64>()),
        }
    }
    (times, report)
}

/// What a program that failed says of it: the error's name, and the first line of its words.
fn failure(stderr: &str) -> String {
    let errno = stderr.lines().find_map(|line| line.strip_prefix("errno ")?.parse().ok());
    let words = stderr.lines().find(|line| !line.starts_with("errno ")).unwrap_or("no more is said");
    match errno {
        Some(errno) => format!("fails: {} ({words})", errno_name(errno)),
        None => format!("fails ({words})"),
    }
}

/// The name of an error that loading can give.
fn errno_name(errno: i32) -> String {
    /// The kernel's own; libc does not have it.
    const ENOTSUPP: i32 = 524;
    let name = match errno {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::ESRCH => "ESRCH",
        libc::E2BIG => "E2BIG",
        libc::EBADF => "EBADF",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EFAULT => "EFAULT",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::EINVAL => "EINVAL",
        libc::ENOSPC => "ENOSPC",
        libc::ERANGE => "ERANGE",
        libc::ENOSYS => "ENOSYS",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        ENOTSUPP => "ENOTSUPP",
        _ => return format!("errno {errno}"),
    };
    name.to_owned()
}

fn count_calls(program: &Path) -> Result<Calls, String> {
    let summary = program.with_extension("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-o"]).arg(&summary).arg(program);
    build::check(strace.output(), "strace")?;
    let text = std::fs::read_to_string(&summary).map_err(|error| format!("strace: {error}"))?;
    Ok(add_up(&text))
}

/// Reads strace's summary: `% time, seconds, usecs/call, calls, [errors,] syscall` under a heading and a rule.
fn add_up(summary: &str) -> Calls {
    let mut calls = Calls { bpf: 0, all: 0 };
    for line in summary.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [percent, _, _, count, .., name] = fields[..] else { continue };
        let (Ok(_), Ok(count)) = (percent.parse::<f64>(), count.parse::<u64>()) else { continue };
        match name {
            "total" => continue,
            "bpf" => calls.bpf += count,
            _ => {}
        }
        calls.all += count;
    }
    calls
}

fn path(program: &Path) -> &str {
    // Cargo's folders are UTF-8 or cargo itself does not work.
    program.to_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strace_summary() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 90.00    0.003000         600         5           bpf
 10.00    0.000100          10        12         3 openat
  0.00    0.000000           0         1           execve
------ ----------- ----------- --------- --------- ----------------
100.00    0.003100         172        18         3 total
";
        let calls = add_up(summary);
        assert_eq!((calls.bpf, calls.all), (5, 18));
        assert_eq!(add_up("").all, 0);
    }

    #[test]
    fn spawn_line() {
        assert_eq!(read_report("12\n34\nspawn 0 1 2 3\n"), (vec![12, 34], vec![0, 1, 2, 3]));
        assert_eq!(read_report(""), (vec![], vec![]));
    }

    #[test]
    fn failures() {
        assert_eq!(failure("cannot load\nerrno 22\n"), "fails: EINVAL (cannot load)");
        assert_eq!(failure("errno 12345\n"), "fails: errno 12345 (no more is said)");
        assert_eq!(failure(""), "fails (no more is said)");
    }
}
