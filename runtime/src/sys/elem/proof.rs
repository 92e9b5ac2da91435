//! Proves that our number of possible CPUs is the kernel's.
//!
//! A command without `BPF_F_CPU` and `BPF_F_ALL_CPUS` copies a value for each possible CPU, and the kernel does not know how
//! long the buffer is. We read the number of CPUs from a file in `/sys`, over which anything can be mounted. So the first
//! such command reads an element twice, the one that it has written or is to read: into a buffer that ends at a page without access, then into one that
//! is one CPU's value shorter. If the first succeeds and the second fails with `EFAULT`, our number is the kernel's. The
//! number never changes, so a process needs one proof. Until then every buffer ends at such a page, and a command fails
//! with `EFAULT` if the kernel copies more.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Batched, MapFd};
use crate::sys::Errno;
use crate::sys::guarded::Guarded;
use crate::sys::uapi::*;

/// Relaxed: it publishes no other memory.
static PROVEN: AtomicBool = AtomicBool::new(false);

/// Attempts at reading an element that programs may remove meanwhile.
const ATTEMPTS: u32 = 100;

/// Whether our number of possible CPUs is known to be the kernel's.
pub(super) fn is_done() -> bool {
    PROVEN.load(Ordering::Relaxed)
}

/// Whether the command copies a value for each CPU, and their number is not proven yet.
pub(super) fn is_needed(map: &MapFd, flags: u64) -> bool {
    map.shape.per_cpu() && flags & (BPF_F_CPU | BPF_F_ALL_CPUS) == 0 && !is_done()
}

/// `BPF_MAP_LOOKUP_ELEM` of all CPUs' values, with the proof. `EFAULT` if the kernel has another number of CPUs.
pub(super) fn lookup(map: &MapFd, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
    let mut memory = Guarded::new(value.len())?;
    // SAFETY: behind the value is a page without access, so that the kernel writes nothing else.
    unsafe { map.command(BPF_MAP_LOOKUP_ELEM, key, memory.address_before_page(value.len()), 0) }?;
    value.copy_from_slice(memory.last(value.len()));
    let less = value.len().saturating_sub(map.shape.slot());
    // SAFETY: as above.
    match unsafe { map.command(BPF_MAP_LOOKUP_ELEM, key, memory.address_before_page(less), 0) } {
        Err(Errno::EFAULT) => {
            PROVEN.store(true, Ordering::Relaxed);
            Ok(())
        }
        // The kernel has fewer CPUs.
        Ok(()) => Err(Errno::EFAULT),
        Err(errno) => Err(errno),
    }
}

/// `BPF_MAP_UPDATE_ELEM` of all CPUs' values, and the proof by reading them back. `EFAULT` if the kernel has another number of
/// CPUs; the values of those that it has are written then, if it has fewer.
pub(super) fn update(map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
    write(map, key, value, flags)?;
    match lookup(map, key, &mut vec![0; map.full]) {
        Err(Errno::EFAULT) => Err(Errno::EFAULT),
        // A program has removed it, or the map cannot be read: another command gives the proof.
        _ => Ok(()),
    }
}

fn write(map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
    let mut memory = Guarded::new(value.len())?;
    memory.last(value.len()).copy_from_slice(value);
    // SAFETY: behind the value is a page without access, so that the kernel reads nothing else.
    unsafe { map.command(BPF_MAP_UPDATE_ELEM, key, memory.address_before_page(value.len()), flags) }
}

/// The proof before a batch that reads or takes elements with these flags. An error is the result of the batch, which must
/// not run.
pub(super) fn before_lookup_batch(map: &MapFd, flags: u64) -> Result<(), Batched> {
    if !is_needed(map, flags) {
        return Ok(());
    }
    if map.shape.map_type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE {
        // The kernel has no such batch either.
        return Err(Batched { done: 0, error: Some(Errno::ENOTSUPP) });
    }
    let mut key = vec![0; map.shape.key_size as usize];
    for _ in 0..ATTEMPTS {
        let found = map.next_key(None, &mut key);
        // `ENOENT`: the map is empty, and a batch would find nothing.
        found.map_err(|errno| Batched { done: 0, error: Some(errno) })?;
        match lookup(map, &key, &mut vec![0; map.full]) {
            Ok(()) => return Ok(()),
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Batched { done: 0, error: Some(errno) }),
        }
    }
    Err(Batched { done: 0, error: Some(Errno::EAGAIN) })
}

/// The proof before a batch that writes with these flags: writes its first element, and reads it back. Errors are as for
/// [`before_lookup_batch`].
pub(super) fn before_update_batch(map: &MapFd, keys: &[u8], values: &[u8], flags: u64) -> Result<(), Batched> {
    if !is_needed(map, flags) {
        return Ok(());
    }
    let (Some(key), Some(value)) = (keys.get(..map.shape.key_size as usize), values.get(..map.full)) else {
        return Ok(());
    };
    if map.shape.map_type != BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE {
        write(map, key, value, flags).map_err(|errno| Batched { done: 0, error: Some(errno) })?;
        match lookup(map, key, &mut vec![0; map.full]) {
            Ok(()) => return Ok(()),
            Err(Errno::EFAULT) => return Err(Batched { done: 0, error: Some(Errno::EFAULT) }),
            // A program has removed it, or the map cannot be read: the caller writes element by element.
            Err(_) => {}
        }
    }
    Err(Batched { done: 0, error: Some(Errno::ENOTSUPP) })
}
