//! Which kernel has what, where it is one after [`OLDEST`].
//!
//! What is not here is in Linux 6.1 already.

use skelgen::uapi::*;

/// A kernel's version.
pub(super) type Version = (u32, u32);

/// The oldest kernel that skeletons are tested on.
pub(super) const OLDEST: Version = (6, 1);
/// `BPF_F_CPU` and `BPF_F_ALL_CPUS`.
pub(super) const ALL_CPUS: Version = (7, 0);
/// Programs that address `.percpu` variables.
pub(super) const DIRECT: Version = (7, 3);

/// The first kernel with this type of map, if it is newer than [`OLDEST`].
pub(super) fn map_type(ty: MapType) -> Option<Version> {
    Some(match ty {
        BPF_MAP_TYPE_CGRP_STORAGE => (6, 2),
        BPF_MAP_TYPE_ARENA => (6, 9),
        BPF_MAP_TYPE_INSN_ARRAY => (6, 19),
        BPF_MAP_TYPE_RHASH => (7, 2),
        _ => return None,
    })
}

/// The first kernel with this type of program.
pub(super) fn prog_type(ty: ProgType) -> Option<Version> {
    (ty == BPF_PROG_TYPE_NETFILTER).then_some((6, 4))
}

/// The first kernel where programs are attached so.
pub(super) fn attach_type(ty: AttachType) -> Option<Version> {
    Some(match ty {
        BPF_STRUCT_OPS | BPF_NETFILTER => (6, 4),
        BPF_TCX_INGRESS | BPF_TCX_EGRESS | BPF_TRACE_UPROBE_MULTI => (6, 6),
        BPF_CGROUP_UNIX_CONNECT
        | BPF_CGROUP_UNIX_SENDMSG
        | BPF_CGROUP_UNIX_RECVMSG
        | BPF_CGROUP_UNIX_GETPEERNAME
        | BPF_CGROUP_UNIX_GETSOCKNAME
        | BPF_NETKIT_PRIMARY
        | BPF_NETKIT_PEER => (6, 7),
        BPF_TRACE_KPROBE_SESSION => (6, 10),
        BPF_TRACE_UPROBE_SESSION => (6, 13),
        BPF_TRACE_FSESSION => (7, 0),
        BPF_TRACE_FENTRY_MULTI | BPF_TRACE_FEXIT_MULTI | BPF_TRACE_FSESSION_MULTI => (7, 3),
        _ => return None,
    })
}

/// Flags of maps.
pub(super) const MAP_FLAGS: [(MapFlags, Version); 4] =
    [(BPF_F_LINK, (6, 4)), (BPF_F_SEGV_ON_FAULT, (6, 9)), (BPF_F_NO_USER_CONV, (6, 9)), (BPF_F_RB_OVERWRITE, (6, 19))];

/// `6.18.5-cloud` is (6, 18).
pub(super) fn parse(release: &str) -> Option<Version> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// `6.18`.
pub(super) fn text((major, minor): Version) -> String {
    format!("{major}.{minor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!((parse("6.18.5-cloud-amd64"), parse("7.3"), parse("x")), (Some((6, 18)), Some((7, 3)), None));
        assert!(parse("6.9") < parse("6.10"));
    }

    #[test]
    fn only_what_is_newer_is_listed() {
        let types = MapType::ALL.iter().filter_map(|ty| map_type(*ty));
        let attach = AttachType::ALL.iter().filter_map(|ty| attach_type(*ty));
        let versions = types.chain(attach).chain(MAP_FLAGS.map(|(_, version)| version));
        assert!(versions.into_iter().all(|version| version > OLDEST));
        assert_eq!(map_type(BPF_MAP_TYPE_RINGBUF), None);
    }
}
