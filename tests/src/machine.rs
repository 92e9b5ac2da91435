//! The machine that the tests run on.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::{env, fs, io};

use skelgen_runtime::kernel::{self, KernelVersion};

/// A guest of the kernel matrix, as `tests/matrix/boot` started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The kernel's series, as in `7.3`.
    pub kernel: String,
    /// How many CPUs the guest was given.
    pub cpus: u32,
}

/// The guest this is, or `None` on a machine of its own.
#[must_use]
pub fn matrix() -> Option<Guest> {
    let kernel = env::var("SKELGEN_MATRIX_KERNEL").ok()?;
    let cpus = env::var("SKELGEN_MATRIX_CPUS").ok()?.parse().ok()?;
    Some(Guest { kernel, cpus })
}

/// A module that only the kernel's own tests have. Guests load it where `tests/selftests/testmod` has built it.
pub const TESTMOD: &str = "bpf_testmod";

/// Whether this kernel module is loaded, and its types known.
#[must_use]
pub fn is_loaded(module: &str) -> bool {
    Path::new("/sys/kernel/btf").join(module).exists()
}

/// The running kernel's version, as in `(6, 18)`.
///
/// # Panics
///
/// It is not in the form that Linux has had since its first release.
#[must_use]
pub fn kernel_version() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc is mounted");
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().ok());
    let mut number = || numbers.next().flatten().expect("a release begins with two numbers");
    (number(), number())
}

/// The first kernel with a feature, by its name in the runtime's table.
///
/// # Panics
///
/// The table has no such feature.
#[must_use]
pub fn since(feature: &str) -> KernelVersion {
    let found = kernel::features().find(|found| found.name == feature);
    found.unwrap_or_else(|| panic!("the runtime's table has no feature {feature}")).since
}

/// Whether the running kernel is as new as a feature of the runtime's table.
///
/// # Panics
///
/// The table has no such feature.
#[must_use]
pub fn is_from(feature: &str) -> bool {
    KernelVersion::from(kernel_version()) >= since(feature)
}

/// The reason of tests that are about a feature, on kernels before it: `BPF tokens came with Linux 6.9`.
///
/// # Panics
///
/// The table has no such feature.
#[must_use]
pub fn came_later(feature: &str) -> String {
    format!("{feature} came with Linux {}", since(feature))
}

/// A set of CPUs, as the kernel takes it: a bit each. As large as the C library's.
type CpuSet = [libc::c_ulong; size_of::<libc::cpu_set_t>() / size_of::<libc::c_ulong>()];

const BITS: u32 = libc::c_ulong::BITS;

/// Runs `f` on `cpu`, and puts the thread back where it was.
///
/// # Errors
///
/// `cpu` is not online, or this process may not run there.
pub fn on_cpu<R>(cpu: u32, f: impl FnOnce() -> R) -> io::Result<R> {
    let before = affinity()?;
    let mut only = CpuSet::default();
    let word = only.get_mut((cpu / BITS) as usize).ok_or(io::ErrorKind::InvalidInput)?;
    *word |= 1 << (cpu % BITS);
    set_affinity(&only)?;
    let result = f();
    set_affinity(&before)?;
    Ok(result)
}

/// The CPUs on which this thread may run: the online ones that it was not kept from.
///
/// # Errors
///
/// The kernel has more CPUs than the C library's set.
pub fn allowed_cpus() -> io::Result<Vec<u32>> {
    let set = affinity()?;
    let all = 0..set.len() as u32 * BITS;
    Ok(all.filter(|cpu| set[(cpu / BITS) as usize] >> (cpu % BITS) & 1 == 1).collect())
}

fn affinity() -> io::Result<CpuSet> {
    let mut set = CpuSet::default();
    // SAFETY: the set is there, and as large as is said; thread 0 is this one.
    match unsafe { libc::sched_getaffinity(0, size_of_val(&set), (&raw mut set).cast()) } {
        0 => Ok(set),
        _ => Err(io::Error::last_os_error()),
    }
}

fn set_affinity(set: &CpuSet) -> io::Result<()> {
    // SAFETY: the set is there, and as large as is said; thread 0 is this one.
    match unsafe { libc::sched_setaffinity(0, size_of_val(set), (&raw const *set).cast()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The descriptors that this process has open, by number, with what they are open on.
///
/// # Panics
///
/// `/proc` is not mounted.
#[must_use]
pub fn open_fds() -> Vec<(i32, String)> {
    let folder = fs::File::open("/proc/self/fd").expect("/proc is mounted");
    let itself = folder.as_raw_fd();
    let entries = fs::read_dir("/proc/self/fd").expect("/proc is mounted").flatten();
    let fds = entries.filter_map(|entry| {
        let fd = entry.file_name().to_str()?.parse().ok()?;
        // The one that the listing itself has open is gone again by now, or is another's.
        let target = fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
        Some((fd, target))
    });
    let mut fds: Vec<_> = fds.filter(|(fd, target)| *fd != itself && !target.ends_with("/fd")).collect();
    fds.sort();
    fds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_moves_and_returns() {
        let before = allowed_cpus().unwrap();
        // SAFETY: no argument.
        let here = || unsafe { libc::sched_getcpu() };
        for &cpu in &before {
            assert_eq!(on_cpu(cpu, here).unwrap(), cpu.cast_signed());
        }
        assert_eq!(allowed_cpus().unwrap(), before);
        assert!(on_cpu(100_000, here).is_err());
    }

    #[test]
    fn the_kernel_is_one_of_this_century() {
        assert!(kernel_version() >= (4, 0));
    }
}
