//! Reading and taking all elements of an `rhash` (`BPF_MAP_TYPE_RHASH`, Linux 7.2).
//!
//! The kernel grows and shrinks the table of an `rhash` while elements come and go, in the background, and each time all
//! elements get new places. The cursor of a batch is the key of the next element: after a resize the batch continues at a place
//! that has nothing to do with the one before, and misses elements or reads them twice (`rhashtable_next_key` in
//! `lib/rhashtable.c`). No command reports a resize. And a batch ends as if at the table's end when the element that it has just
//! read is deleted (`__rhtab_map_lookup_and_delete_batch` in `kernel/bpf/hashtab.c`). In Linux 7.3.4, a walk that deletes what
//! it reads misses up to half of 20,000 elements, and a walk of a growing map can go in circles.
//!
//! So [`read_all`] reads the whole map before the walk gives its first element. After a pass over the table it reads the
//! table's first elements again. If they are the first elements of the pass, in the same order, the table was not resized
//! meanwhile, so far as we can tell: a resize changes the order. Otherwise it makes another pass. So a read of a map that
//! others change meanwhile seldom misses an element that stays, but it can: for keys of 8 bytes, the new order may resemble the
//! old one (`rhtab_hashfn_long`). [`Drain`] takes elements out until a pass that begins at the table's start finds none.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::sys::Errno;
use crate::sys::elem::{Batched, Cursor, MapFd};

/// Passes over a table that is resized in each of them, before the walk fails with `EAGAIN`.
const PASSES: u32 = 100;

/// How many times its `max_entries` a map is drained at most: a program can insert elements as fast as we take them. A pass misses
/// an element with a probability of at most one half.
const DRAINED: u64 = 64;

/// Elements that are read again to see whether a table was resized.
const CHECKED: usize = 64;

/// Of these, how many must have been met before if the map has more. Elements that are deleted meanwhile, or moved within a chain,
/// may disturb one in eight neighbours.
const ENOUGH: usize = 32;

/// How many keys a pass goes back from a cursor whose element is gone.
const BACK: usize = 64;

/// How often a command is tried again that a signal interrupts.
const ATTEMPTS: u32 = 100;

/// The most bytes of keys and values that one command is given room for after its cursors were lost.
const ROOM: usize = 16 << 20;

/// A map that is read in batches.
trait Table {
    /// Reads into `keys` and `values` from the element at the key `from`, or from the table's start. The first value is what
    /// the command did, the second the key of the next element if there is one. `EAGAIN` and no elements: there is no element
    /// at `from`.
    fn read(&mut self, from: Option<&[u8]>, keys: &mut [u8], values: &mut [u8]) -> (Batched, Option<Vec<u8>>);

    /// Whether there is an element at the key.
    fn has(&mut self, key: &[u8]) -> Result<bool, Errno>;
}

struct Kernels<'m> {
    fd: &'m MapFd,
    flags: u64,
}

impl Table for Kernels<'_> {
    fn read(&mut self, from: Option<&[u8]>, keys: &mut [u8], values: &mut [u8]) -> (Batched, Option<Vec<u8>>) {
        let mut cursor = match from {
            Some(key) => self.fd.cursor_at(key),
            None => self.fd.cursor(),
        };
        let batched = self.fd.lookup_batch(false, &mut cursor, keys, values, self.flags);
        let next = (batched.error.is_none() && batched.done > 0).then(|| self.fd.key_at(&cursor).to_vec());
        (batched, next)
    }

    fn has(&mut self, key: &[u8]) -> Result<bool, Errno> {
        let mut value = vec![0; self.fd.value_len(self.flags)];
        super::found(self.fd.lookup(key, &mut value, self.flags))
    }
}

/// The elements that a pass over the table met, each once.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) keys: Vec<u8>,
    pub(super) values: Vec<u8>,
    /// By key, its place among them.
    places: HashMap<Box<[u8]>, usize>,
}

/// All elements of a map at rest, almost always all that stay otherwise, and none twice. One command reads `count`
/// elements, or fewer.
///
/// `EAGAIN` if the kernel resized the table, or its elements were deleted as fast as we read them, in [`PASSES`] passes.
pub(super) fn read_all(fd: &MapFd, flags: u64, count: usize) -> Result<Pass, Errno> {
    let shape = fd.shape();
    let (key_size, value_len) = (shape.key_size as usize, fd.value_len(flags));
    Reader { table: Kernels { fd, flags }, key_size, value_len, count, most: shape.max_entries as usize }.read_all()
}

