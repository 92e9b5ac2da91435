//! Many elements with one command: `BPF_MAP_{LOOKUP,LOOKUP_AND_DELETE,UPDATE,DELETE}_BATCH`.
//!
//! Where a map's type has no such commands (percpu_cgroup_storage), the same is done element by element.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use super::{Hex, Map};
use crate::plain::{Plain, Value};
use crate::sys::Errno;
use crate::sys::elem::Cursor;
use crate::{Error, Result};

/// Bytes of keys and values that one command reads or writes, unless one element has more.
const ROOM: usize = 64 << 10;

/// How often a command is tried again that a signal, or an element that went meanwhile, interrupts.
const ATTEMPTS: u32 = 100;

/// How many elements of this map one command takes.
fn in_one_command(key_size: usize, value_len: usize) -> usize {
    (ROOM / key_size.saturating_add(value_len).max(1)).max(1)
}

/// An element's bytes.
type KeyValue<'a> = (&'a [u8], &'a [u8]);

/// Elements read in batches, as bytes.
pub(crate) struct Walk<'m> {
    map: &'m Map,
    flags: u64,
    delete: bool,
    by: By,
    keys: Vec<u8>,
    values: Vec<u8>,
    /// Elements that the buffers are to have room for.
    count: usize,
    /// Elements in the buffers, and how many of them were given out.
    found: usize,
    given: usize,
    /// What ends the walk, after the elements in the buffers.
    end: Option<Result<(), Errno>>,
}

/// How the kernel is asked.
enum By {
    Batch(Cursor),
    /// One element at a time, of at most so many.
    Key {
        begun: bool,
        left: u32,
    },
}

impl<'m> Walk<'m> {
    /// All elements; `flags` say which CPUs' values, `delete` whether they are removed.
    pub(crate) fn new(map: &'m Map, flags: u64, delete: bool) -> Walk<'m> {
        let fd = map.fd();
        let count = in_one_command(map.key_size(), fd.value_len(flags)).min((map.max_entries() as usize).max(1));
        let (by, keys, values) = (By::Batch(fd.cursor()), Vec::new(), Vec::new());
        Walk { map, flags, delete, by, keys, values, count, found: 0, given: 0, end: None }
    }

    pub(crate) fn map(&self) -> &'m Map {
        self.map
    }

    /// Changes how many elements one command reads.
    pub(crate) fn set_count(&mut self, count: usize) {
        self.count = count.max(1);
    }

    /// The next element's key and value. After an error there is none.
    pub(crate) fn next(&mut self) -> Option<Result<KeyValue<'_>, Errno>> {
        while self.given == self.found {
            match self.end {
                None => {}
                Some(Ok(())) => return None,
                Some(Err(errno)) => {
                    self.end = Some(Ok(()));
                    return Some(Err(errno));
                }
            }
            (self.given, self.found) = (0, 0);
            match self.by {
                By::Batch(_) => self.read_batch(),
                By::Key { .. } => self.read_one(),
            }
        }
        let index = self.given;
        self.given += 1;
        let (key_size, value_len) = (self.map.key_size(), self.map.fd().value_len(self.flags));
        let element = |bytes: &'_ [u8], size: usize| index * size..((index + 1) * size).min(bytes.len());
        let (key, value) = (element(&self.keys, key_size), element(&self.values, value_len));
        Some(Ok((&self.keys[key], &self.values[value])))
    }

    fn make_room(&mut self, count: usize) {
        self.keys.resize(count.saturating_mul(self.map.key_size()), 0);
        self.values.resize(count.saturating_mul(self.map.fd().value_len(self.flags)), 0);
    }

    fn read_batch(&mut self) {
        for _ in 0..ATTEMPTS {
            self.make_room(self.count);
            let By::Batch(cursor) = &mut self.by else { return };
            let fd = self.map.fd();
            let batched = fd.lookup_batch(self.delete, cursor, &mut self.keys, &mut self.values, self.flags);
            self.found = batched.done;
            match batched.error {
                None if batched.done == 0 => self.end = Some(Ok(())),
                Some(Errno::ENOENT) => self.end = Some(Ok(())),
                // More elements in one bucket than there is room for.
                Some(Errno::ENOSPC) if batched.done == 0 => {
                    if self.count > self.map.max_entries() as usize {
                        self.end = Some(Err(Errno::ENOSPC));
                        return;
                    }
                    self.count = self.count.saturating_mul(2);
                    continue;
                }
                None | Some(Errno::ENOSPC | Errno::EINTR | Errno::EAGAIN) if batched.done > 0 => {}
                Some(Errno::EINTR | Errno::EAGAIN) => continue,
                Some(Errno::ENOTSUPP) if !self.delete => {
                    self.make_room(1);
                    self.by = By::Key { begun: false, left: self.map.most_keys() };
                }
                Some(errno) => self.end = Some(Err(errno)),
                None => {}
            }
            return;
        }
        self.end = Some(Err(Errno::EAGAIN));
    }

    fn read_one(&mut self) {
        let By::Key { begun, left } = &mut self.by else { return };
        if *left == 0 {
            self.end = Some(Ok(()));
            return;
        }
        *left -= 1;
        let last = begun.then(|| self.keys.clone());
        let fd = self.map.fd();
        let next = fd.next_key(last.as_deref(), &mut self.keys);
        *begun = true;
        match next.and_then(|()| super::found(fd.lookup(&self.keys, &mut self.values, self.flags))) {
            Ok(found) => self.found = usize::from(found),
            Err(Errno::ENOENT) => self.end = Some(Ok(())),
            Err(errno) => self.end = Some(Err(errno)),
        }
    }
}

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("map", &self.map.name()).field("count", &self.count).finish_non_exhaustive()
    }
}

