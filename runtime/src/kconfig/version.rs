//! The running kernel's version as one number, `LINUX_VERSION_CODE`.
//!
//! Two distributions say something else in the release than what their kernel is made from: Ubuntu has a file for it,
//! Debian says it in the version.

use std::fs;

use crate::sys::uname::{Uname, uname};

/// The version of the running kernel; `None` if it does not say.
pub(super) fn running() -> Option<u32> {
    let signature = fs::read("/proc/version_signature").ok();
    code(signature.as_deref().map(String::from_utf8_lossy).as_deref(), &uname())
}

/// `signature` is Ubuntu's, as in `Ubuntu 5.4.0-12.15-generic 5.4.8`.
fn code(signature: Option<&str>, uname: &Uname) -> Option<u32> {
    let ubuntu = || parse(signature?.split_whitespace().nth(2)?);
    // `#1 SMP Debian 4.19.260-1 (2022-09-29)`
    let debian = || parse(uname.version.split_once("Debian ")?.1.trim_start());
    ubuntu().or_else(debian).or_else(|| parse(&uname.release))
}

/// `6.1.55-generic` is 6.1.55; of the last number only what a byte holds counts.
fn parse(text: &str) -> Option<u32> {
    let mut rest = text;
    let mut number = |dot: &str| {
        rest = rest.strip_prefix(dot)?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, behind) = rest.split_at(end);
        rest = behind;
        digits.parse::<u32>().ok()
    };
    let (major, minor, patch) = (number("")?, number(".")?, number(".")?);
    let code = major.wrapping_shl(16).wrapping_add(minor.wrapping_shl(8)).wrapping_add(patch.min(255));
    (code != 0).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, patch: u32) -> Option<u32> {
        Some(major << 16 | minor << 8 | patch)
    }

    #[test]
    fn a_version_is_three_numbers() {
        let table = [
            ("6.1.55", version(6, 1, 55)),
            ("7.3.0-rc1", version(7, 3, 0)),
            ("6.18.44-fc-v657", version(6, 18, 44)),
            ("5.4.255.1", version(5, 4, 255)),
            ("4.14.336-generic", version(4, 14, 255)),
            ("4.4.99999", version(4, 4, 255)),
            ("", None),
            ("6", None),
            ("6.1", None),
            ("6.1.", None),
            ("6.1-rc1", None),
            ("6.1.x", None),
            (".6.1.2", None),
            ("-6.1.2", None),
            ("x6.1.2", None),
            ("6.1.99999999999", None),
            ("99999999999.1.1", None),
            ("0.0.0", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        // Numbers that no kernel has do no harm.
        assert!(parse("4294967295.4294967295.4294967295").is_some());
    }

    #[test]
    fn distributions_are_asked_first() {
        let uname = |release: &str, version: &str| Uname { release: release.to_owned(), version: version.to_owned() };
        let debian = uname("4.19.0-22-amd64", "#1 SMP Debian 4.19.260-1 (2022-09-29)");
        let plain = uname("6.18.44", "#1 SMP PREEMPT_DYNAMIC @0");
        assert_eq!(code(None, &plain), version(6, 18, 44));
        assert_eq!(code(None, &debian), version(4, 19, 255));
        assert_eq!(code(Some("Ubuntu 5.4.0-12.15-generic 5.4.8\n"), &debian), version(5, 4, 8));
        assert_eq!(code(Some("Ubuntu 5.4.0-12.15-generic"), &debian), version(4, 19, 255));
        assert_eq!(code(Some(""), &plain), version(6, 18, 44));
        assert_eq!(code(None, &uname("6.1.2", "#1 Debian kernel")), version(6, 1, 2));
        assert_eq!(code(None, &uname("unknown", "#1")), None);
    }
}
