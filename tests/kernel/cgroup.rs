//! A cgroup for a test.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use skelgen_tests::{matrix, not_on_this_kernel};

/// A cgroup without processes, so that programs on it change nothing.
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// One of version 2, for the test called `test`. Where there can be none that is noted; the matrix has all.
    pub(crate) fn new(test: &str) -> Option<Cgroup> {
        let path = PathBuf::from(format!("/sys/fs/cgroup/skelgen_{test}_{}", process::id()));
        match Self::at(path) {
            Ok(cgroup) => Some(cgroup),
            Err(error) => {
                assert!(matrix().is_none(), "{error}");
                not_on_this_kernel(format!("a cgroup of version 2 below /sys/fs/cgroup: {error}"));
                None
            }
        }
    }

    /// A child of this one, which must go before it does.
    pub(crate) fn child(&self) -> Cgroup {
        Self::at(self.0.join("child")).unwrap()
    }

    fn at(path: PathBuf) -> io::Result<Cgroup> {
        fs::create_dir(&path)?;
        let cgroup = Cgroup(path);
        // Version 2 has it, version 1 has not.
        fs::metadata(cgroup.0.join("cgroup.controllers")).map(|_| cgroup)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The number by which the kernel knows it.
    pub(crate) fn id(&self) -> u64 {
        fs::metadata(&self.0).unwrap().ino()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}