/// The elements of a map, read many at a time.
///
/// Each is as it was when its batch was read. An element that is added or removed meanwhile may be met or not; none is
/// met twice in a hash map, whatever is deleted.
#[derive(Debug)]
pub struct Elements<'m, K, V> {
    walk: Walk<'m>,
    /// Where in what was read of an element its value begins.
    start: usize,
    types: PhantomData<fn() -> (K, V)>,
}

impl<'m, K: Plain, V: Value> Elements<'m, K, V> {
    pub(crate) fn new(walk: Walk<'m>, start: usize) -> Self {
        Elements { walk, start, types: PhantomData }
    }

    /// Changes how many elements one command reads. By default keys and values of a command are 64 KiB together. One that
    /// is too small for the elements of one bucket of a hash map is doubled as needed.
    #[must_use]
    pub fn batch_size(mut self, elements: usize) -> Self {
        self.walk.set_count(elements);
        self
    }
}

impl<K: Plain, V: Value> Iterator for Elements<'_, K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        let map = self.walk.map();
        Some(match self.walk.next()? {
            Ok((key, value)) => {
                let end = value.len().min(self.start + map.value_size());
                Ok((crate::plain::read(key), V::read(&value[self.start.min(end)..end])))
            }
            Err(errno) => Err(map.failed("read the elements of map").errno_is(errno)),
        })
    }
}

impl<K: Plain, V: Value> FusedIterator for Elements<'_, K, V> {}

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
    /// The elements as bytes, read many at a time (`BPF_MAP_LOOKUP_BATCH`). With [`ElemFlags::cpu`](super::ElemFlags::cpu)
    /// values are those of one CPU, else whole ones as of [`lookup`](Self::lookup).
    ///
    /// # Errors
    ///
    /// The flags are not for this map, for a lookup, or known to the kernel; and each item, if the kernel refuses.
    pub fn elements(&self, flags: super::ElemFlags) -> Result<impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>> + '_> {
        self.check_flags("read the elements of map", flags, super::Operation::Lookup)?;
        let mut walk = Walk::new(self, flags.bits(), false);
        Ok(std::iter::from_fn(move || {
            let element = walk.next()?.map(|(key, value)| (key.to_vec(), value.to_vec()));
            Some(element.map_err(|errno| self.failed("read the elements of map").errno_is(errno)))
        }))
    }

    /// Writes elements, many at a time (`BPF_MAP_UPDATE_BATCH`): as [`update_flags`](Self::update_flags) for each.
    ///
    /// # Errors
    ///
    /// As there, and the kernel takes neither `BPF_NOEXIST` nor `BPF_EXIST` for a batch. The elements before the one that
    /// the error names were written.
    pub fn update_elements(&self, elements: &[(&[u8], &[u8])], flags: super::ElemFlags) -> Result<()> {
        const WHAT: &str = "write elements to map";
        self.check_flags(WHAT, flags, super::Operation::Update)?;
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
