//! Options of a plan: facts about its loads that the object does not have.

use crate::{Error, KernelVersion, Result};

/// Bytes that the kernel reads of a license, with its NUL byte (`bpf_prog_load` in `kernel/bpf/syscall.c`).
const MAX_LICENSE: usize = 128;

/// Options of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// The oldest kernel that the skeleton loads on; `None` for every kernel.
    pub min_kernel: Option<KernelVersion>,
    /// The programs' license, if the object has no `license` section.
    pub license: Option<String>,
}

/// Checks that the kernel can read this license.
///
/// # Errors
///
/// It is empty, longer than the kernel reads, or has a NUL byte.
pub(crate) fn checked_license(license: &str) -> Result<&str> {
    if license.is_empty() {
        return Err(Error::malformed("the license is empty"));
    }
    if license.len() >= MAX_LICENSE {
        let most = MAX_LICENSE - 1;
        return Err(Error::too_large(format!("the license has {} bytes, and the kernel reads {most}", license.len())));
    }
    if license.contains('\0') {
        return Err(Error::malformed("the license has a NUL byte"));
    }
    Ok(license)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Skeleton;

    fn license(object: &str, license: Option<&str>) -> Result<String> {
        let path = format!("{}/../fixtures/{object}.bpf.o", env!("CARGO_MANIFEST_DIR"));
        let options = PlanOptions { license: license.map(str::to_owned), ..PlanOptions::default() };
        Ok(Skeleton::with(&options, "it.bpf.o", &std::fs::read(path).expect("a fixture"))?.plan.license)
    }

    #[test]
    fn the_objects_own_license_stays() {
        assert_eq!(license("counters", Some("GPL")).as_deref(), Ok("Dual MIT/GPL"));
        assert_eq!(license("bad/no_license", None).as_deref(), Ok(""));
        assert_eq!(license("bad/no_license", Some("GPL")).as_deref(), Ok("GPL"));
    }

    #[test]
    fn a_license_that_the_kernel_cannot_read_is_refused() {
        let long = "x".repeat(128);
        for (wrong, why) in [
            ("", "the license is empty"),
            (long.as_str(), "the license has 128 bytes, and the kernel reads 127"),
            ("GPL\0", "the license has a NUL byte"),
        ] {
            let error = license("bad/no_license", Some(wrong)).expect_err(wrong).to_string();
            assert!(error.ends_with(why), "{error}");
        }
        assert_eq!(license("bad/no_license", Some(&long[1..])).expect("it fits").len(), 127);
    }
}
