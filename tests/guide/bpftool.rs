//! The table of `moving` that has bpftool's light skeletons: its command is run, and the rest is in a program in C.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use skelgen_tests::cells::cache;
use skelgen_tests::markdown::{code, guide, packed, rows, section};
use skelgen_tests::packages::{path_from, run};
use skelgen_tests::scratch::scratch;
use skelgen_tests::{Part, not_installed, not_run};

const PROGRAM: &str = include_str!("moving.c");
const TESTS: &str = env!("CARGO_MANIFEST_DIR");

/// The column's code, the command first.
fn column() -> Vec<String> {
    let (_, text) = guide().into_iter().find(|(chapter, _)| chapter == "moving").unwrap();
    let rows = rows(section(&text, "# From bpf2go, and from bpftool's light skeletons"));
    rows.flat_map(|row| code(row[1]).map(ToOwned::to_owned).collect::<Vec<_>>()).collect()
}

/// Makes the skeleton of an object by the command; whether bpftool can.
fn generate(folder: &Path, object: &str, command: &str) -> bool {
    fs::copy(Path::new(TESTS).join(object), folder.join("counters.bpf.o")).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-ec", command]).current_dir(folder).env("PATH", path_from(&folder.join("tools")));
    shell.output().unwrap().status.success()
}

#[test]
fn what_it_names_is_compiled() {
    let column = column();
    let (command, rest) = column.split_first().unwrap();
    for code in rest {
        assert!(packed(PROGRAM).contains(&packed(code)), "the program has no `{code}`");
    }
    assert!(rest.len() >= 8, "{rest:?}");

    // That which the selftests' objects were made with, and its headers.
    let cache = cache("SKELGEN_SELFTESTS", "selftests");
    if !cache.join("versions").is_file() {
        return not_run(Part::Selftests, "there is no bpftool: tests/selftests/fetch");
    }
    let folder = scratch(env!("CARGO_TARGET_TMPDIR")).join("bpftool");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("tools")).unwrap();
    let bpftool = folder.join("tools/bpftool");
    let script = format!("#!/bin/bash\n. '{TESTS}/selftests/common.sh'\nrun_tool usr/sbin/bpftool \"$@\"\n");
    fs::write(&bpftool, script).unwrap();
    fs::set_permissions(&bpftool, fs::Permissions::from_mode(0o755)).unwrap();
    // Older ones do not know `.percpu`.
    let percpu = generate(&folder, "../fixtures/counters.bpf.o", command);
    if !percpu {
        assert!(generate(&folder, "peers/moving/src/counters.bpf.o", command), "{command}");
        not_installed("this bpftool does not know .percpu: two rows of the guide's table are not compiled");
    }
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Werror", "-c", "-o"]).arg(folder.join("moving.o")).arg(Path::new(TESTS).join("guide/moving.c"));
    cc.args(percpu.then_some("-DPERCPU")).arg("-I").arg(&folder);
    // Headers of the system, whose warnings are not ours.
    cc.arg("-isystem").arg(cache.join("include/bpf")).arg("-isystem").arg(cache.join("include"));
    run(cc.arg("-isystem").arg(cache.join("source/uapi/usr/include")));
}
