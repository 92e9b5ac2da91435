//! The running kernel's release, for hints. What skelgen does depends on probes, never on the release: distributions
//! backport features, and kernels are built without some.

use std::fs;

use super::{Feature, FeatureKind, KernelVersion};
use crate::sys::uapi::MapType;

/// The running kernel.
pub(crate) struct Release {
    /// The first two numbers.
    pub(crate) version: KernelVersion,
    /// All of it, as in `6.1.0-31-cloud-amd64`.
    pub(crate) text: String,
}

/// The running kernel; `None` if `/proc` does not tell.
pub(crate) fn release() -> Option<Release> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let text = release.trim().to_owned();
    Some(Release { version: KernelVersion::of_release(&text)?, text })
}

/// Whether the running kernel is older than `version`; false if `/proc` does not tell.
pub(crate) fn is_older(version: KernelVersion) -> bool {
    release().is_some_and(|release| release.version < version)
}

/// The hint for a map type that is newer than the running kernel.
pub(crate) fn newer_map_type(map_type: MapType) -> Option<String> {
    let is_it = |feature: &&Feature| feature.kind == FeatureKind::MapType(map_type);
    let &Feature { name, since, .. } = super::map_types::MAP_TYPES.iter().find(is_it)?;
    is_older(since).then(|| format!("{name} {}", super::came_with(since)))
}

/// The hint that the kernel is older than the oldest that skeletons can run on.
pub(crate) fn too_old() -> Option<String> {
    let Release { version, text } = release()?;
    (version < super::OLDEST).then(|| format!("this kernel is {text}; skeletons need Linux {} or newer", super::OLDEST))
}
