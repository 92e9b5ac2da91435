//! bpf(2)'s commands on a map's elements.
//!
//! The kernel takes keys and values to be as long as the map's, whatever the caller's buffer; [`MapFd`] knows those
//! lengths and checks each slice.
#![allow(unsafe_code, reason = "system calls that read and write memory by address")]

mod proof;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::Errno;
use super::attr::{MapBatch, MapCreate, MapElem};
use super::bpf::{self, address, address_mut, raw, sys_bpf};
use super::uapi::*;
use crate::cpus;

/// A map's type and sizes, as it was created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) map_type: MapType,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) map_flags: MapFlags,
}

impl Shape {
    /// Whether each CPU has a value of its own.
    pub(crate) fn per_cpu(&self) -> bool {
        matches!(
            self.map_type,
            BPF_MAP_TYPE_PERCPU_HASH
                | BPF_MAP_TYPE_PERCPU_ARRAY
                | BPF_MAP_TYPE_LRU_PERCPU_HASH
                | BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
        )
    }

    /// Bytes from one CPU's value to the next's in a value of all CPUs: a whole number of 8.
    pub(crate) fn slot(&self) -> usize {
        (self.value_size as usize).next_multiple_of(8)
    }

    /// Bytes of a value as the kernel reads and writes it without flags; `width` CPUs are possible.
    fn full(&self, width: usize) -> usize {
        if self.per_cpu() { self.slot().saturating_mul(width) } else { self.value_size as usize }
    }
}

impl From<&MapCreate> for Shape {
    fn from(attr: &MapCreate) -> Shape {
        let MapCreate { map_type, key_size, value_size, max_entries, map_flags, .. } = *attr;
        Shape { map_type, key_size, value_size, max_entries, map_flags }
    }
}

/// A map's descriptor together with what the kernel will read and write through it.
#[derive(Debug)]
pub(crate) struct MapFd {
    fd: OwnedFd,
    /// Whether `fd` is open on something else, because there is no map.
    absent: bool,
    shape: Shape,
    /// Bytes of a value without flags.
    full: usize,
}

/// Whether the number of possible CPUs that we know was seen to be the kernel's.
pub(crate) fn knows_the_kernels_cpus() -> bool {
    proof::is_done()
}

/// Where a walk in batches is.
#[derive(Debug)]
pub(crate) struct Cursor {
    begun: bool,
    last: Vec<u8>,
    next: Vec<u8>,
}

impl Cursor {
    /// Whether it is behind the place before the first element.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }
}

/// What a batch did: so many elements, the first ones, and then what kept it from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batched {
    pub(crate) done: usize,
    pub(crate) error: Option<Errno>,
}

/// One of `BPF_MAP_*_BATCH`.
///
/// # Safety
///
/// As for [`sys_bpf`].
unsafe fn batch(cmd: Command, mut attr: MapBatch) -> Batched {
    let count = attr.count;
    // SAFETY: the caller's promise.
    let error = unsafe { sys_bpf(cmd, &mut attr) }.err();
    // The kernel writes how many were done, unless it refuses at once: then what was asked for still stands there.
    let done = match error {
        Some(Errno::ENOENT) | None => attr.count.min(count),
        Some(_) if attr.count >= count => 0,
        Some(_) => attr.count,
    };
    Batched { done: done as usize, error }
}

