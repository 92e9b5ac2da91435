//! Queues and stacks: values without keys, in an order.

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};

use super::{Map, found};
use crate::Result;
use crate::plain::{Room, Value};
use crate::sys::uapi::{BPF_EXIST, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK};

/// A `BPF_MAP_TYPE_QUEUE`, first in, first out; or a `BPF_MAP_TYPE_STACK`, last in, first out.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/maps_all.bpf.o")] struct MapsAll;
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = MapsAll::open()?.load()?;
/// skel.maps.queue.push(&1)?;
/// skel.maps.queue.push(&2)?;
/// while let Some(value) = skel.maps.queue.pop()? {
///     println!("{value}");                                // 1, then 2
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Queue<V: Value> {
    map: Map,
    value: PhantomData<fn() -> V>,
}

impl<V: Value> Queue<V> {
    /// The map with its values as `V`.
    ///
    /// # Errors
    ///
    /// It is neither a queue nor a stack, or its values have another size.
    pub fn new(map: Map) -> Result<Self> {
        if !matches!(map.map_type(), BPF_MAP_TYPE_QUEUE | BPF_MAP_TYPE_STACK) {
            let why = format!("it is neither a queue nor a stack, but a {}", map.map_type());
            return Err(map.failed("give types to map").because(why));
        }
        super::typed::check_types::<(), V>(&map)?;
        Ok(Queue { map, value: PhantomData })
    }

    /// The map as bytes.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a value in (`BPF_MAP_UPDATE_ELEM`).
    ///
    /// # Errors
    ///
    /// It is full (`E2BIG`).
    pub fn push(&self, value: &V) -> Result<()> {
        self.put(value, 0)
    }

    /// Puts a value in; if it is full, the oldest goes (`BPF_EXIST`).
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn push_over(&self, value: &V) -> Result<()> {
        self.put(value, BPF_EXIST)
    }

    fn put(&self, value: &V, flags: u64) -> Result<()> {
        let result = self.map.fd().update(&[], Room::new().filled(value), flags);
        result.map_err(|errno| self.map.failed("push to map").refused(errno, self.map.shape()))
    }

    /// Takes the value whose turn it is, if there is one (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn pop(&self) -> Result<Option<V>> {
        let mut room = Room::<V>::new();
        let bytes = room.zeroes();
        let is_there = found(self.map.fd().lookup_and_delete(&[], bytes));
        let is_there = is_there.map_err(|errno| self.map.failed("pop from map").refused(errno, self.map.shape()))?;
        Ok(is_there.then(|| V::read(bytes)))
    }

    /// As [`pop`](Self::pop), on the heap and never on the stack: for large values. See [`Value::read_boxed`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn pop_boxed(&self) -> Result<Option<Box<V>>> {
        let mut bytes = vec![0; size_of::<V>()];
        let is_there = found(self.map.fd().lookup_and_delete(&[], &mut bytes));
        let is_there = is_there.map_err(|errno| self.map.failed("pop from map").refused(errno, self.map.shape()))?;
        Ok(is_there.then(|| V::read_boxed(&bytes)))
    }

    /// A copy of the value whose turn it is, if there is one (`BPF_MAP_LOOKUP_ELEM`).
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn peek(&self) -> Result<Option<V>> {
        let mut room = Room::<V>::new();
        let bytes = room.zeroes();
        let is_there = found(self.map.fd().lookup(&[], bytes, 0));
        let is_there = is_there.map_err(|errno| self.map.failed("peek into map").refused(errno, self.map.shape()))?;
        Ok(is_there.then(|| V::read(bytes)))
    }

    /// As [`peek`](Self::peek), on the heap and never on the stack.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn peek_boxed(&self) -> Result<Option<Box<V>>> {
        let mut bytes = vec![0; size_of::<V>()];
        let is_there = found(self.map.fd().lookup(&[], &mut bytes, 0));
        let is_there = is_there.map_err(|errno| self.map.failed("peek into map").refused(errno, self.map.shape()))?;
        Ok(is_there.then(|| V::read_boxed(&bytes)))
    }
}

impl<V: Value> AsFd for Queue<V> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
