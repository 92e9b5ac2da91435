//! A test alone in its process.

use std::process::Command;
use std::{env, thread};

/// Says, to the process started, which test it is for.
const VARIABLE: &str = "SKELGEN_OWN_PROCESS";

/// Runs `f`, the whole of the calling test, in a process where no other test runs: this test binary again, with this
/// test alone. For tests that count what their process has, such as descriptors.
///
/// # Panics
///
/// `f` does, in that process; its words are the message.
pub fn in_own_process(f: impl FnOnce()) {
    let thread = thread::current();
    let test = thread.name().expect("libtest names a test's thread");
    if env::var(VARIABLE).is_ok_and(|own| own == test) {
        return f();
    }
    let binary = env::current_exe().expect("/proc is mounted");
    let mut command = Command::new(binary);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(VARIABLE, test);
    let output = command.output().expect("this binary can be started");
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success() && out.contains("1 passed"), "{test}, in a process of its own:\n{out}{err}");
}