impl From<MapFd> for OwnedFd {
    fn from(map: MapFd) -> OwnedFd {
        map.fd
    }
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl MapFd {
    /// A new map.
    pub(crate) fn create(attr: MapCreate) -> Result<MapFd, Errno> {
        MapFd::create_with(attr, None, None)
    }

    /// A new map, with a token and for one program alone, if given.
    pub(crate) fn create_with(
        attr: MapCreate,
        token: Option<BorrowedFd<'_>>,
        excl_prog_hash: Option<&[u8; 32]>,
    ) -> Result<MapFd, Errno> {
        MapFd::sized(bpf::map_create(attr, token, excl_prog_hash)?, Shape::from(&attr))
    }

    /// The map behind a descriptor, with the sizes that the kernel tells; `EINVAL` if it is none.
    pub(crate) fn of(fd: OwnedFd) -> Result<MapFd, Errno> {
        let info = bpf::map_info(fd.as_fd())?;
        let shape = Shape {
            map_type: info.r#type,
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            map_flags: info.map_flags,
        };
        MapFd::sized(fd, shape)
    }

    /// `shape` must be what the kernel was given or tells.
    pub(crate) fn sized(fd: OwnedFd, shape: Shape) -> Result<MapFd, Errno> {
        let width = if shape.per_cpu() { cpus::width().map_err(|_| Errno::EIO)? } else { 1 };
        Ok(MapFd { fd, absent: false, shape, full: shape.full(width) })
    }

    /// The handle of a map that was not created. Each operation on it fails with `EBADF`.
    ///
    /// Its descriptor is a pipe's, because [`AsFd`] must have one: bpf(2) refuses it, and it cannot be mapped into memory.
    pub(crate) fn absent(shape: Shape) -> Result<MapFd, Errno> {
        let (pipe, _) = io::pipe().map_err(|error| Errno::new(error.raw_os_error().unwrap_or_default()))?;
        Ok(MapFd { absent: true, ..MapFd::sized(pipe.into(), shape)? })
    }

    /// Whether there is no map.
    pub(crate) fn is_absent(&self) -> bool {
        self.absent
    }

    /// `EBADF` if there is no map.
    fn present(&self) -> Result<(), Errno> {
        if self.absent { Err(Errno::EBADF) } else { Ok(()) }
    }

    /// The same map, under another descriptor.
    pub(crate) fn try_clone(&self) -> Result<MapFd, Errno> {
        Ok(MapFd { fd: self.fd.try_clone()?, ..*self })
    }

    /// The sizes.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Bytes of a value as the kernel reads and writes it with `flags`.
    pub(crate) fn value_len(&self, flags: u64) -> usize {
        // A kernel that does not know the flags refuses a lookup with them at once; an update with them, whose value
        // it would take to be of all CPUs, it is never asked for.
        if flags & (BPF_F_CPU | BPF_F_ALL_CPUS) != 0 { self.shape.value_size as usize } else { self.full }
    }

    /// `EINVAL` unless `key` and `value` are as long as the kernel will take them to be; `EBADF` if there is no map.
    fn check(&self, key: &[u8], value: Option<(&[u8], u64)>) -> Result<(), Errno> {
        self.present()?;
        let value_fits = value.is_none_or(|(value, flags)| value.len() == self.value_len(flags));
        if key.len() == self.shape.key_size as usize && value_fits { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn attr(&self, key: u64, value: u64, flags: u64) -> MapElem {
        MapElem { map_fd: raw(self.as_fd()), pad: 0, key, value, flags }
    }

    /// A command on one element.
    ///
    /// # Safety
    ///
    /// The key is as long as the map's. At `value` the kernel may read or write as many bytes as it takes a value to have,
    /// if `cmd` does, and nothing else uses what it writes.
    unsafe fn command(&self, cmd: Command, key: &[u8], value: u64, flags: u64) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { sys_bpf(cmd, &mut self.attr(address(key), value, flags)) }.map(drop)
    }

    /// `BPF_MAP_LOOKUP_ELEM` into a value of [`value_len`](Self::value_len) bytes.
    ///
    /// `EFAULT` if the kernel has another number of possible CPUs than [`cpus::width`] says.
    pub(crate) fn lookup(&self, key: &[u8], value: &mut [u8], flags: u64) -> Result<(), Errno> {
        self.check(key, Some((value, flags)))?;
        if proof::is_needed(self, flags) {
            return proof::lookup(self, key, value);
        }
        // SAFETY: key and value are as long as the kernel takes them to be, and outlive the call.
        unsafe { self.command(BPF_MAP_LOOKUP_ELEM, key, address_mut(value), flags) }
    }

    /// `BPF_MAP_UPDATE_ELEM` from a value of [`value_len`](Self::value_len) bytes; `EFAULT` as in [`lookup`](Self::lookup).
    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.check(key, Some((value, flags)))?;
        if proof::is_needed(self, flags) {
            return proof::update(self, key, value, flags);
        }
        // SAFETY: key and value are as long as the kernel takes them to be, and outlive the call.
        unsafe { self.command(BPF_MAP_UPDATE_ELEM, key, address(value), flags) }
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.check(key, None)?;
        // SAFETY: the key is as long as the map's, and outlives the call.
        unsafe { self.command(BPF_MAP_DELETE_ELEM, key, 0, 0) }
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM` into a value of [`value_len`](Self::value_len) bytes; `EFAULT` as in
    /// [`lookup`](Self::lookup).
    pub(crate) fn lookup_and_delete(&self, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        self.check(key, Some((value, 0)))?;
        if proof::is_needed(self, 0) {
            proof::lookup(self, key, value)?;
        }
        // SAFETY: key and value are as long as the kernel takes them to be, and outlive the call.
        unsafe { self.command(BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, address_mut(value), 0) }
    }

    /// `BPF_MAP_GET_NEXT_KEY`: the key after `key`, or the first; `ENOENT` after the last.
    pub(crate) fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        self.check(key.unwrap_or(next), None)?;
        self.check(next, None)?;
        let mut attr = self.attr(key.map_or(0, address), address_mut(next), 0);
        // SAFETY: both keys are as long as the map's, and outlive the call.
        unsafe { sys_bpf(BPF_MAP_GET_NEXT_KEY, &mut attr) }.map(drop)
    }

    /// `BPF_MAP_LOOKUP_BATCH`, or if `delete` `BPF_MAP_LOOKUP_AND_DELETE_BATCH`: as many elements as `keys` has room for,
    /// after those before `cursor`, which moves on.
    ///
    /// `flags` are the elements' own. The error is what ended it, `ENOENT` after the last element.
    pub(crate) fn lookup_batch(
        &self,
        delete: bool,
        cursor: &mut Cursor,
        keys: &mut [u8],
        values: &mut [u8],
        flags: u64,
    ) -> Batched {
        let count = match self.count(keys, Some((values, flags))) {
            // A cursor of another map may be too short.
            Ok(count) if cursor.next.len() >= self.cursor_len() => count,
            Ok(_) => return Batched { done: 0, error: Some(Errno::EINVAL) },
            Err(errno) => return Batched { done: 0, error: Some(errno) },
        };
        if let Err(instead) = proof::before_lookup_batch(self, flags) {
            return instead;
        }
        let attr = MapBatch {
            in_batch: if cursor.begun { address(&cursor.last) } else { 0 },
            out_batch: address_mut(&mut cursor.next),
            keys: address_mut(keys),
            values: address_mut(values),
            count,
            map_fd: raw(self.as_fd()),
            elem_flags: flags,
            flags: 0,
        };
        let cmd = if delete { BPF_MAP_LOOKUP_AND_DELETE_BATCH } else { BPF_MAP_LOOKUP_BATCH };
        // SAFETY: keys and values have room for `count` elements of the lengths that the kernel takes them to have, the
        // cursor for what any map type keeps there, and all outlive the call.
        let batched = unsafe { batch(cmd, attr) };
        // Where nothing was found, some kernels leave the place unwritten.
        if batched.done > 0 {
            cursor.begun = true;
            std::mem::swap(&mut cursor.last, &mut cursor.next);
        }
        batched
    }

    /// `BPF_MAP_UPDATE_BATCH`; `flags` are the elements' own.
    pub(crate) fn update_batch(&self, keys: &[u8], values: &[u8], flags: u64) -> Batched {
        let count = match self.count(keys, Some((values, flags))) {
            Ok(count) => count,
            Err(errno) => return Batched { done: 0, error: Some(errno) },
        };
        if let Err(instead) = proof::before_update_batch(self, keys, values, flags) {
            return instead;
        }
        let (keys, values, map_fd) = (address(keys), address(values), raw(self.as_fd()));
        let attr = MapBatch { keys, values, count, map_fd, elem_flags: flags, ..Default::default() };
        // SAFETY: keys and values are `count` elements of the lengths that the kernel takes them to have, and outlive the
        // call.
        unsafe { batch(BPF_MAP_UPDATE_BATCH, attr) }
    }

    /// `BPF_MAP_DELETE_BATCH`.
    pub(crate) fn delete_batch(&self, keys: &[u8]) -> Batched {
        let count = match self.count(keys, None) {
            Ok(count) => count,
            Err(errno) => return Batched { done: 0, error: Some(errno) },
        };
        let attr = MapBatch { keys: address(keys), count, map_fd: raw(self.as_fd()), ..Default::default() };
        // SAFETY: there are `count` keys of the length that the kernel takes them to have, and they outlive the call.
        unsafe { batch(BPF_MAP_DELETE_BATCH, attr) }
    }

    /// A place before the first element.
    pub(crate) fn cursor(&self) -> Cursor {
        let len = self.cursor_len();
        Cursor { begun: false, last: vec![0; len], next: vec![0; len] }
    }

    /// The place of the element at `key`, for maps whose cursor is the key of the next element.
    pub(crate) fn cursor_at(&self, key: &[u8]) -> Cursor {
        let mut cursor = self.cursor();
        cursor.last.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        cursor.begun = true;
        cursor
    }

    /// The key of the next element, for such maps.
    pub(crate) fn key_at<'c>(&self, cursor: &'c Cursor) -> &'c [u8] {
        &cursor.last[..cursor.last.len().min(self.shape.key_size as usize)]
    }

    /// The kernel keeps a key there, or the number of a hash map's bucket.
    fn cursor_len(&self) -> usize {
        (self.shape.key_size as usize).max(size_of::<u32>())
    }

    /// How many elements these are; `EINVAL` unless they are whole ones, and as many keys as values; `EBADF` if there is no
    /// map.
    fn count(&self, keys: &[u8], values: Option<(&[u8], u64)>) -> Result<u32, Errno> {
        self.present()?;
        let key_size = self.shape.key_size as usize;
        let count = keys.len().checked_div(key_size).ok_or(Errno::EINVAL)?;
        let whole = |bytes: &[u8], size: usize| size.checked_mul(count) == Some(bytes.len());
        let values_fit = values.is_none_or(|(values, flags)| whole(values, self.value_len(flags)));
        if !whole(keys, key_size) || !values_fit {
            return Err(Errno::EINVAL);
        }
        u32::try_from(count).map_err(|_| Errno::E2BIG)
    }

    /// `BPF_MAP_FREEZE`.
    pub(crate) fn freeze(&self) -> Result<(), Errno> {
        self.present()?;
        bpf::map_freeze(self.as_fd())
    }

    /// Whether the kernel knows `BPF_F_CPU` and `BPF_F_ALL_CPUS` (Linux 7.0), asked without any effect: a lookup for
    /// a CPU that no kernel has. One that knows the flag says `ERANGE`, or `EPERM` if the map may not be read; one that
    /// does not says `EINVAL` before it looks at the map.
    ///
    /// The map must be a per-CPU one.
    pub(crate) fn knows_cpu_flags(&self) -> bool {
        let mut attr = self.attr(0, 0, BPF_F_CPU | u64::from(u32::MAX) << 32);
        // SAFETY: both addresses are 0, which the kernel refuses if it gets there.
        let answer = unsafe { sys_bpf(BPF_MAP_LOOKUP_ELEM, &mut attr) };
        matches!(answer, Err(Errno::ERANGE | Errno::EPERM))
    }
}
