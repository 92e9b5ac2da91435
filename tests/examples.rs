//! The examples on the running kernel, started as their users start them. `kernel` looks at them on the others.

use std::process::Command;

use skelgen_tests::static_build::cargo;
use skelgen_tests::{examples, may_load};

/// `cargo run --example NAME --`, with nothing fetched.
fn example(name: &str) -> Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--offline", "-p", "skelgen-examples", "--example", name, "--"]);
    command
}

#[test]
fn counters_shows_each_cpus_value() {
    if may_load() {
        examples::counters(&mut example("counters"));
    }
}

#[test]
fn histogram_adds_up() {
    if may_load() {
        examples::histogram(&mut example("histogram"));
    }
}

#[test]
fn daemon_reports_and_is_told_what() {
    if may_load() {
        examples::daemon(&mut example("daemon"));
    }
}