struct Reader<T> {
    table: T,
    key_size: usize,
    value_len: usize,
    /// Elements for one command.
    count: usize,
    /// `max_entries`.
    most: usize,
}

impl<T: Table> Reader<T> {
    fn read_all(mut self) -> Result<Pass, Errno> {
        for _ in 0..PASSES {
            if let Some(pass) = self.pass()?
                && self.is_undisturbed(&pass)?
            {
                return Ok(pass);
            }
        }
        Err(Errno::EAGAIN)
    }

    /// From the table's start to its end; `None` if the table was resized or the place in it lost.
    fn pass(&mut self) -> Result<Option<Pass>, Errno> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut pass = Pass::default();
        let mut from: Option<Vec<u8>> = None;
        // How far the pass went back from a lost cursor, and how many elements it read again for that.
        let (mut back, mut again) = (0, 0_usize);
        let (mut read, mut interrupted) = (0_usize, 0);
        loop {
            keys.resize(self.count.saturating_mul(self.key_size), 0);
            values.resize(self.count.saturating_mul(self.value_len), 0);
            let (batched, next) = self.table.read(from.as_deref(), &mut keys, &mut values);
            let before = pass.len();
            for (key, value) in elements(&keys, &values, batched.done, self.key_size, self.value_len) {
                pass.add(key, value);
            }
            if pass.len() > before {
                back = 0;
            }
            read = read.saturating_add(batched.done);
            match batched.error {
                None if batched.done > 0 => from = next,
                None | Some(Errno::ENOENT) if self.is_end(&keys, batched.done)? => return Ok(Some(pass)),
                Some(Errno::EINTR) if interrupted < ATTEMPTS => interrupted += 1,
                None | Some(Errno::ENOENT | Errno::EAGAIN) if pass.len() > 0 => {
                    // The element is gone, and those just before it may be there still.
                    let met = pass.len();
                    if back == met.min(BACK) {
                        self.read_more_at_once();
                        return Ok(None);
                    }
                    back += 1;
                    again = again.saturating_add(back);
                    from = Some(pass.keys[(met - back) * self.key_size..][..self.key_size].to_vec());
                }
                Some(Errno::EAGAIN) if interrupted < ATTEMPTS => interrupted += 1,
                None => return Ok(None),
                Some(errno) => return Err(errno),
            }
            // In circles: without a resize each element comes once.
            let once = read.saturating_sub(again);
            if once > pass.len() + pass.len() / 4 + BACK || self.is_too_many(once) {
                return Ok(None);
            }
        }
    }

    /// Whether a command that found no next element, after `done` others in `keys`, was at the table's end: it says the same if
    /// its last element is deleted before it looks for the next. The last element may have been inserted again since, so it has to
    /// be the last one twice, and still be there.
    fn is_end(&mut self, keys: &[u8], done: usize) -> Result<bool, Errno> {
        let Some(last) = done.checked_sub(1) else { return Ok(true) };
        let last = &keys[last * self.key_size..][..self.key_size];
        let (mut again, mut values) = (vec![0; 2 * self.key_size], vec![0; 2 * self.value_len]);
        let (batched, _) = self.table.read(Some(last), &mut again, &mut values);
        let is_last = batched.done == 1 && batched.error == Some(Errno::ENOENT);
        Ok(is_last && self.table.has(last)?)
    }

    /// Whether so many elements were read that the table was resized meanwhile.
    fn is_too_many(&self, read: usize) -> bool {
        read > self.most.saturating_mul(2).saturating_add(BACK)
    }

    fn read_more_at_once(&mut self) {
        let most = ROOM / self.key_size.saturating_add(self.value_len).max(1);
        self.count = self.count.saturating_mul(2).min(most.max(self.count));
    }

    /// Whether the table still begins with the elements that `pass` met first, in the same order.
    fn is_undisturbed(&mut self, pass: &Pass) -> Result<bool, Errno> {
        let mut keys = vec![0; CHECKED * self.key_size];
        let mut values = vec![0; CHECKED * self.value_len];
        let mut from: Option<Vec<u8>> = None;
        let (mut places, mut read) = (Vec::new(), 0_usize);
        let ends = loop {
            let (batched, next) = self.table.read(from.as_deref(), &mut keys, &mut values);
            for (key, _) in elements(&keys, &values, batched.done, self.key_size, self.value_len) {
                match pass.places.get(key) {
                    Some(&place) => places.push(place),
                    // Inserted since, or missed: a pass that a resize carries from the first element of the old table into
                    // the new one gives the rest of the new table in its order.
                    None => return Ok(false),
                }
            }
            read = read.saturating_add(batched.done);
            match batched.error {
                None if batched.done > 0 && places.len() >= ENOUGH => break false,
                None | Some(Errno::ENOENT) if batched.done == 0 || batched.error.is_some() => {
                    if !self.is_end(&keys, batched.done)? {
                        return Ok(false);
                    }
                    break true;
                }
                None if self.is_too_many(read) => return Ok(false),
                None => from = next,
                Some(Errno::ENOENT | Errno::EINTR | Errno::EAGAIN) => return Ok(false),
                Some(errno) => return Err(errno),
            }
        };
        let neighbours = places.windows(2).filter(|pair| pair[0] < pair[1]).count();
        if neighbours * 8 < places.len().saturating_sub(1) * 7 {
            return Ok(false);
        }
        match places.first() {
            Some(&first) if places.len() >= ENOUGH => self.are_gone(pass, 0..first, &places),
            // Too few to tell, but they are all that the map has.
            _ if ends => self.are_gone(pass, 0..pass.len(), &places),
            _ => Ok(false),
        }
    }

    /// Whether the elements at these places of `pass`, other than those that were `found`, are gone.
    fn are_gone(&mut self, pass: &Pass, places: Range<usize>, found: &[usize]) -> Result<bool, Errno> {
        let found: HashSet<usize> = found.iter().copied().collect();
        let keys = pass.keys.chunks_exact(self.key_size.max(1)).enumerate();
        for (place, key) in keys.take(places.end).skip(places.start) {
            if !found.contains(&place) && self.table.has(key)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Pass {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let place = self.places.len();
        if !self.places.contains_key(key) {
            self.places.insert(key.into(), place);
            self.keys.extend_from_slice(key);
            self.values.extend_from_slice(value);
        }
    }

    /// How many elements it met.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

fn elements<'a>(
    keys: &'a [u8],
    values: &'a [u8],
    done: usize,
    key_size: usize,
    value_len: usize,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    keys.chunks_exact(key_size.max(1)).zip(values.chunks_exact(value_len.max(1))).take(done)
}

/// Takes elements out until a pass finds none.
pub(super) struct Drain {
    cursor: Cursor,
    /// Whether this pass has found one.
    found: bool,
    /// Elements that may still be taken.
    left: u64,
}

impl Drain {
    pub(super) fn new(fd: &MapFd) -> Drain {
        let left = DRAINED.saturating_mul(u64::from(fd.shape().max_entries).saturating_add(1));
        Drain { cursor: fd.cursor(), found: false, left }
    }

    /// Takes elements out into `keys` and `values`; how many, 0 after the last.
    pub(super) fn take(&mut self, fd: &MapFd, keys: &mut [u8], values: &mut [u8], flags: u64) -> Result<usize, Errno> {
        let mut interrupted = 0;
        while self.left > 0 {
            let batched = fd.lookup_batch(true, &mut self.cursor, keys, values, flags);
            self.left = self.left.saturating_sub(batched.done as u64);
            self.found |= batched.done > 0;
            match batched.error {
                None if batched.done > 0 => {}
                None | Some(Errno::ENOENT) => {
                    if !self.found {
                        return Ok(0);
                    }
                    (self.cursor, self.found) = (fd.cursor(), false);
                }
                // The element at the cursor is gone.
                Some(Errno::EAGAIN) if self.cursor.has_begun() => {
                    (self.cursor, self.found) = (fd.cursor(), false);
                }
                Some(Errno::EINTR | Errno::EAGAIN) if interrupted < ATTEMPTS => interrupted += 1,
                Some(errno) => return Err(errno),
            }
            if batched.done > 0 {
                return Ok(leave_out_twice(
                    keys,
                    values,
                    batched.done,
                    fd.shape().key_size as usize,
                    fd.value_len(flags),
                ));
            }
        }
        Ok(0)
    }
}

/// Moves the elements of a batch to its start, each once: the kernel can read one twice that a resize moves meanwhile. How many
/// remain.
fn leave_out_twice(keys: &mut [u8], values: &mut [u8], done: usize, key_size: usize, value_len: usize) -> usize {
    let mut met: HashSet<Box<[u8]>> = HashSet::with_capacity(done);
    let mut kept = 0;
    for index in 0..done {
        let key = index * key_size..(index + 1) * key_size;
        if met.insert(keys[key.clone()].into()) {
            keys.copy_within(key, kept * key_size);
            values.copy_within(index * value_len..(index + 1) * value_len, kept * value_len);
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests;
