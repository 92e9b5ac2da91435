//! Writing and removing many elements: `BPF_MAP_UPDATE_BATCH` and `BPF_MAP_DELETE_BATCH`.
//!
//! Where a map's type has no such commands (`percpu_cgroup_storage`), the same is done element by element.

use std::fmt;

use super::{ElemFlags, Hex, Map, Operation};
use crate::plain::Plain;
use crate::sys::Errno;
use crate::sys::uapi::{BPF_EXIST, BPF_NOEXIST};
use crate::{Error, Result};

/// Bytes of keys and values that one command reads or writes, unless one element has more.
const ROOM: usize = 64 << 10;

/// How many elements of this map one command takes.
pub(super) fn in_one_command(key_size: usize, value_len: usize) -> usize {
    (ROOM / key_size.saturating_add(value_len).max(1)).max(1)
}

/// What a batch could not do: after so many elements, why.
pub(crate) struct Stopped {
    pub(crate) done: usize,
    pub(crate) errno: Errno,
}

impl Stopped {
    /// The error for the element at which a batch of `count` stopped.
    pub(crate) fn error(self, map: &Map, operation: &'static str, key: Option<&dyn fmt::Debug>, count: usize) -> Error {
        let failed = map.failed(operation).refused(self.errno, map.shape());
        let failed = match self.done {
            0 => failed,
            done => failed.because(format!("after {done} of {count} elements")),
        };
        match key {
            Some(key) => failed.at_key(key),
            None => failed,
        }
    }
}

/// Writes `count` elements; `fill` puts the key and the value of one where they belong, into zeroes.
pub(crate) fn write_batch(
    map: &Map,
    flags: u64,
    count: usize,
    mut fill: impl FnMut(usize, &mut [u8], &mut [u8]),
) -> Result<(), Stopped> {
    let (key_size, value_len) = (map.key_size(), map.fd().value_len(flags));
    let chunk = in_one_command(key_size, value_len).min(count);
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for start in (0..count).step_by(chunk.max(1)) {
        let here = chunk.min(count - start);
        for (bytes, size) in [(&mut keys, key_size), (&mut values, value_len)] {
            bytes.clear();
            bytes.resize(here * size, 0);
        }
        for index in 0..here {
            let key = &mut keys[index * key_size..][..key_size];
            fill(start + index, key, &mut values[index * value_len..][..value_len]);
        }
        write_chunk(map, flags, &keys, &values)
            .map_err(|Stopped { done, errno }| Stopped { done: start + done, errno })?;
    }
    Ok(())
}

fn write_chunk(map: &Map, flags: u64, keys: &[u8], values: &[u8]) -> Result<(), Stopped> {
    let fd = map.fd();
    let batched = fd.update_batch(keys, values, flags);
    match batched.error {
        None => Ok(()),
        Some(Errno::ENOTSUPP) if batched.done == 0 => {
            let keys = keys.chunks_exact(map.key_size().max(1));
            let values = values.chunks_exact(fd.value_len(flags).max(1));
            for (done, (key, value)) in keys.zip(values).enumerate() {
                fd.update(key, value, flags).map_err(|errno| Stopped { done, errno })?;
            }
            Ok(())
        }
        Some(errno) => Err(Stopped { done: batched.done, errno }),
    }
}

/// Removes the elements at `keys`, and stops at the first that is not there.
pub(crate) fn delete_batch<K: Plain>(map: &Map, keys: &[K]) -> Result<()> {
    let chunk = in_one_command(map.key_size(), 0);
    let mut bytes = Vec::new();
    for (index, keys_here) in keys.chunks(chunk).enumerate() {
        bytes.clear();
        keys_here.iter().for_each(|key| bytes.extend_from_slice(key.as_bytes()));
        let batched = map.fd().delete_batch(&bytes);
        if let Some(errno) = batched.error {
            let stopped = Stopped { done: index * chunk + batched.done, errno };
            let key = keys.get(stopped.done).map(|key| key as &dyn fmt::Debug);
            return Err(stopped.error(map, "delete elements from map", key, keys.len()));
        }
    }
    Ok(())
}

impl Map {
    /// Writes elements, many at a time (`BPF_MAP_UPDATE_BATCH`): as [`update_flags`](Self::update_flags) for each.
    ///
    /// # Errors
    ///
    /// As there; or the flags have `BPF_NOEXIST` or `BPF_EXIST`, which the kernel does not take for a batch. The elements
    /// before the one that the error names were written.
    pub fn update_elements(&self, elements: &[(&[u8], &[u8])], flags: ElemFlags) -> Result<()> {
        const WHAT: &str = "write elements to map";
        self.check_flags(WHAT, flags, Operation::Update)?;
        if flags.bits() & (BPF_NOEXIST | BPF_EXIST) != 0 {
            return Err(self.failed(WHAT).because(format!("{flags:?} is for single elements, never for a batch")));
        }
        for (key, value) in elements {
            self.check_len("key", key.len(), self.key_size())?;
            self.check_len("value", value.len(), self.fd().value_len(flags.bits()))?;
        }
        let result = write_batch(self, flags.bits(), elements.len(), |index, key, value| {
            key.copy_from_slice(elements[index].0);
            value.copy_from_slice(elements[index].1);
        });
        result.map_err(|stopped| {
            let key = elements.get(stopped.done).map(|(key, _)| Hex(key));
            stopped.error(self, WHAT, key.as_ref().map(|key| key as &dyn fmt::Debug), elements.len())
        })
    }
}
