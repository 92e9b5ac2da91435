//! Whether an attached program runs, seen by a counter of its own.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for a guest whose CPUs wait for others; only a failure takes it.
const PATIENCE: Duration = Duration::from_secs(10);

/// `act` makes `count` grow.
pub(crate) fn runs(program: &str, count: impl Fn() -> u64, act: impl Fn()) {
    let before = count();
    let until = Instant::now() + PATIENCE;
    loop {
        act();
        if count() > before {
            return;
        }
        assert!(Instant::now() < until, "{program} does not run");
        sleep(Duration::from_millis(1));
    }
}

/// `act` no longer makes `count` grow. Runs that began on other CPUs before the program was detached may still end.
pub(crate) fn stops(program: &str, count: impl Fn() -> u64, act: impl Fn()) {
    let until = Instant::now() + PATIENCE;
    loop {
        let before = count();
        for _ in 0..5 {
            act();
        }
        if count() == before {
            return;
        }
        assert!(Instant::now() < until, "{program} still runs");
        sleep(Duration::from_millis(1));
    }
}
