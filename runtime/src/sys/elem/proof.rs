//! Proof that the kernel has as many CPUs as we take it to have.
//!
//! A command without `BPF_F_CPU` and `BPF_F_ALL_CPUS` copies a value for each possible CPU, and the kernel takes the
//! buffer's length on trust. Our count is a file's in `/sys`, over which anything can be mounted. So the first such command
//! that reads an element writes it in front of a page without access, and then once more where one CPU's value has no room:
//! if the first succeeds and the second says `EFAULT`, the count is the kernel's. It never changes, so one proof is enough
//! for the process. Before it, every command has that page behind its buffer, and a count that is not the kernel's is
//! `EFAULT`.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Batched, MapFd};
use crate::sys::Errno;
use crate::sys::guarded::Guarded;
use crate::sys::uapi::*;

/// Nothing else depends on what was written before it.
static PROVEN: AtomicBool = AtomicBool::new(false);

/// How often an element that is gone when it is read is looked for again.
const ATTEMPTS: u32 = 100;

/// Whether the kernel copies as many bytes as [`MapFd::value_len`] says.
pub(super) fn is_needed(map: &MapFd, flags: u64) -> bool {
    map.shape.per_cpu() && flags & (BPF_F_CPU | BPF_F_ALL_CPUS) == 0 && !PROVEN.load(Ordering::Relaxed)
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
        // Fewer are enough.
        Ok(()) => Err(Errno::EFAULT),
        Err(errno) => Err(errno),
    }
}

/// `BPF_MAP_UPDATE_ELEM` of all CPUs' values. `EFAULT` if the kernel has more CPUs; if it has fewer, the last values are of
/// none.
pub(super) fn update(map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
    let mut memory = Guarded::new(value.len())?;
    memory.last(value.len()).copy_from_slice(value);
    // SAFETY: behind the value is a page without access, so that the kernel reads nothing else.
    unsafe { map.command(BPF_MAP_UPDATE_ELEM, key, memory.address_before_page(value.len()), flags) }
}

/// Before a batch that reads or takes elements with these flags. The error is the result of the batch, which must not be
/// started then.
pub(super) fn before_lookup_batch(map: &MapFd, flags: u64) -> Result<(), Batched> {
    if !is_needed(map, flags) {
        return Ok(());
    }
    if map.shape.map_type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE {
        // Which the kernel says, too.
        return Err(Batched { done: 0, error: Some(Errno::ENOTSUPP) });
    }
    let mut key = vec![0; map.shape.key_size as usize];
    for _ in 0..ATTEMPTS {
        let found = map.next_key(None, &mut key);
        // `ENOENT`: a map without elements, of which a batch finds none.
        found.map_err(|errno| Batched { done: 0, error: Some(errno) })?;
        match lookup(map, &key, &mut vec![0; map.full]) {
            Ok(()) => return Ok(()),
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Batched { done: 0, error: Some(errno) }),
        }
    }
    Err(Batched { done: 0, error: Some(Errno::EAGAIN) })
}

/// Before a batch that writes with these flags: writes its first element, and reads it back. The error is as in
/// [`before_lookup_batch`].
pub(super) fn before_update_batch(map: &MapFd, keys: &[u8], values: &[u8], flags: u64) -> Result<(), Batched> {
    if !is_needed(map, flags) {
        return Ok(());
    }
    let (Some(key), Some(value)) = (keys.get(..map.shape.key_size as usize), values.get(..map.full)) else {
        return Ok(());
    };
    if map.shape.map_type != BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE {
        update(map, key, value, flags).map_err(|errno| Batched { done: 0, error: Some(errno) })?;
        match lookup(map, key, &mut vec![0; map.full]) {
            Ok(()) => return Ok(()),
            Err(Errno::EFAULT) => return Err(Batched { done: 0, error: Some(Errno::EFAULT) }),
            // It is gone again, or the map may not be read.
            Err(_) => {}
        }
    }
    Err(Batched { done: 0, error: Some(Errno::ENOTSUPP) })
}
