//! What the programs in `examples` say, wherever they run.
#![allow(unsafe_code, reason = "kill(2)")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::{env, fs, process, thread};

use skelgen_runtime::cpus;

/// Nobody's user number, and not that of who runs the tests.
const OTHER: u32 = 4_000_000;

/// `counters`: a row for each CPU, with what was counted there.
///
/// # Panics
///
/// It is not so.
pub fn counters(command: &mut Command) {
    let out = succeeds(&command.output().expect("it was built"));
    let rows: Vec<Vec<u64>> = out.lines().skip(1).map(numbers).collect();
    let cpus = cpus::possible().expect("this machine has CPUs");
    let online: Vec<_> = rows.iter().filter(|row| cpus.iter().any(|cpu| row.first() == Some(&cpu.into()))).collect();
    assert!(online.len() >= cpus.count(), "{out}");
    // 100 from the start, and ten times the CPU's number, counted from 1, where it is there.
    let there = online.iter().take(cpus.count()).filter(|row| row[1] >= 100 + (row[0] + 1) * 10).count();
    assert!(there >= 1, "{out}");
    let sum: u64 = online.iter().take(cpus.count()).map(|row| row[1]).sum();
    assert!(out.contains(&format!("{sum} hits on all CPUs")), "{out}");
    // Where only `bump` ran, the initial value stays, which the program explains.
    assert!(out.contains("\n`bump` added hits on each CPU; last_pid stays -1 "), "{out}");
}

/// `histogram`: each picture's rows are as many calls as it says.
///
/// # Panics
///
/// It is not so.
pub fn histogram(command: &mut Command) {
    let out = succeeds(&command.args(["--duration", "2"]).output().expect("it was built"));
    assert!(!out.contains('\x1b'), "a pipe gets no escapes: {out}");
    let pictures: Vec<&str> = out.split_terminator("\n\n").collect();
    let mut before = 0;
    for picture in &pictures {
        let (rows, end) = picture.rsplit_once('\n').expect("rows, and the sum");
        assert!(rows.trim_start().starts_with("from "), "{picture}");
        let calls =
            |row: &str| -> u64 { row.split_whitespace().nth(3).and_then(|n| n.parse().ok()).expect("a number") };
        let sum: u64 = rows.lines().skip(1).map(calls).sum();
        assert!(sum > before && end.starts_with(&format!("{sum} calls, ")), "{picture}");
        assert!(rows.lines().skip(1).any(|row| row.ends_with(&"█".repeat(40))), "{picture}");
        // Each bar is as long as its calls, to the next eighth of a character.
        let most = rows.lines().skip(1).map(calls).max().unwrap_or(1);
        for row in rows.lines().skip(1) {
            assert_eq!(eighths(row), (calls(row) * 8 * 40).div_ceil(most), "{picture}");
        }
        before = sum;
    }
    assert!(pictures.len() >= 2, "{out}");
}

/// How long a row's bar is: of `█` each counts eight, of those for less the first one is an eighth.
fn eighths(row: &str) -> u64 {
    let of = |c: char| match c {
        '█' => 8,
        '▉'..='▏' => 8 - (u64::from(c) - u64::from('█')),
        _ => 0,
    };
    row.chars().map(of).sum()
}

/// `daemon`: reports a program that is run, takes another configuration while it runs, and ends with its counts.
///
/// # Panics
///
/// It is not so.
pub fn daemon(command: &mut Command) {
    let config = env::temp_dir().join(format!("skelgen-daemon-{}", process::id()));
    fs::write(&config, "# all, and enough of them\nper_second = 100000\n").expect("there is a folder for it");
    let mut daemon = Daemon::start(command.arg("--config").arg(&config));
    daemon.says("daemon: started");

    let child = run_something();
    let line = daemon.reported.iter().find(|line| line.contains(&format!("pid {child},"))).expect("it is reported");
    assert!(line.contains(&format!(" of {},", process::id())) && line.contains(", on CPU "), "{line}");

    fs::write(&config, format!("uid = {OTHER}\nper_second = 100000\n")).expect("it is there");
    daemon.signal(libc::SIGHUP);
    daemon.says(&format!("daemon: Config {{ uid: Some({OTHER}), per_second: 100000 }}"));
    let unseen = run_something();

    fs::write(&config, "uid = everybody\n").expect("it is there");
    daemon.signal(libc::SIGHUP);
    daemon.says("daemon: goes on as before: ");

    daemon.signal(libc::SIGTERM);
    let counts = numbers(&daemon.says("daemon: "));
    let reported: Vec<String> = daemon.reported.iter().collect();
    assert!(!reported.iter().any(|line| line.contains(&format!("pid {unseen},"))), "{reported:?}");
    let [seen, sent, over_limit, lost] = counts[..] else { panic!("{counts:?}") };
    assert!(seen > sent && sent >= 1 && (over_limit, lost) == (0, 0), "{counts:?}");
    assert!(daemon.child.wait().expect("it was started").success());
    let _ = fs::remove_file(config);
}

/// The daemon while it runs.
struct Daemon {
    child: Child,
    /// Lines of standard output.
    reported: Receiver<String>,
    /// Lines of standard error.
    said: Receiver<String>,
}

impl Daemon {
    fn start(command: &mut Command) -> Daemon {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it was built");
        let reported = lines(child.stdout.take().expect("it is piped"));
        let said = lines(child.stderr.take().expect("it is piped"));
        Daemon { child, reported, said }
    }

    /// The next line of standard error, which begins so.
    fn says(&self, start: &str) -> String {
        let line = self.said.recv().expect("it still runs");
        assert!(line.starts_with(start), "{line}");
        line
    }

    fn signal(&self, signal: i32) {
        let pid = self.child.id().try_into().expect("a process's number is small");
        // SAFETY: it has no memory.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Lines as they come, to be waited for.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    receive
}

/// Runs this very program as another process, and gives its number.
fn run_something() -> u32 {
    let mut command = Command::new("/proc/self/exe");
    let mut child = command.arg("--list").stdout(Stdio::null()).spawn().expect("/proc is mounted");
    let _ = child.wait();
    child.id()
}

fn succeeds(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{}: {out}{err}", output.status);
    out
}

/// All numbers in a line.
fn numbers(line: &str) -> Vec<u64> {
    line.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
