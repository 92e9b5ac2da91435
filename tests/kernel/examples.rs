//! The examples on the kernels of the matrix, which gives each guest the executables. On the running kernel `examples`,
//! the test target, runs them.

use std::process::Command;

use skelgen_tests::{examples, matrix};

/// Where the matrix puts it.
fn example(name: &str) -> Command {
    Command::new(format!("/matrix/{name}"))
}

#[test]
fn the_examples_run() {
    if matrix().is_none() {
        return;
    }
    examples::counters(&mut example("counters"));
    examples::histogram(&mut example("histogram"));
    examples::daemon(&mut example("daemon"));
}
