//! The folder for files of tests, which other runs of the tests do not touch.
#![allow(unsafe_code, reason = "flock(2)")]

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, io};

/// Where this test binary puts files. `tmpdir` is its `CARGO_TARGET_TMPDIR`, which two clones of the repository share if
/// they share a target directory: each clone then has a folder of its own in there. A second run of the same binary in the
/// same clone waits until this one ends.
///
/// # Panics
///
/// The target directory cannot be written.
pub fn scratch(tmpdir: &str) -> &'static Path {
    static SCRATCH: OnceLock<(PathBuf, File)> = OnceLock::new();
    let (folder, _) = SCRATCH.get_or_init(|| {
        let folder = of_clone(Path::new(tmpdir), &package());
        let locked = fs::create_dir_all(&folder).and_then(|()| lock(&folder.join(format!(".{}.lock", binary()))));
        (folder, locked.expect("the target directory can be written"))
    });
    folder
}

/// The package whose tests these are, at run time: cargo may run what another clone has built.
fn package() -> PathBuf {
    let here = || env::current_dir().expect("there is a current directory");
    env::var_os("CARGO_MANIFEST_DIR").map_or_else(here, PathBuf::from)
}

fn of_clone(tmpdir: &Path, package: &Path) -> PathBuf {
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file()).unwrap_or(package);
    if tmpdir.starts_with(root) {
        return tmpdir.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    root.hash(&mut hasher);
    tmpdir.join(format!("clone-{:016x}", hasher.finish()))
}

/// The test target's name, without cargo's hash.
fn binary() -> String {
    let path = env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.rsplit_once('-').map_or_else(|| name.clone(), |(name, _)| name.to_owned())
}

/// Locks a file until it is closed, which is when the process ends.
fn lock(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    // SAFETY: the descriptor is open.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_that_share_a_target_directory_have_their_own_folders() {
        let base = env::temp_dir().join(format!("skelgen-clones-{}", std::process::id()));
        let clones = ["one", "two"].map(|name| base.join(name));
        for clone in &clones {
            fs::create_dir_all(clone.join("tests")).unwrap();
            fs::write(clone.join("Cargo.lock"), "").unwrap();
        }
        let shared = base.join("shared/tmp");
        let [one, two] = clones.each_ref().map(|clone| of_clone(&shared, &clone.join("tests")));
        assert!(one != two && one.starts_with(&shared) && two.starts_with(&shared));
        assert_eq!(one, of_clone(&shared, &clones[0]), "all packages of a clone have the same folder");
        let own = clones[0].join("target/tmp");
        assert_eq!(of_clone(&own, &clones[0].join("tests")), own);
        fs::remove_dir_all(base).unwrap();
    }
}
