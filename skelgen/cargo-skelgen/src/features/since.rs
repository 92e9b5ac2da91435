//! Which release of Linux brought what, if it is one after [`OLDEST`]: from the runtime's table of features.

use skelgen::uapi::MapFlags;
pub(super) use skelgen_runtime::kernel::OLDEST_TESTED as OLDEST;
use skelgen_runtime::kernel::{Feature, FeatureKind, KernelVersion, features};

/// The feature of this name in the headers, or in the table if it has none there.
pub(super) fn feature(name: &str) -> Option<&'static Feature> {
    features().find(|feature| feature.name == name)
}

/// The first kernel with a feature, by its name, if that is newer than [`OLDEST`].
pub(super) fn since(name: &str) -> Option<KernelVersion> {
    feature(name).map(|feature| feature.since).filter(|since| *since > OLDEST)
}

/// Flags of maps: the flag, the name, and the first kernel.
pub(super) fn map_flags() -> impl Iterator<Item = (MapFlags, &'static str, KernelVersion)> {
    features().filter_map(|feature| match feature.kind {
        FeatureKind::MapFlag(flag) => Some((flag, feature.name, feature.since)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_is_listed() {
        assert_eq!(since("BPF_MAP_TYPE_RINGBUF"), None);
        assert_eq!(since("bpf_loop"), None);
        assert_eq!(since("BPF_MAP_TYPE_ARENA"), Some(KernelVersion::new(6, 9)));
        assert_eq!(map_flags().filter(|(.., since)| *since > OLDEST).count(), 4);
    }
}
