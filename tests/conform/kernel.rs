//! What the kernel says of maps, programs and BTF: the few commands of bpf(2) that neither loader is asked for.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use skelgen_abi::attr::{BtfInfo, MapElem};
use skelgen_runtime::uapi::{
    BPF_BTF_GET_FD_BY_ID, BPF_MAP_GET_FD_BY_ID, BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_ELEM, BPF_OBJ_GET_INFO_BY_FD,
    Command,
};

/// `struct bpf_map_info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapInfo {
    pub(crate) map_type: u32,
    pub(crate) id: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) map_flags: u32,
    pub(crate) name: [u8; 16],
    pub(crate) ifindex: u32,
    pub(crate) btf_vmlinux_value_type_id: u32,
    pub(crate) netns_dev: u64,
    pub(crate) netns_ino: u64,
    pub(crate) btf_id: u32,
    pub(crate) btf_key_type_id: u32,
    pub(crate) btf_value_type_id: u32,
    pub(crate) btf_vmlinux_id: u32,
    pub(crate) map_extra: u64,
    pub(crate) hash: u64,
    pub(crate) hash_size: u32,
    pub(crate) _pad: u32,
}

/// `struct bpf_prog_info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProgInfo {
    pub(crate) prog_type: u32,
    pub(crate) id: u32,
    pub(crate) tag: [u8; 8],
    pub(crate) jited_prog_len: u32,
    pub(crate) xlated_prog_len: u32,
    pub(crate) jited_prog_insns: u64,
    pub(crate) xlated_prog_insns: u64,
    pub(crate) load_time: u64,
    pub(crate) created_by_uid: u32,
    pub(crate) nr_map_ids: u32,
    pub(crate) map_ids: u64,
    pub(crate) name: [u8; 16],
    pub(crate) ifindex: u32,
    pub(crate) gpl_compatible: u32,
    pub(crate) netns_dev: u64,
    pub(crate) netns_ino: u64,
    pub(crate) nr_jited_ksyms: u32,
    pub(crate) nr_jited_func_lens: u32,
    pub(crate) jited_ksyms: u64,
    pub(crate) jited_func_lens: u64,
    pub(crate) btf_id: u32,
    pub(crate) func_info_rec_size: u32,
    pub(crate) func_info: u64,
    pub(crate) nr_func_info: u32,
    pub(crate) nr_line_info: u32,
    pub(crate) line_info: u64,
    pub(crate) jited_line_info: u64,
    pub(crate) nr_jited_line_info: u32,
    pub(crate) line_info_rec_size: u32,
    pub(crate) jited_line_info_rec_size: u32,
    pub(crate) nr_prog_tags: u32,
    pub(crate) prog_tags: u64,
    pub(crate) run_time_ns: u64,
    pub(crate) run_cnt: u64,
    pub(crate) recursion_misses: u64,
    pub(crate) verified_insns: u32,
    pub(crate) attach_btf_obj_id: u32,
    pub(crate) attach_btf_id: u32,
    pub(crate) _pad: u32,
}

/// A struct of integers, which `BPF_OBJ_GET_INFO_BY_FD` fills.
pub(crate) trait Info: Copy + Default {}

impl Info for MapInfo {}
impl Info for ProgInfo {}
impl Info for BtfInfo {}

/// `BPF_OBJ_GET_INFO_BY_FD`: what `info` asks for, if it has pointers.
pub(crate) fn info<T: Info>(fd: BorrowedFd<'_>, mut info: T) -> io::Result<T> {
    #[repr(C)]
    struct Attr {
        bpf_fd: u32,
        info_len: u32,
        info: u64,
    }
    let attr = Attr {
        bpf_fd: fd.as_raw_fd().cast_unsigned(),
        info_len: size_of::<T>() as u32,
        info: (&raw mut info).expose_provenance() as u64,
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &attr)?;
    Ok(info)
}

/// The map of this id.
pub(crate) fn map_by_id(id: u32) -> io::Result<OwnedFd> {
    by_id(BPF_MAP_GET_FD_BY_ID, id)
}

/// The bytes of the BTF of this id.
pub(crate) fn btf_by_id(id: u32) -> io::Result<Vec<u8>> {
    let fd = by_id(BPF_BTF_GET_FD_BY_ID, id)?;
    let fd = std::os::fd::AsFd::as_fd(&fd);
    let size = info(fd, BtfInfo::default())?.btf_size;
    let mut bytes = vec![0u8; size as usize];
    info(fd, BtfInfo { btf: address(&mut bytes), btf_size: size, ..BtfInfo::default() })?;
    Ok(bytes)
}

fn by_id(command: Command, id: u32) -> io::Result<OwnedFd> {
    let fd = bpf(command, &[id, 0, 0])?;
    // SAFETY: the kernel has just made it for this process, and nothing else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// The value at `key`: `None` if there is none. It has `size` bytes, all CPUs' together.
pub(crate) fn lookup(map: BorrowedFd<'_>, key: &mut [u8], size: usize) -> io::Result<Option<Vec<u8>>> {
    let mut value = vec![0u8; size];
    let map_fd = map.as_raw_fd().cast_unsigned();
    let attr = MapElem { map_fd, pad: 0, key: address(key), value: address(&mut value), flags: 0 };
    match bpf(BPF_MAP_LOOKUP_ELEM, &attr) {
        Ok(_) => Ok(Some(value)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The key behind `key`, or the first.
pub(crate) fn next_key(map: BorrowedFd<'_>, key: Option<&mut [u8]>, size: usize) -> io::Result<Option<Vec<u8>>> {
    let mut next = vec![0u8; size];
    let map_fd = map.as_raw_fd().cast_unsigned();
    let attr = MapElem { map_fd, pad: 0, key: key.map_or(0, address), value: address(&mut next), flags: 0 };
    match bpf(BPF_MAP_GET_NEXT_KEY, &attr) {
        Ok(_) => Ok(Some(next)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a slice is, for an attr. The kernel writes there, so it has to be one that can be written.
pub(crate) fn address<T>(slice: &mut [T]) -> u64 {
    slice.as_mut_ptr().expose_provenance() as u64
}

fn bpf<T>(command: Command, attr: &T) -> io::Result<libc::c_long> {
    let attr: *const T = attr;
    // SAFETY: the attr is as long as is said; what it points to is alive, and as large as its command needs.
    match unsafe { libc::syscall(libc::SYS_bpf, command.0, attr, size_of::<T>()) } {
        -1 => Err(io::Error::last_os_error()),
        done => Ok(done),
    }
}

const _: () = assert!(size_of::<MapInfo>() == 104 && size_of::<ProgInfo>() == 232 && size_of::<BtfInfo>() == 32);
