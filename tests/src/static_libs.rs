//! Libraries that static executables are linked with, where libbpf is among them.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{fs, io, process};

use crate::cells::have;
use crate::static_build::{TARGET, cargo};

/// Commands that libbpf is built with, and the Debian packages that have them.
const TOOLS: [(&str, &str); 3] = [("cc", "gcc"), ("make", "make"), ("pkg-config", "pkg-config")];

const INSTALL: &str = "apt-get install libelf-dev zlib1g-dev";

/// rustc's flags with which libelf and zlib are linked, static, after it was tried in `scratch`.
///
/// # Errors
///
/// What this machine lacks.
pub fn libelf_and_zlib(scratch: &Path) -> Result<&'static str, &'static String> {
    static FLAGS: OnceLock<Result<String, String>> = OnceLock::new();
    FLAGS.get_or_init(|| find(scratch)).as_ref().map(String::as_str)
}

fn find(scratch: &Path) -> Result<String, String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err("the static binaries are for x86_64".into());
    }
    have(&TOOLS)?;
    // What libelf itself needs differs by release: newer ones decompress with zstd.
    let needed = output(Command::new("pkg-config").args(["--static", "--libs-only-l", "libelf", "zlib"]));
    let needed = needed.map_err(|why| format!("there is no libelf or no zlib: {INSTALL} ({why})"))?;
    links(&needed, scratch).map_err(|why| format!("libelf and zlib cannot be linked, static: {INSTALL} ({why})"))?;
    // The crates are in the lock file, and perhaps nowhere else: without the feature, cargo does not fetch them.
    let mut fetch = cargo();
    fetch.args(["fetch", "--locked", "--quiet", "--target", TARGET]);
    output(&mut fetch).map_err(|why| format!("cargo cannot fetch: {why}"))?;

    let folder = scratch.join("archives");
    link_alone(&["libelf.a", "libz.a"].map(found), &folder).map_err(|error| error.to_string())?;
    let others = needed.split_whitespace().filter(|flag| !["-lelf", "-lz"].contains(flag));
    let others = others.map(|flag| format!("-C link-arg={flag}"));
    Ok([format!("-L native={}", folder.display())].into_iter().chain(others).collect::<Vec<_>>().join(" "))
}

/// Nothing if a static program with libelf and zlib can be made: headers and archives are there.
fn links(needed: &str, scratch: &Path) -> Result<(), String> {
    const PROGRAM: &str = "#include <libelf.h>\n\
                           #include <zlib.h>\n\
                           int main(void) { return elf_version(EV_CURRENT) == EV_NONE || !zlibVersion(); }\n";
    let source = scratch.join("libelf_and_zlib.c");
    fs::write(&source, PROGRAM).map_err(|error| error.to_string())?;
    let program = source.with_extension("");
    let mut cc = Command::new("cc");
    cc.arg("-static").arg("-o").arg(&program).arg(&source).args(needed.split_whitespace());
    output(&mut cc)?;
    output(&mut Command::new(program)).map(drop)
}

/// An archive, where the C compiler finds it.
fn found(archive: &str) -> PathBuf {
    let path = output(Command::new("cc").arg(format!("-print-file-name={archive}"))).unwrap_or_default();
    PathBuf::from(path.trim())
}

/// Makes a folder with links to these archives and nothing else. rustc looks into the folder before it looks for the libbpf
/// that libbpf-sys builds: in the system's folder it would find the libbpf of a distribution.
fn link_alone(archives: &[PathBuf], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for archive in archives {
        let link = folder.join(archive.file_name().unwrap_or_default());
        // Another process may do the same, or build with the link that is there.
        let part = folder.join(format!(".{}", process::id()));
        symlink(fs::canonicalize(archive)?, &part)?;
        fs::rename(part, link)?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As with libbpf-dev, which puts libbpf.a beside the two.
    #[test]
    fn what_is_beside_the_archives_is_not_linked() {
        let system = crate::packages::scratch("archives");
        let archives = ["libelf.a", "libz.a", "libbpf.a"].map(|name| system.join(name));
        for archive in &archives {
            fs::write(archive, b"!<arch>\n").unwrap();
        }
        let folder = system.join("alone");
        // Again, too: it is there from a former run.
        for _ in 0..2 {
            link_alone(&archives[..2], &folder).unwrap();
            let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(names, ["libelf.a", "libz.a"]);
            assert_eq!(fs::read(folder.join("libelf.a")).unwrap(), b"!<arch>\n");
        }
        fs::remove_dir_all(system).unwrap();
    }
}
