//! What the kernel itself says of a map, with `BPF_OBJ_GET_INFO_BY_FD`: not what the runtime believes of it.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use skelgen_runtime::uapi::BPF_OBJ_GET_INFO_BY_FD;

/// `struct bpf_map_info`, up to what is asked about.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapInfo {
    pub(crate) map_type: u32,
    pub(crate) id: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) map_flags: u32,
    name: [u8; 16],
    ifindex: u32,
    btf_vmlinux_value_type_id: u32,
    netns_dev: u64,
    netns_ino: u64,
    btf_id: u32,
    btf_key_type_id: u32,
    pub(crate) btf_value_type_id: u32,
    pad: u32,
}

/// The part of `union bpf_attr` for `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
struct Attr {
    bpf_fd: i32,
    info_len: u32,
    info: *mut MapInfo,
}

/// What the kernel says of `map`.
pub(crate) fn map_info(map: impl AsFd) -> MapInfo {
    let mut info = MapInfo::default();
    let info_len = size_of::<MapInfo>() as u32;
    let mut attr = Attr { bpf_fd: map.as_fd().as_raw_fd(), info_len, info: &raw mut info };
    // SAFETY: the attr is as long as is said, and so is the room for the answer, of which any bytes are valid.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &raw mut attr, size_of::<Attr>()) };
    assert_eq!(answer, 0, "{}", io::Error::last_os_error());
    info
}

impl MapInfo {
    /// The name that `bpftool map` shows.
    pub(crate) fn name(&self) -> &str {
        CStr::from_bytes_until_nul(&self.name).unwrap().to_str().unwrap()
    }
}
