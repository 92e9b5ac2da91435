//! The CPUs that this machine can have, as the kernel counts them for per-CPU memory.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use crate::sys::fs_type;
use crate::{Error, Result};

pub(crate) const POSSIBLE: &str = "/sys/devices/system/cpu/possible";

/// More than any kernel is built for (`CONFIG_NR_CPUS`), so that no text makes for a large set.
const LIMIT: u32 = 1 << 16;

/// The possible CPUs: those that are there, and those that could be plugged in while the machine runs.
///
/// There can be holes in the numbers. Per-CPU memory, and so every per-CPU map, has one value for each possible CPU.
#[derive(Clone, PartialEq, Eq)]
pub struct PossibleCpus {
    ids: Vec<u32>,
}

impl PossibleCpus {
    /// The CPUs' numbers, lowest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + DoubleEndedIterator + '_ {
        self.ids.iter().copied()
    }

    pub(crate) fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Whether `cpu` is possible.
    #[must_use]
    pub fn contains(&self, cpu: u32) -> bool {
        self.slot(cpu).is_some()
    }

    /// How many there are; never 0. `num_possible_cpus()` in the kernel.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// The highest number.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.ids.last().copied().unwrap_or(0)
    }

    /// The place of `cpu`'s value in a value of all CPUs, which leaves no room for the holes.
    #[must_use]
    pub fn slot(&self, cpu: u32) -> Option<usize> {
        self.ids.binary_search(&cpu).ok()
    }

    /// The set that a list of the kernel's says, as in `0-3,8,10-11`; `None` if it says none.
    #[must_use]
    pub fn parse(list: &str) -> Option<PossibleCpus> {
        let mut ids = BTreeSet::new();
        for range in list.trim_ascii().split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            ids.extend(first..=last);
        }
        Some(PossibleCpus { ids: ids.into_iter().collect() })
    }
}

/// A number below [`LIMIT`], of digits only.
fn number(digits: &str) -> Option<u32> {
    let digits_only = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|&number| digits_only && number < LIMIT)
}

impl fmt::Debug for PossibleCpus {
    /// As the kernel writes it: `0-3,8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for run in self.ids.chunk_by(|a, b| a + 1 == *b) {
            match run {
                [one] => write!(f, "{comma}{one}")?,
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [] => {}
            }
            comma = ",";
        }
        Ok(())
    }
}

/// The possible CPUs of this machine, read once from `/sys/devices/system/cpu/possible`: they never change.
///
/// Something else can be mounted over that file, in a container for example. Only sysfs itself is believed, and a FUSE file
/// system whose list has no holes, because LXD mounts one that passes the file through. The first command that reads the
/// values of all CPUs checks the count with the kernel, and fails with `EFAULT` if the kernel has another.
///
/// # Errors
///
/// The file cannot be read, as where `/sys` is not mounted, is in another file system, or is not a list of CPUs.
pub fn possible() -> Result<&'static PossibleCpus> {
    static CPUS: OnceLock<PossibleCpus> = OnceLock::new();
    if let Some(cpus) = CPUS.get() {
        return Ok(cpus);
    }
    let failed = || Error::new("count the possible CPUs").subject(POSSIBLE);
    let mut file = File::open(POSSIBLE).map_err(|error| failed().io(error).hint("is sysfs mounted at /sys?"))?;
    let fs_type = fs_type::of(file.as_fd()).map_err(|errno| failed().errno_is(errno))?;
    let mut list = String::new();
    file.read_to_string(&mut list).map_err(|error| failed().io(error))?;
    let cpus = PossibleCpus::parse(&list).ok_or_else(|| failed().because(format!("{list:?} is not a list of CPUs")))?;
    if !is_believed(fs_type, &cpus) {
        let why = format!("the file is not in sysfs, but in a file system of type {fs_type:#x}");
        return Err(failed().because(why).hint("something is mounted over it: unmount that"));
    }
    Ok(CPUS.get_or_init(|| cpus))
}

fn is_believed(fs_type: u32, cpus: &PossibleCpus) -> bool {
    match fs_type {
        fs_type::SYSFS => true,
        fs_type::FUSE => cpus.count() == cpus.last() as usize + 1,
        _ => false,
    }
}

/// How many values a value of all CPUs has: `num_possible_cpus()`, not the highest number and one.
///
/// # Errors
///
/// As for [`possible`].
pub fn width() -> Result<usize> {
    possible().map(PossibleCpus::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_holes() {
        let cpus = PossibleCpus::parse("0-3,8,10-11\n").unwrap();
        assert_eq!(cpus.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!((cpus.count(), cpus.last(), cpus.slot(8), cpus.slot(9)), (7, 11, Some(4), None));
        assert!(cpus.contains(10) && !cpus.contains(4) && !cpus.contains(u32::MAX));
        assert_eq!(format!("{cpus:?}"), "0-3,8,10-11");
        assert_eq!(format!("{:?}", PossibleCpus::parse("5").unwrap()), "5");
    }

    #[test]
    fn anything_else_is_refused() {
        for list in ["", "\n", "x", "1-", "-1", "3-1", "0-4294967295", "0-99999", "+1", "1,,2", "0x1", "0-1-2", " 0 1"]
        {
            assert_eq!(PossibleCpus::parse(list), None, "{list:?}");
        }
    }

    #[test]
    fn other_file_systems_are_not_believed() {
        const TMPFS: u32 = 0x0102_1994;
        let believed = |fs_type, list| is_believed(fs_type, &PossibleCpus::parse(list).unwrap());
        assert!(believed(fs_type::SYSFS, "0-3,8") && believed(fs_type::FUSE, "0-3"));
        assert!(!believed(fs_type::FUSE, "0-3,8") && !believed(fs_type::FUSE, "1-3") && !believed(TMPFS, "0-3"));
    }

    #[test]
    fn this_machine_has_one_at_least() {
        assert!(width().unwrap() >= 1);
        assert!(possible().unwrap().count() >= std::thread::available_parallelism().unwrap().get());
    }
}
