//! Reading all elements: `BPF_MAP_LOOKUP_BATCH` and `BPF_MAP_LOOKUP_AND_DELETE_BATCH`.
//!
//! Where a map's type has no such commands (`percpu_cgroup_storage`), the same is done element by element. A walk over an
//! `rhash` is in [`rhash`].

use std::fmt;

use super::Map;
use super::batch::in_one_command;
use super::rhash::{self, Drain};
use crate::sys::Errno;
use crate::sys::elem::Cursor;
use crate::sys::uapi::BPF_MAP_TYPE_RHASH;

/// How often a command is tried again that a signal, or an element that went meanwhile, interrupts.
const ATTEMPTS: u32 = 100;

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
    /// All elements of an `rhash` at once.
    Whole,
    /// Elements out of an `rhash`, until none is left.
    Drain(Drain),
}

impl<'m> Walk<'m> {
    /// All elements; `flags` say which CPUs' values, `delete` whether they are removed.
    pub(crate) fn new(map: &'m Map, flags: u64, delete: bool) -> Walk<'m> {
        let fd = map.fd();
        let count = in_one_command(map.key_size(), fd.value_len(flags)).min((map.max_entries() as usize).max(1));
        let by = match map.map_type() {
            BPF_MAP_TYPE_RHASH if delete => By::Drain(Drain::new(fd)),
            BPF_MAP_TYPE_RHASH => By::Whole,
            _ => By::Batch(fd.cursor()),
        };
        let (keys, values) = (Vec::new(), Vec::new());
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
                By::Whole => self.read_whole(),
                By::Drain(_) => self.drain(),
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

    fn read_whole(&mut self) {
        self.end = Some(match rhash::read_all(self.map.fd(), self.flags, self.count) {
            Ok(pass) => {
                self.found = pass.len();
                (self.keys, self.values) = (pass.keys, pass.values);
                Ok(())
            }
            Err(errno) => Err(errno),
        });
    }

    fn drain(&mut self) {
        self.make_room(self.count);
        let By::Drain(drain) = &mut self.by else { return };
        match drain.take(self.map.fd(), &mut self.keys, &mut self.values, self.flags) {
            Ok(0) => self.end = Some(Ok(())),
            Ok(found) => self.found = found,
            Err(errno) => self.end = Some(Err(errno)),
        }
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
