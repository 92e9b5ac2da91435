//! A daemon that reports each program that is run: what a longer-lived user of a skeleton looks like.
//!
//! ```text
//! cargo run --example daemon -- [--config FILE] [--duration SECONDS]
//! ```
//!
//! `daemon` owns the skeleton, its links and the thread that reads records; `config` is what can be changed while it
//! runs. Here are the signals: `SIGHUP` reads the configuration again, `SIGINT` and `SIGTERM` end it, once all records are
//! read.

mod config;
mod daemon;

use std::ffi::CStr;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use config::Config;
use daemon::{Daemon, Exec};

/// How often each CPU may send as many records again as the configuration says.
const REFILL: Duration = Duration::from_secs(1);

/// Reports the programs that are run.
#[derive(Parser)]
struct Args {
    /// Lines `uid = NUMBER` and `per_second = NUMBER`; SIGHUP reads it again.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = u32::MAX, hide_default_value = true)]
    duration: u32,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("daemon: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    // Before all else: a signal that comes too early would end the process.
    let signals = signals()?;
    let mut config = Config::read(args.config.as_deref())?;
    let daemon = Daemon::start(&config, report)?;
    eprintln!("daemon: started");

    let end = Instant::now() + Duration::from_secs(args.duration.into());
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        match signals.recv_timeout(REFILL.min(left)) {
            Ok(SIGHUP) => match Config::read(args.config.as_deref()) {
                Ok(new) => {
                    config = new;
                    daemon.configure(&config)?;
                    eprintln!("daemon: {config:?}");
                }
                Err(error) => eprintln!("daemon: goes on as before: {error}"),
            },
            Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if daemon.has_failed() => break,
            Err(RecvTimeoutError::Timeout) => daemon.refill(&config)?,
        }
    }

    let counts = daemon.stop()?;
    eprintln!("daemon: {counts}");
    Ok(())
}

/// A line for each program that is run.
fn report(exec: &Exec) {
    let Exec { pid, parent, uid, cpu, comm, .. } = exec;
    let comm = CStr::from_bytes_until_nul(comm).unwrap_or_default().to_string_lossy();
    println!("{comm}: pid {pid}, of {parent}, by user {uid}, on CPU {cpu}");
}

/// Signals, to be waited for with a time limit.
fn signals() -> io::Result<Receiver<i32>> {
    let (send, receive) = mpsc::channel();
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || signals.forever().try_for_each(|signal| send.send(signal)));
    Ok(receive)
}
