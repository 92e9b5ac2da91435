//! One program of each peer and object.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io};

/// Who loads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Skelgen,
    Bpftool,
    LibbpfRs,
    Aya,
}

impl Peer {
    pub const ALL: [Peer; 4] = [Peer::Skelgen, Peer::Bpftool, Peer::LibbpfRs, Peer::Aya];

    pub fn name(self) -> &'static str {
        match self {
            Peer::Skelgen => "skelgen",
            Peer::Bpftool => "bpftool -L",
            Peer::LibbpfRs => "libbpf-rs",
            Peer::Aya => "aya",
        }
    }
}

/// A peer's program.
pub struct Built {
    pub program: PathBuf,
    /// Bytes, stripped.
    pub size: u64,
    /// What it links to dynamically, or why that is not known.
    pub libraries: Result<Vec<String>, String>,
}

/// Makes the program with which `peer` loads `object`. The error is for the reader: what is missing or refused.
pub fn build(peer: Peer, object: &Path) -> Result<Built, String> {
    let name = object.file_name().unwrap_or_default();
    let folder = target_dir().join("peers").join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let program = folder.join(peer.name().replace(' ', ""));
    match peer {
        Peer::Skelgen => copy(&cargo("peer-skelgen", object, true)?, &program)?,
        Peer::LibbpfRs => copy(&cargo("peer-libbpf-rs", object, false)?, &program)?,
        Peer::Aya => copy(&cargo("peer-aya", object, false)?, &program)?,
        Peer::Bpftool => bpftool(object, &folder, &program)?,
    }
    let size = fs::metadata(&program).map_err(|error| error.to_string())?.len();
    Ok(Built { libraries: libraries(&program), program, size })
}

/// Builds the program `name` with `object`; where the result is.
pub fn cargo(name: &str, object: &Path, is_static: bool) -> Result<PathBuf, String> {
    cargo_with(name, &[], &[("PEER_OBJECT", object.as_os_str())], is_static)
}

/// Builds the program `name` with more arguments and variables; where the result is.
///
/// `is_static` builds for the host by its full name: otherwise the flags would reach build scripts and macros too.
pub fn cargo_with(name: &str, args: &[&str], vars: &[(&str, &OsStr)], is_static: bool) -> Result<PathBuf, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--release", "--bin", name, "--manifest-path"]).arg(manifest());
    cargo.arg("--target-dir").arg(target_dir()).args(args).envs(vars.iter().copied());
    let mut release = target_dir();
    if is_static {
        let host = host()?;
        cargo.args(["--target", &host]).env("RUSTFLAGS", "-C target-feature=+crt-static");
        release.push(host);
    }
    output(&mut cargo, "cargo")?;
    Ok(release.join("release").join(name))
}

fn bpftool(object: &Path, folder: &Path, program: &Path) -> Result<(), String> {
    let bpftool = env::var_os("BPFTOOL").unwrap_or_else(|| "bpftool".into());
    let generated = Command::new(bpftool).args(["gen", "skeleton", "-L"]).arg(object).args(["name", "peer"]).output();
    let header = check(generated, "bpftool")?.stdout;
    let path = folder.join("peer.lskel.h");
    fs::write(&path, header).map_err(|error| format!("{}: {error}", path.display()))?;
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bpftool/main.c");
    let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(["-O2", "-static", "-s", "-I"]).arg(folder);
    // A bpftool of one's own may need the headers of its libbpf.
    if let Some(flags) = env::var_os("CPPFLAGS") {
        cc.args(flags.to_string_lossy().split_whitespace());
    }
    output(cc.arg(main).arg("-o").arg(program), "the C compiler")
}

/// The names of the libraries a program asks the dynamic linker for.
fn libraries(program: &Path) -> Result<Vec<String>, String> {
    let dynamic = check(Command::new("readelf").arg("-dW").arg(program).env("LC_ALL", "C").output(), "readelf")?;
    let text = String::from_utf8_lossy(&dynamic.stdout).into_owned();
    let names = text.lines().filter(|line| line.contains("(NEEDED)"));
    Ok(names.filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned())).collect())
}

fn output(command: &mut Command, what: &str) -> Result<(), String> {
    check(command.output(), what).map(drop)
}

/// What a command gave, or in one line why it did not work.
pub fn check(output: io::Result<Output>, what: &str) -> Result<Output, String> {
    let output = match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(format!("{what} is not installed")),
        Err(error) => return Err(format!("{what}: {error}")),
        Ok(output) => output,
    };
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{what}: {}", reason(&String::from_utf8_lossy(&output.stderr))))
}

/// The line that says most of why a build failed: a C compiler's own before cargo's, that a build script failed.
fn reason(stderr: &str) -> &str {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let with = |word: &str| lines().find(|line| line.to_lowercase().contains(word));
    with("fatal error").or_else(|| with("error")).or_else(|| lines().next_back()).unwrap_or("it says nothing")
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

pub fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")
}

/// Where this program was built, so that everything stays together: `TARGET/release/measure`.
pub fn target_dir() -> PathBuf {
    let here = env::current_exe().ok();
    let target = here.as_deref().and_then(|program| program.ancestors().nth(2)).map(Path::to_path_buf);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

fn host() -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = check(Command::new(rustc).arg("-vV").output(), "rustc")?;
    let text = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not name its host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_most_telling_line() {
        let cargo = "warning: x\nerror: failed to run custom build command\n  peer.c:1: fatal error: libelf.h: none\n";
        assert_eq!(reason(cargo), "peer.c:1: fatal error: libelf.h: none");
        assert_eq!(reason("libbpf: skipped\nError: cannot open\n"), "Error: cannot open");
        assert_eq!(reason("one\ntwo\n\n"), "two");
        assert_eq!(reason(""), "it says nothing");
    }

    #[test]
    fn a_missing_tool_is_named() {
        let missing = Command::new("no-such-tool-anywhere").output();
        assert_eq!(check(missing, "strace").err().as_deref(), Some("strace is not installed"));
    }
}
