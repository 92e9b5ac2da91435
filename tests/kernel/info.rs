//! What the kernel itself says of a map, program or link, with `BPF_OBJ_GET_INFO_BY_FD`: not what the runtime believes of it.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use skelgen_runtime::uapi::{BPF_OBJ_GET_INFO_BY_FD, MapFlags, MapType, ProgType};
use skelgen_runtime::{Link, Program};

/// `struct bpf_map_info`, up to what is asked about.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapInfo {
    pub(crate) map_type: MapType,
    pub(crate) id: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) map_flags: MapFlags,
    name: [u8; 16],
    ifindex: u32,
    btf_vmlinux_value_type_id: u32,
    netns_dev: u64,
    netns_ino: u64,
    btf_id: u32,
    btf_key_type_id: u32,
    pub(crate) btf_value_type_id: u32,
    btf_vmlinux_id: u32,
    pub(crate) map_extra: u64,
}

/// `struct bpf_prog_info`, up to what is asked about.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProgInfo {
    pub(crate) prog_type: ProgType,
    pub(crate) id: u32,
    tag: [u8; 8],
    insns: [u64; 3],
    load_time: u64,
    created_by_uid: u32,
    pub(crate) nr_map_ids: u32,
    map_ids: u64,
    name: [u8; 16],
}

/// `struct bpf_link_info`, with the first words of what depends on its type.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkInfo {
    link_type: u32,
    id: u32,
    pub(crate) prog_id: u32,
    pad: u32,
    special: [u32; 4],
}

/// The part of `union bpf_attr` for `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
struct Attr<T> {
    bpf_fd: i32,
    info_len: u32,
    info: *mut T,
}

/// What the kernel says of `map`.
pub(crate) fn map_info(map: impl AsFd) -> MapInfo {
    ask(map, MapInfo::default())
}

/// What the kernel says of `program`, which must be loaded.
pub(crate) fn prog_info(program: &Program) -> ProgInfo {
    ask(program.fd().unwrap(), ProgInfo::default())
}

/// The maps that `program` uses, by their ids.
pub(crate) fn maps_of(program: &Program) -> Vec<u32> {
    let count = prog_info(program).nr_map_ids;
    let mut ids = vec![0u32; count as usize];
    let question =
        ProgInfo { nr_map_ids: count, map_ids: ids.as_mut_ptr().expose_provenance() as u64, ..Default::default() };
    assert_eq!(ask(program.fd().unwrap(), question).nr_map_ids, count);
    ids
}

/// What the kernel says of `link`.
pub(crate) fn link_info(link: &Link) -> LinkInfo {
    ask(link, LinkInfo::default())
}

/// Asks the kernel about what is behind a descriptor. `info` says where there is room for lists, and how much.
fn ask<T: Copy>(fd: impl AsFd, mut info: T) -> T {
    let info_len = size_of::<T>() as u32;
    let mut attr = Attr { bpf_fd: fd.as_fd().as_raw_fd(), info_len, info: &raw mut info };
    // SAFETY: the attr is as long as is said, and so is the room for the answer, of which any bytes are valid; the one
    // list that is ever asked for has the room that the question says.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, BPF_OBJ_GET_INFO_BY_FD.0, &raw mut attr, size_of::<Attr<T>>()) };
    assert_eq!(answer, 0, "{}", io::Error::last_os_error());
    info
}

impl MapInfo {
    /// The name that `bpftool map` shows.
    pub(crate) fn name(&self) -> &str {
        text(&self.name)
    }
}

impl ProgInfo {
    /// The name that `bpftool prog` shows.
    pub(crate) fn name(&self) -> &str {
        text(&self.name)
    }
}

impl LinkInfo {
    /// Of a link to a cgroup: the attach type.
    pub(crate) fn of_cgroup(&self) -> u32 {
        const BPF_LINK_TYPE_CGROUP: u32 = 3;
        assert_eq!(self.link_type, BPF_LINK_TYPE_CGROUP);
        // The cgroup's id is before it.
        self.special[2]
    }

    /// Of a link to a kernel function: the attach type.
    pub(crate) fn of_tracing(&self) -> u32 {
        const BPF_LINK_TYPE_TRACING: u32 = 2;
        assert_eq!(self.link_type, BPF_LINK_TYPE_TRACING);
        self.special[0]
    }
}

fn text(name: &[u8]) -> &str {
    CStr::from_bytes_until_nul(name).unwrap().to_str().unwrap()
}
