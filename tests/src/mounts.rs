//! File systems that some tests need beside the kernel: that of pins, and that of cgroups.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::not_run::{Part, not_run};

/// Where pins by name go.
pub const BPF_FS: &str = "/sys/fs/bpf";

/// The places where a file system of this kind is mounted.
fn mounted(kind: &str) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("/proc is mounted");
    // device, place, kind, ...
    let fields = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let of_kind = mounts.lines().map(fields).filter(|fields| fields.get(2).is_some_and(|is| is == kind));
    of_kind.map(|fields| PathBuf::from(&fields[1])).collect()
}

/// Whether something can be pinned at [`BPF_FS`]. If not, the test is noted as one that did not run.
#[must_use = "a test that may not pin has nothing to do"]
pub fn may_pin() -> bool {
    let can = mounted("bpf").iter().any(|place| place == Path::new(BPF_FS));
    if !can {
        not_run(Part::Live, format!("no BPF file system is mounted: mount -t bpf bpf {BPF_FS}"));
    }
    can
}

/// A cgroup of the running test's own, removed when it goes.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    folder: File,
}

impl Cgroup {
    /// A new one below the first cgroup2 file system. `None` if there is none, and the test is noted as one that did not
    /// run.
    ///
    /// # Panics
    ///
    /// There is one, and it refuses.
    #[must_use = "a test without a cgroup has nothing to do"]
    pub fn new(name: &str) -> Option<Cgroup> {
        let mounted = mounted("cgroup2");
        let Some(root) = mounted.first() else {
            not_run(Part::Live, "no cgroup2 file system is mounted");
            return None;
        };
        // Tests run side by side.
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = root.join(format!("skelgen_{name}_{}_{number}", process::id()));
        let make = || -> io::Result<File> {
            fs::create_dir(&path)?;
            File::open(&path)
        };
        match make() {
            Ok(folder) => Some(Cgroup { path, folder }),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// The number by which the kernel knows it in the keys of its storage: its inode.
    ///
    /// # Panics
    ///
    /// It cannot be asked for.
    #[must_use]
    pub fn id(&self) -> u64 {
        use std::os::unix::fs::MetadataExt;
        self.folder.metadata().expect("the cgroup is there").ino()
    }

    /// Runs `f` with this process, all its threads, in the cgroup; then they are in the one above.
    ///
    /// # Panics
    ///
    /// The process may not be moved.
    pub fn inside<R>(&self, f: impl FnOnce() -> R) -> R {
        let enter = |cgroup: &Path| {
            let written = fs::write(cgroup.join("cgroup.procs"), process::id().to_string());
            written.unwrap_or_else(|error| panic!("{}: {error}", cgroup.display()));
        };
        enter(&self.path);
        let result = f();
        enter(self.path.parent().expect("it was made below another"));
        result
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}
