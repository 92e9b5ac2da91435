//! The runtime beside libbpf, where libbpf can be built: builds `differential`, static, and runs it here and on other
//! kernels; and tests the runtime's feature `libbpf-rs`.
//!
//! Nothing else of the workspace needs libbpf. So what does is left out by features, and built by a cargo of its own; on a
//! machine without libelf and zlib nothing is built, and nothing fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use skelgen_tests::Part;
use skelgen_tests::cells::{self, Cells, have, say};
use skelgen_tests::not_run::not_run;
use skelgen_tests::privilege::can_load;
use skelgen_tests::static_build::{TARGET, cargo, static_cargo, static_executable};

/// Where cargo has test targets put what they make.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// Where `BPF_F_CPU` and `BPF_F_ALL_CPUS` are not, and where they are.
const CELLS: [&str; 2] = ["6.1:2", "7.3:2,3"];

/// Commands that libbpf is built with, and the Debian packages that have them.
const TOOLS: [(&str, &str); 3] = [("cc", "gcc"), ("make", "make"), ("pkg-config", "pkg-config")];

#[test]
fn what_one_writes_the_other_reads() {
    let flags = match libbpf() {
        Ok(flags) => flags,
        Err(why) => return not_run(Part::Libbpf, why),
    };
    let build = ["test", "-p", "skelgen-tests", "--features", "libbpf", "--test", "differential", "--no-run"];
    let differential = static_executable(&build, flags, Path::new(SCRATCH));

    say("\n");
    match can_load() {
        Ok(()) => cells::run_here(&differential),
        Err(why) => not_run(Part::Live, why),
    }
    let cells = Cells::wanted(&CELLS);
    match cells.can_run() {
        Ok(()) => cells.run(&differential, None, &Path::new(SCRATCH).join("libbpf-logs")),
        Err(why) => not_run(Part::Qemu, why),
    }
}

#[test]
fn the_feature_of_the_runtime_is_as_documented() {
    let flags = match libbpf() {
        Ok(flags) => flags,
        Err(why) => return not_run(Part::Libbpf, why),
    };
    // The module's own tests, and the example in its documentation.
    for kind in ["--lib", "--doc"] {
        let test = ["test", "-p", "skelgen-runtime", kind, "--features", "libbpf-rs,libbpf-rs/static", "interop"];
        let output = static_cargo(&test, flags, Path::new(SCRATCH)).stdin(Stdio::null()).output().unwrap();
        let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        assert!(output.status.success() && out.contains("test result: ok. 1 passed"), "{kind}: {out}{err}");
    }
}

/// rustc's flags with which libbpf is linked, static; or what this machine lacks.
fn libbpf() -> Result<&'static str, &'static String> {
    static LIBBPF: OnceLock<Result<String, String>> = OnceLock::new();
    LIBBPF.get_or_init(find_libbpf).as_ref().map(String::as_str)
}

fn find_libbpf() -> Result<String, String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err("the static binaries are for x86_64".into());
    }
    have(&TOOLS)?;
    // What libelf itself needs differs by release: newer ones decompress with zstd.
    let needed = output(Command::new("pkg-config").args(["--static", "--libs-only-l", "libelf", "zlib"]));
    let needed = needed.map_err(|why| format!("there is no libelf or no zlib: {INSTALL} ({why})"))?;
    links(&needed).map_err(|why| format!("libelf and zlib cannot be linked, static: {INSTALL} ({why})"))?;
    // The crates are in the lock file, and perhaps nowhere else: without the feature, cargo does not fetch them.
    let mut fetch = cargo();
    fetch.args(["fetch", "--locked", "--quiet", "--target", TARGET]);
    output(&mut fetch).map_err(|why| format!("cargo cannot fetch: {why}"))?;

    let folders = ["libelf.a", "libz.a"].map(|archive| format!("-L native={}", folder(archive).display()));
    let others = needed.split_whitespace().filter(|flag| !["-lelf", "-lz"].contains(flag));
    let others = others.map(|flag| format!("-C link-arg={flag}"));
    Ok(folders.into_iter().chain(others).collect::<Vec<_>>().join(" "))
}

const INSTALL: &str = "apt-get install libelf-dev zlib1g-dev";

/// Nothing if a static program with libelf and zlib can be made: headers and archives are there.
fn links(needed: &str) -> Result<(), String> {
    const PROGRAM: &str = "#include <libelf.h>\n\
                           #include <zlib.h>\n\
                           int main(void) { return elf_version(EV_CURRENT) == EV_NONE || !zlibVersion(); }\n";
    let source = Path::new(SCRATCH).join("libelf_and_zlib.c");
    fs::write(&source, PROGRAM).map_err(|error| error.to_string())?;
    let program = source.with_extension("");
    let mut cc = Command::new("cc");
    cc.arg("-static").arg("-o").arg(&program).arg(&source).args(needed.split_whitespace());
    output(&mut cc)?;
    output(&mut Command::new(program)).map(drop)
}

/// Where the C compiler finds a library.
fn folder(archive: &str) -> PathBuf {
    let path = output(Command::new("cc").arg(format!("-print-file-name={archive}"))).unwrap_or_default();
    let path = fs::canonicalize(path.trim()).unwrap_or_default();
    path.parent().unwrap_or(Path::new("/usr/lib")).to_path_buf()
}

/// What a command says if it succeeds; else the first line of its complaint.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing").to_owned())
}
