//! What the measured programs in Rust share: `--time N` and how a failure is told.
//!
//! A measured program loads its object once, or N times, dropping what it loaded in between. For each load it prints
//! the nanoseconds it took. At a failure it prints the reason and `errno N` to standard error and exits with 1.
//! `bpftool/main.c` does the same.

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Times one load: from the first thing a user would have to do, to all programs loaded.
pub struct Lap {
    start: Instant,
    took: Duration,
}

impl Lap {
    /// The load begins.
    pub fn start(&mut self) {
        self.start = Instant::now();
    }

    /// The load is done; what was loaded is still there.
    pub fn stop(&mut self) {
        self.took = self.start.elapsed();
    }
}

/// Carries out what the command line asks for.
pub fn main(load: impl Fn(&mut Lap) -> Result<(), Box<dyn Error>>) -> ExitCode {
    let mut args = std::env::args().skip(1);
    let times = match (args.next().as_deref(), args.next().map(|times| times.parse())) {
        (None, _) => 1,
        (Some("--time"), Some(Ok(times))) => times,
        _ => {
            eprintln!("usage: [--time N]");
            return ExitCode::from(2);
        }
    };
    for _ in 0..times {
        let mut lap = Lap { start: Instant::now(), took: Duration::ZERO };
        if let Err(error) = load(&mut lap) {
            tell(&*error);
            return ExitCode::FAILURE;
        }
        println!("{}", lap.took.as_nanos());
    }
    ExitCode::SUCCESS
}

/// The reasons, from the outside in, and the innermost error number that one of them has or at least mentions.
fn tell(error: &(dyn Error + 'static)) {
    let mut errno = None;
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        eprintln!("{words}");
        let number = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
        errno = number.or_else(|| mentioned(&words)).or(errno);
        next = error.source();
    }
    if let Some(errno) = errno {
        eprintln!("errno {errno}");
    }
}

/// libbpf-rs keeps its `io::Error` to itself, which prints as `... (os error 22)`.
fn mentioned(words: &str) -> Option<i32> {
    words.rsplit_once("(os error ")?.1.split_once(')')?.0.parse().ok()
}
