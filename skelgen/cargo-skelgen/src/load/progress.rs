//! The progress line on a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::ui::plain;
use crate::ui::style::GOOD;

/// Shorter waits show no progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// Longer names are cut, so that the line fits the terminal.
const NAME_LEN: usize = 50;

/// A line at the bottom of the terminal: `Loading [3/10] counters.bpf.o`. It appears after a second, and disappears before other
/// output. If standard error is not a terminal, there is no such line.
pub(super) struct Progress(Option<Running>);

struct Running {
    shared: Arc<Shared>,
    drawer: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The current line; none while other output is written.
    line: Option<String>,
    drawn: bool,
    ended: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if dumb || !io::stderr().is_terminal() {
            return Progress(None);
        }
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let for_drawer = Arc::clone(&shared);
        // If the thread cannot be started, there is no progress line.
        let drawer = thread::Builder::new().spawn(move || for_drawer.draw()).ok();
        Progress(Some(Running { shared, drawer }))
    }

    /// Begins `name`, number `index` of `total`, from 0.
    pub(super) fn begin(&self, index: usize, total: usize, name: &str) {
        let Some(Running { shared, .. }) = &self.0 else { return };
        let name: String = plain(name).chars().take(NAME_LEN).collect();
        let place = if total > 1 { format!("[{}/{total}] ", index + 1) } else { String::new() };
        shared.lock().line = Some(format!("{GOOD}Loading{GOOD:#} {place}{name}"));
        shared.changed.notify_one();
    }

    /// Removes the line until the next object begins.
    pub(super) fn clear(&self) {
        if let Some(Running { shared, .. }) = &self.0 {
            shared.lock().clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Some(Running { shared, drawer }) = &mut self.0 else { return };
        let mut state = shared.lock();
        state.clear();
        state.ended = true;
        drop(state);
        shared.changed.notify_one();
        if let Some(drawer) = drawer.take() {
            let _ = drawer.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: waits for a second, then draws each line that comes.
    fn draw(&self) {
        let start = Instant::now();
        let mut state = self.lock();
        while !state.ended {
            let rest = PATIENCE.saturating_sub(start.elapsed());
            if rest.is_zero() {
                state.show();
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                state = self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

impl State {
    fn show(&mut self) {
        if let Some(line) = &self.line {
            let _ = write!(crate::ui::err(), "\r{line}");
            // Erase the rest of an older line; this works on a terminal even with colours off.
            let _ = io::stderr().write_all(b"\x1b[K");
            self.drawn = true;
        }
    }

    fn clear(&mut self) {
        self.line = None;
        if std::mem::take(&mut self.drawn) {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}
