//! Map types and flags of maps that some tested kernels lack.

use super::feature::{Feature, FeatureKind, Probe};
use super::{arena, maps};
use crate::sys::uapi::{self, *};

const fn map_type(ty: MapType, since: (u32, u32), documented: &'static str) -> Feature {
    Feature::new(FeatureKind::MapType(ty), ty.name().expect("the headers have it"), since, documented)
}

/// Values of `enum bpf_map_type`.
pub(super) const MAP_TYPES: [Feature; 4] = [
    map_type(BPF_MAP_TYPE_CGRP_STORAGE, (6, 2), "Documentation/bpf/map_cgrp_storage.rst"),
    map_type(BPF_MAP_TYPE_ARENA, (6, 9), "kernel/bpf/arena.c"),
    map_type(BPF_MAP_TYPE_INSN_ARRAY, (6, 19), "kernel/bpf/bpf_insn_array.c"),
    map_type(BPF_MAP_TYPE_RHASH, (7, 2), "include/uapi/linux/bpf.h"),
];

/// Links for struct_ops maps.
pub(crate) const BPF_F_LINK: Feature =
    flag(uapi::BPF_F_LINK, (6, 4), "kernel/bpf/bpf_struct_ops.c", Probe::Try(maps::struct_ops_have_links));

/// Bits of `map_flags`.
pub(super) const MAP_FLAGS: [Feature; 4] = [
    BPF_F_LINK,
    flag(uapi::BPF_F_SEGV_ON_FAULT, (6, 9), "kernel/bpf/arena.c", Probe::Try(arena::takes_segv_on_fault)),
    flag(uapi::BPF_F_NO_USER_CONV, (6, 9), "kernel/bpf/arena.c", Probe::Try(arena::takes_no_user_conv)),
    flag(uapi::BPF_F_RB_OVERWRITE, (6, 19), "Documentation/bpf/ringbuf.rst", Probe::Try(maps::rings_overwrite)),
];

const fn flag(flag: MapFlags, since: (u32, u32), documented: &'static str, probe: Probe) -> Feature {
    Feature::new(FeatureKind::MapFlag(flag), name(flag), since, documented).found_by(probe)
}

const fn name(flag: MapFlags) -> &'static str {
    let mut index = 0;
    loop {
        // A flag without a name ends the compilation here.
        let (other, name) = MapFlags::ALL[index];
        if other.0 == flag.0 {
            return name;
        }
        index += 1;
    }
}
