//! Whether an attached program runs, seen by a counter of its own.
//!
//! Dropping a link closes its descriptor, and often this detaches the program before the drop returns. Not always: other
//! tests start processes, and between fork(2) and execve(2) such a process has copies of all descriptors of this one.
//! What must end with a link has to be waited for.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for a guest whose CPUs wait for others; only a failure takes it.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// `is_so` becomes true.
pub(crate) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "not yet: {what}");
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
