//! The commands on links. What `BPF_LINK_CREATE` takes depends on the kind of link.

use super::layout::structs;
use crate::uapi::AttachType;

structs! {
    /// `BPF_LINK_CREATE` for a target that is a descriptor or an interface; `target_fd` is `target_ifindex` too, and
    /// `prog_fd` a struct_ops map's `map_fd`.
    LinkCreate: 24 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        bpf_cookie: u64,
    }

    /// `BPF_LINK_CREATE` of many places in a binary, up to `path_fd`.
    LinkCreateUprobeMulti: 64 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        path: u64,
        offsets: u64,
        ref_ctr_offsets: u64,
        cookies: u64,
        cnt: u32,
        uprobe_flags: u32,
        pid: u32,
        path_fd: u32,
    }

    /// `BPF_LINK_CREATE` of many functions.
    LinkCreateTracingMulti: 40 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        ids: u64,
        cookies: u64,
        cnt: u32,
        pad: u32,
    }

    /// `BPF_LINK_CREATE` of an iterator.
    LinkCreateIter: 32 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        iter_info: u64,
        iter_info_len: u32,
        pad: u32,
    }

    /// `union bpf_iter_link_info`, of a map; as long as the whole union.
    IterMapInfo: 16 {
        map_fd: u32,
        pad: [u32; 3],
    }

    /// `union bpf_iter_link_info`, of cgroups.
    IterCgroupInfo: 16 {
        order: u32,
        cgroup_fd: u32,
        cgroup_id: u64,
    }

    /// `union bpf_iter_link_info`, of tasks.
    IterTaskInfo: 16 {
        tid: u32,
        pid: u32,
        pid_fd: u32,
        pad: u32,
    }

    /// `BPF_LINK_UPDATE` of a link to a map; of one to a program, both descriptors are programs'.
    LinkUpdate: 16 {
        link_fd: u32,
        new_map_fd: u32,
        flags: u32,
        old_map_fd: u32,
    }

    /// `BPF_LINK_DETACH`.
    LinkDetach: 4 {
        link_fd: u32,
    }
}
