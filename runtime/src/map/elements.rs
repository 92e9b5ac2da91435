//! The elements of a map, as iterators.

use std::iter::FusedIterator;
use std::marker::PhantomData;

use super::{ElemFlags, Map, Operation, Walk};
use crate::Result;
use crate::plain::{Plain, Value, read};

const WHAT: &str = "read the elements of map";

/// The elements of a map, read many at a time.
///
/// Each is as it was when its batch was read. An element that is added or removed meanwhile may be met or not; none is
/// met twice in a hash map, whatever is deleted. An `rhash` is read whole, see [`TypedMap::iter`](crate::TypedMap::iter).
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

impl<'m, K: Plain, V: Value> Elements<'m, K, V> {
    /// The elements with their values on the heap and never on the stack, for large ones; see [`Value::read_boxed`].
    pub fn boxed(mut self) -> impl FusedIterator<Item = Result<(K, Box<V>)>> + use<'m, K, V> {
        std::iter::from_fn(move || self.next_with(V::read_boxed)).fuse()
    }

    #[inline]
    fn next_with<T>(&mut self, value_of: impl FnOnce(&[u8]) -> T) -> Option<Result<(K, T)>> {
        let map = self.walk.map();
        Some(match self.walk.next()? {
            Ok((key, value)) => {
                let end = value.len().min(self.start + map.value_size());
                Ok((read(key), value_of(&value[self.start.min(end)..end])))
            }
            Err(errno) => Err(map.failed(WHAT).refused(errno, map.shape())),
        })
    }
}

impl<K: Plain, V: Value> Iterator for Elements<'_, K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_with(V::read)
    }
}

impl<K: Plain, V: Value> FusedIterator for Elements<'_, K, V> {}

impl Map {
    /// The elements as bytes, read many at a time (`BPF_MAP_LOOKUP_BATCH`). With [`ElemFlags::cpu`]
    /// values are those of one CPU, else whole ones as of [`lookup`](Self::lookup).
    ///
    /// # Errors
    ///
    /// The flags are not for this map, for a lookup, or known to the kernel; and each item, if the kernel refuses.
    pub fn elements(&self, flags: ElemFlags) -> Result<impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>> + '_> {
        self.check_flags(WHAT, flags, Operation::Lookup)?;
        let mut walk = Walk::new(self, flags.bits(), false);
        Ok(std::iter::from_fn(move || {
            let element = walk.next()?.map(|(key, value)| (key.to_vec(), value.to_vec()));
            Some(element.map_err(|errno| self.failed(WHAT).refused(errno, self.shape())))
        }))
    }
}
