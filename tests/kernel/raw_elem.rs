//! bpf(2)'s commands on elements, asked as they are: what the kernel says to flags that the runtime does not pass on.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use skelgen_abi::attr::{MapBatch, MapElem};
use skelgen_runtime::uapi::{
    BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_ELEM,
    BPF_MAP_UPDATE_BATCH, BPF_MAP_UPDATE_ELEM, Command,
};
use skelgen_runtime::{Errno, Map};

/// What a batch read: how many elements, and what ended it.
pub(crate) struct BatchRead {
    pub(crate) count: u32,
    pub(crate) result: Result<(), Errno>,
    pub(crate) keys: Vec<u8>,
    /// As long as the kernel wrote them, one behind the other, and then zeroes.
    pub(crate) values: Vec<u8>,
}

/// `BPF_MAP_LOOKUP_ELEM`: the value, followed by zeroes.
pub(crate) fn lookup(map: &Map, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
    read(BPF_MAP_LOOKUP_ELEM, map, key, flags)
}

/// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`.
pub(crate) fn lookup_and_delete(map: &Map, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
    read(BPF_MAP_LOOKUP_AND_DELETE_ELEM, map, key, flags)
}

fn read(cmd: Command, map: &Map, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; map.full_value_size()];
    elem(cmd, map, key, &mut value, flags)?;
    Ok(value)
}

/// `BPF_MAP_UPDATE_ELEM`, with the value followed by zeroes.
pub(crate) fn update(map: &Map, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
    let mut value = value.to_vec();
    value.resize(map.full_value_size(), 0);
    elem(BPF_MAP_UPDATE_ELEM, map, key, &mut value, flags)
}

fn elem(cmd: Command, map: &Map, key: &[u8], value: &mut [u8], flags: u64) -> Result<(), Errno> {
    assert_eq!((key.len(), value.len()), (map.key_size(), map.full_value_size()));
    let mut attr = MapElem { map_fd: fd(map), pad: 0, key: address(key), value: address_mut(value), flags };
    // SAFETY: the attr is as long as is said; the key is as long as the map's, and there is room for the longest value,
    // whatever the flags make of it.
    answer(unsafe { libc::syscall(libc::SYS_bpf, cmd.0, &raw mut attr, size_of::<MapElem>()) })
}

/// `BPF_MAP_LOOKUP_BATCH`, from the first element on.
pub(crate) fn lookup_batch(map: &Map, count: u32, elem_flags: u64) -> BatchRead {
    read_batch(BPF_MAP_LOOKUP_BATCH, map, count, elem_flags)
}

/// `BPF_MAP_LOOKUP_AND_DELETE_BATCH`, from the first element on.
pub(crate) fn lookup_and_delete_batch(map: &Map, count: u32, elem_flags: u64) -> BatchRead {
    read_batch(BPF_MAP_LOOKUP_AND_DELETE_BATCH, map, count, elem_flags)
}

fn read_batch(cmd: Command, map: &Map, count: u32, elem_flags: u64) -> BatchRead {
    let mut keys = vec![0; count as usize * map.key_size()];
    let mut values = vec![0; count as usize * map.full_value_size()];
    let mut cursor = vec![0; map.key_size().max(size_of::<u32>())];
    let mut attr = MapBatch {
        out_batch: address_mut(&mut cursor),
        keys: address_mut(&mut keys),
        values: address_mut(&mut values),
        count,
        map_fd: fd(map),
        elem_flags,
        ..MapBatch::default()
    };
    // SAFETY: the attr is as long as is said; there is room for as many keys and as many of the longest values as are
    // asked for, and for where the batch ended: a key, or a bucket's number.
    let result = answer(unsafe { libc::syscall(libc::SYS_bpf, cmd.0, &raw mut attr, size_of::<MapBatch>()) });
    BatchRead { count: attr.count, result, keys, values }
}

/// `BPF_MAP_UPDATE_BATCH` with the same value for each key: how many were written.
pub(crate) fn update_batch(map: &Map, keys: &[u8], value: &[u8], elem_flags: u64) -> (u32, Result<(), Errno>) {
    let count = keys.len() / map.key_size();
    let mut values = value.repeat(count);
    values.resize(count * map.full_value_size(), 0);
    let mut attr = MapBatch {
        keys: address(keys),
        values: address(&values),
        count: count as u32,
        map_fd: fd(map),
        elem_flags,
        ..MapBatch::default()
    };
    // SAFETY: the attr is as long as is said; there are as many keys, and at least the bytes of as many values.
    let result =
        answer(unsafe { libc::syscall(libc::SYS_bpf, BPF_MAP_UPDATE_BATCH.0, &raw mut attr, size_of::<MapBatch>()) });
    (attr.count, result)
}

fn fd(map: &Map) -> u32 {
    map.as_fd().as_raw_fd().cast_unsigned()
}

fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr().expose_provenance() as u64
}

fn address_mut(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr().expose_provenance() as u64
}

fn answer(returned: libc::c_long) -> Result<(), Errno> {
    match returned {
        -1 => Err(Errno::new(io::Error::last_os_error().raw_os_error().unwrap())),
        _ => Ok(()),
    }
}
