//! The runtime beside libbpf, where libbpf can be built: builds `differential`, static, and runs it here and on other
//! kernels; and tests the runtime's feature `libbpf-rs`.
//!
//! Nothing else of the workspace needs libbpf. So what does is left out by features, and built by a cargo of its own; on a
//! machine without libelf and zlib nothing is built, and nothing fetched.

use std::path::Path;
use std::process::Stdio;

use skelgen_tests::cells::{self, Cells, say};
use skelgen_tests::not_run::{may_take_minutes, not_run};
use skelgen_tests::privilege::can_load;
use skelgen_tests::static_build::{static_cargo, static_executable};
use skelgen_tests::{Part, static_libs};

/// Where the tests put what they build.
fn scratch() -> &'static Path {
    skelgen_tests::scratch::scratch(env!("CARGO_TARGET_TMPDIR"))
}

/// Where `BPF_F_CPU` and `BPF_F_ALL_CPUS` are not, and where they are.
const CELLS: [&str; 2] = ["6.1:2", "7.3:2,3"];

#[test]
fn what_one_writes_the_other_reads() {
    let flags = match libbpf() {
        Ok(flags) => flags,
        Err(why) => return not_run(Part::Libbpf, why),
    };
    let cells = Cells::wanted(&CELLS);
    if cells.are_usual() && !may_take_minutes(Part::Libbpf) {
        return;
    }
    // With the profile of what `matrix` boots: emulated processors run this, too.
    let build = ["test", "-p", "skelgen-tests", "--features", "libbpf", "--test", "differential", "--no-run"];
    let differential = static_executable(&[&build[..], &["--profile", "guest"]].concat(), flags, scratch());

    say("\n");
    match can_load() {
        Ok(()) => cells::run_here(&differential),
        Err(why) => not_run(Part::Live, why),
    }
    match cells.can_run() {
        Ok(()) => cells.run(&differential, &[], &scratch().join("libbpf-logs")),
        Err(why) => not_run(Part::Qemu, why),
    }
}

#[test]
fn the_feature_of_the_runtime_is_as_documented() {
    let flags = match libbpf() {
        Ok(flags) => flags,
        Err(why) => return not_run(Part::Libbpf, why),
    };
    if !may_take_minutes(Part::Libbpf) {
        return;
    }
    // The module's own tests, and the example in its documentation.
    for kind in ["--lib", "--doc"] {
        let features = "libbpf-rs,libbpf-rs/static";
        let test = ["test", "-p", "skelgen-runtime", kind, "--profile", "guest", "--features", features, "interop"];
        let output = static_cargo(&test, flags, scratch()).stdin(Stdio::null()).output().unwrap();
        let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        assert!(output.status.success() && out.contains("test result: ok. 1 passed"), "{kind}: {out}{err}");
    }
}

/// rustc's flags with which libbpf is linked, static; or what this machine lacks.
fn libbpf() -> Result<&'static str, &'static String> {
    static_libs::libelf_and_zlib(scratch())
}
