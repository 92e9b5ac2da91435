//! A feature of the kernel, and how to ask whether the running kernel has it.

use std::collections::HashSet;
use std::fs;

use super::KernelVersion;
use crate::Result;
use crate::sys::uapi::{AttachType, MapFlags, MapType, ProgType};

/// Something that a release of Linux brought.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Feature {
    /// Its name in the kernel's headers, or in its documentation if it has none there.
    pub name: &'static str,
    /// What it is.
    pub kind: FeatureKind,
    /// The first release that has it.
    pub since: KernelVersion,
    /// Where the kernel's source documents it, or declares it if nothing does.
    pub documented: &'static str,
    /// What skelgen does on kernels without it; `None` if objects that need it do not load there.
    pub without: Option<&'static str>,
    /// The option of the kernel's configuration, or the part of the machine, that a newer kernel may lack it for.
    pub needs: Option<&'static str>,
    /// How to ask the running kernel.
    pub probe: Probe,
}

/// What a [`Feature`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeatureKind {
    /// A value of `enum bpf_map_type`.
    MapType(MapType),
    /// A value of `enum bpf_prog_type`.
    ProgType(ProgType),
    /// A value of `enum bpf_attach_type`.
    AttachType(AttachType),
    /// A bit of `map_flags` of `BPF_MAP_CREATE`.
    MapFlag(MapFlags),
    /// A function that programs call: a helper or a kfunc.
    Function,
    /// What the verifier accepts, or what a command of bpf(2) does.
    Ability,
}

impl FeatureKind {
    /// The kind in words, as in `map type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FeatureKind::MapType(_) => "map type",
            FeatureKind::ProgType(_) => "program type",
            FeatureKind::AttachType(_) => "attach type",
            FeatureKind::MapFlag(_) => "map flag",
            FeatureKind::Function => "function",
            FeatureKind::Ability => "ability",
        }
    }
}

/// How to ask the running kernel whether it has a feature.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Probe {
    /// By a name in the kernel's BTF: of a function, or of a value of an enum.
    Btf(&'static str),
    /// By a function that tries the feature, without a lasting effect.
    Try(fn() -> Result<bool>),
    /// Nothing asks; the text says why.
    None(&'static str),
}

impl Feature {
    /// A feature that is found by its name in the kernel's BTF.
    pub(super) const fn new(
        kind: FeatureKind,
        name: &'static str,
        (major, minor): (u32, u32),
        documented: &'static str,
    ) -> Feature {
        let since = KernelVersion::new(major, minor);
        Feature { name, kind, since, documented, without: None, needs: None, probe: Probe::Btf(name) }
    }

    /// The feature, found by `probe`.
    pub(super) const fn found_by(self, probe: Probe) -> Feature {
        Feature { probe, ..self }
    }

    /// The feature, with what skelgen does without it.
    pub(super) const fn or_else(self, without: &'static str) -> Feature {
        Feature { without: Some(without), ..self }
    }

    /// The feature, with what else it takes beside a new kernel.
    pub(super) const fn needing(self, needs: &'static str) -> Feature {
        Feature { needs: Some(needs), ..self }
    }
}

/// The sentence for errors: `this kernel has no exclusive maps, which came with Linux 6.18`.
///
/// Not a method of [`Feature`], which would keep the feature's probe in every program that has the sentence.
pub(crate) fn missing(name: &str, since: KernelVersion) -> String {
    format!("this kernel has no {name}, which {}", came_with(since))
}

/// `came with Linux 6.18`
pub(crate) fn came_with(since: KernelVersion) -> String {
    format!("came with Linux {since}")
}

/// The kernel's own types.
pub(super) const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// The names in the kernel's BTF, by which most features are found.
#[derive(Debug)]
pub struct Names(Option<HashSet<Vec<u8>>>);

impl Names {
    /// Reads `/sys/kernel/btf/vmlinux`: some megabytes. There are none if the kernel is built without BTF
    /// (`CONFIG_DEBUG_INFO_BTF`), or sysfs is not mounted.
    #[must_use]
    pub fn read() -> Names {
        Names(fs::read(KERNEL_BTF).ok().map(|btf| Names::of(&btf)))
    }

    /// The names of features all begin with `bpf`, and strings of BTF end with a NUL byte.
    fn of(btf: &[u8]) -> HashSet<Vec<u8>> {
        let is_wanted = |name: &&[u8]| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"bpf"));
        btf.split(|&byte| byte == 0).filter(is_wanted).map(<[u8]>::to_vec).collect()
    }

    /// Whether the kernel has the feature; `None` if nothing can ask, or the kernel has no BTF to be asked.
    ///
    /// # Errors
    ///
    /// This process may not do what the probe tries.
    pub fn has(&self, feature: &Feature) -> Result<Option<bool>> {
        match feature.probe {
            Probe::Btf(name) => Ok(self.0.as_ref().map(|names| names.contains(name.as_bytes()))),
            Probe::Try(has) => has().map(Some),
            Probe::None(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole() {
        let names = Names(Some(Names::of(b"junk\0BPF_MAP_TYPE_ARENA\0bpf_throw\0x")));
        let has = |name| {
            let kind = FeatureKind::Ability;
            let (since, documented) = (KernelVersion::new(6, 9), "");
            let feature =
                Feature { name, kind, since, documented, without: None, needs: None, probe: Probe::Btf(name) };
            names.has(&feature).unwrap().unwrap()
        };
        assert!(has("BPF_MAP_TYPE_ARENA") && has("bpf_throw"));
        assert!(!has("BPF_MAP_TYPE_AREN") && !has("MAP_TYPE_ARENA") && !has("junk"));
    }
}
