//! Releases of Linux.

use core::fmt;
use core::str::FromStr;

/// A release of Linux, as in `7.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// The first number.
    pub major: u32,
    /// The second number. A third number is a release of fixes, which brings no features.
    pub minor: u32,
}

impl KernelVersion {
    /// The oldest that skeletons support, and that the tests load them on.
    pub const OLDEST: KernelVersion = KernelVersion::new(6, 1);
    /// The first whose verifier knows a context among the arguments of a global function by its tag.
    pub const CONTEXT_TAG: KernelVersion = KernelVersion::new(6, 8);
    /// The first whose programs address `.percpu` variables directly.
    pub const DIRECT_PERCPU: KernelVersion = KernelVersion::new(7, 3);

    /// The release `major.minor`.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> KernelVersion {
        KernelVersion { major, minor }
    }

    /// Reads the start of `uname -r`: `6.1.0-31-cloud-amd64` is 6.1.
    #[must_use]
    pub fn of_release(release: &str) -> Option<KernelVersion> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some(KernelVersion::new(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

impl KernelVersion {
    /// The release itself, as the oldest kernel of a skeleton.
    ///
    /// # Errors
    ///
    /// It is older than [`OLDEST`](Self::OLDEST).
    pub fn as_min_kernel(self) -> Result<Self, NotMinKernel> {
        if self >= Self::OLDEST { Ok(self) } else { Err(NotMinKernel::TooOld(self)) }
    }

    /// Reads the oldest kernel of a skeleton.
    ///
    /// # Errors
    ///
    /// The text is not a release, or the release is older than [`OLDEST`](Self::OLDEST).
    pub fn parse_min_kernel(text: &str) -> Result<Self, NotMinKernel> {
        text.parse().map_err(NotMinKernel::NotARelease).and_then(Self::as_min_kernel)
    }
}

/// A text or a release cannot be the oldest kernel of a skeleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMinKernel {
    /// The text is not a release of Linux.
    NotARelease(NotARelease),
    /// No skeleton supports this release.
    TooOld(KernelVersion),
}

impl fmt::Display for NotMinKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotMinKernel::NotARelease(error) => error.fmt(f),
            NotMinKernel::TooOld(release) => write!(
                f,
                "the oldest kernel is {release}, but skeletons load on Linux {} and newer: write {0}, or nothing",
                KernelVersion::OLDEST
            ),
        }
    }
}

impl core::error::Error for NotMinKernel {}

impl From<(u32, u32)> for KernelVersion {
    fn from((major, minor): (u32, u32)) -> Self {
        KernelVersion::new(major, minor)
    }
}

/// A text is not a release of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARelease;

impl fmt::Display for NotARelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Linux release has two numbers, as in 7.3")
    }
}

impl core::error::Error for NotARelease {}

impl FromStr for KernelVersion {
    type Err = NotARelease;

    /// Reads `7.3`.
    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let number = |digits: &str| digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        text.split_once('.')
            .and_then(|(major, minor)| Some(KernelVersion::new(number(major)?, number(minor)?)))
            .ok_or(NotARelease)
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::*;

    #[test]
    fn releases_are_read_and_compared_by_number() {
        let read = |text: &str| text.parse::<KernelVersion>().ok();
        assert_eq!(read("7.3"), Some(KernelVersion::DIRECT_PERCPU));
        assert_eq!(read("6.12").map(|version| version.to_string()).as_deref(), Some("6.12"));
        assert!(read("6.12") > read("6.1") && read("10.0") > read("7.3"));
        for text in ["", "7", "7.", ".3", "7.3.1", "+7.3", "7.-3", "7.x", "4294967296.0"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_skeleton_is_for_kernels_that_load_it() {
        assert_eq!(KernelVersion::parse_min_kernel("6.1"), Ok(KernelVersion::OLDEST));
        assert_eq!(KernelVersion::parse_min_kernel("7"), Err(NotMinKernel::NotARelease(NotARelease)));
        let error = KernelVersion::parse_min_kernel("5.15").unwrap_err().to_string();
        assert_eq!(
            error,
            "the oldest kernel is 5.15, but skeletons load on Linux 6.1 and newer: write 6.1, or nothing"
        );
    }

    #[test]
    fn running_kernels_tell_more_than_a_release() {
        let version = KernelVersion::of_release;
        assert_eq!(version("6.1.0-31-cloud-amd64"), Some(KernelVersion::new(6, 1)));
        assert_eq!(version("5.17"), Some(KernelVersion::new(5, 17)));
        assert_eq!(version("5.4-rc1"), Some(KernelVersion::new(5, 4)));
        assert_eq!((version(""), version("x.y"), version("6")), (None, None, None));
    }
}
