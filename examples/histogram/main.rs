//! How long system calls take: a histogram in powers of two, drawn anew each second.
//!
//! ```text
//! cargo run --example histogram -- [--pid PID] [--duration SECONDS]
//! ```
//!
//! Each CPU counts in `.percpu` variables of its own; here they are read with one command and added up. On a terminal the
//! picture stays in its place, on a pipe each second's follows the last. It ends with Ctrl-C, or after the duration.

mod picture;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, thread};

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use skelgen_runtime::Skeleton;

use latency::LoadedLatency;
use picture::Picture;

/// How often the picture is drawn.
const TICK: Duration = Duration::from_secs(1);

/// How long system calls take, in each CPU's own counters.
#[derive(Skeleton)]
#[skeleton(object = "histogram/latency.bpf.o")]
struct Latency;

/// Shows how long system calls take.
#[derive(Parser)]
struct Args {
    /// Look at this process only.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pid: u32,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = u32::MAX, hide_default_value = true)]
    duration: u32,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("histogram: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    let stop = stop_signal()?;
    let mut open = Latency::open()?;
    open.rodata.target_pid = args.pid;
    let skel = open.load()?;
    let _links = skel.attach()?;

    let end = Instant::now() + Duration::from_secs(args.duration.into());
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let stopped = stop.recv_timeout(TICK.min(left)) != Err(RecvTimeoutError::Timeout);
        show(&totals(&skel)?)?;
        if stopped || left <= TICK {
            return Ok(());
        }
    }
}

/// The sums of all CPUs' counters, which a single command reads.
fn totals(skel: &LoadedLatency) -> skelgen_runtime::Result<Picture> {
    let mut picture = Picture::default();
    for (_, cpu) in skel.percpu.iter()? {
        picture.add(&cpu.slots, cpu.total_ns);
    }
    Ok(picture)
}

/// Says when the user wants an end, at once: a sleep of a second would have to be slept first.
fn stop_signal() -> io::Result<Receiver<()>> {
    let (stop, stopped) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || signals.forever().try_for_each(|_| stop.send(())));
    Ok(stopped)
}

/// On a terminal, draws over the last picture, in colour unless NO_COLOR is set. Elsewhere, draws below it.
fn show(picture: &Picture) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // To the screen's first line, and away with what is below.
    let home = if out.is_terminal() { "\x1b[H\x1b[J" } else { "" };
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if out.is_terminal() && !no_color {
        writeln!(out, "{home}{picture:#}\n")?;
    } else {
        writeln!(out, "{home}{picture}\n")?;
    }
    out.flush()
}
