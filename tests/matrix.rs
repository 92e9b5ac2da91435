//! The kernel tests on every kernel and CPU count of the matrix, from one static binary that is built once.
//!
//! They take minutes: `SKELGEN_ALL=1` runs them, and `SKELGEN_CELLS="6.1:2 7.3:1,8"` these cells only. Kernels that are not in the cache are fetched only where
//! `SKELGEN_REQUIRE` has `qemu`: a plain `cargo test` stays off the network.

use std::path::Path;

use skelgen_tests::cells::{self, Cells, say};
use skelgen_tests::not_run::{may_take_minutes, not_run};
use skelgen_tests::privilege::can_load;
use skelgen_tests::{Part, static_build};

/// Where the tests put what they build.
fn scratch() -> &'static Path {
    skelgen_tests::scratch::scratch(env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn the_kernel_tests_pass_in_every_cell() {
    let cells = Cells::wanted(&[]);
    if cells.are_usual() && !may_take_minutes(Part::Qemu) {
        return;
    }
    if let Err(why) = cells.can_run() {
        return not_run(Part::Qemu, why);
    }
    let scratch = scratch();
    let test = ["test", "-p", "skelgen-tests", "--test", "kernel", "--no-run", "--profile", "guest"];
    let kernel = static_build::static_executable(&test, "", scratch);
    // All by one cargo, so that what they depend on is built once.
    let mut build = vec!["build", "-p", "cargo-skelgen", "-p", "skelgen-examples", "--profile", "guest"];
    build.extend(["--bin", "cargo-skelgen"]);
    build.extend(["counters", "daemon", "histogram"].iter().flat_map(|example| ["--example", example]));
    let files = static_build::static_executables(&build, "", scratch);
    assert_eq!(files.len(), 4, "{files:?}");

    say("\n");
    match can_load() {
        Ok(()) => cells::run_here(&kernel),
        Err(why) => not_run(Part::Live, why),
    }
    cells.run(&kernel, &files, &scratch.join("matrix-logs"));
}
