//! Releases of Linux.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A release of Linux, as in `7.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// The first number.
    pub major: u32,
    /// The second. A third is a release of fixes, which brings nothing that an object could ask for.
    pub minor: u32,
}

impl KernelVersion {
    /// The first whose verifier knows a context among the arguments of a global function by its tag.
    pub const CONTEXT_TAG: KernelVersion = KernelVersion { major: 6, minor: 8 };
    /// The first whose programs address `.percpu` variables directly.
    pub const DIRECT_PERCPU: KernelVersion = KernelVersion { major: 7, minor: 3 };
}

impl From<(u32, u32)> for KernelVersion {
    fn from((major, minor): (u32, u32)) -> Self {
        KernelVersion { major, minor }
    }
}

impl FromStr for KernelVersion {
    type Err = Error;

    /// Reads `7.3`.
    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        text.split_once('.')
            .and_then(|(major, minor)| Some(KernelVersion { major: number(major)?, minor: number(minor)? }))
            .ok_or_else(|| Error::malformed(format!("`{text}` is not a Linux release; write 7.3")))
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
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
}
