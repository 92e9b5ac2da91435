//! Maps with keys and values of known types, one value for all CPUs.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};

use super::{Elements, Map, Update, Walk, batch, found};
use crate::plain::{Plain, Room, Value};
use crate::sys::Errno;
use crate::sys::uapi::*;
use crate::{Error, Result};

/// A map with keys and values of known types, and one value for all CPUs: a hash, an array, an `lru_hash`, an
/// `rhash`, an `lpm_trie`.
///
/// Per-CPU maps are [`PerCpuMap`](crate::PerCpuMap)s, maps without keys [`Queue`](crate::Queue)s and
/// [`BloomFilter`](crate::BloomFilter)s.
///
/// ```no_run
/// use skelgen_runtime::Update;
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/maps_all.bpf.o")] struct MapsAll;
/// use maps_all::types::{Flow, Totals};
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = MapsAll::open()?.load()?;
/// let flows = &skel.maps.typed;                           // TypedMap<Flow, Totals>
/// let flow = Flow { port: 443, ..Flow::default() };
/// flows.update(&flow, &Totals::default(), Update::New)?;
/// if let Some(totals) = flows.get(&flow)? {
///     println!("{} bytes", totals.bytes);
/// }
/// for element in flows {                                  // many with one command
///     let (flow, totals) = element?;
///     println!("port {}: {} packets", flow.port, totals.packets);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TypedMap<K: Plain, V: Value> {
    map: Map,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Plain, V: Value> TypedMap<K, V> {
    /// The map with its keys and values as `K` and `V`.
    ///
    /// # Errors
    ///
    /// Their sizes are not the map's, it has no keys, or each CPU has a value of its own.
    pub fn new(map: Map) -> Result<Self> {
        if map.is_per_cpu() {
            return Err(map.failed("give types to map").because("each CPU has its own value: use PerCpuMap"));
        }
        if map.key_size() == 0 {
            let name = map.map_type();
            return Err(map.failed("give types to map").because(format!("a {name} has no keys")));
        }
        check_types::<K, V>(&map)?;
        Ok(TypedMap { map, types: PhantomData })
    }

    /// The map as bytes.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// A copy of the value at `key`, if there is one (`BPF_MAP_LOOKUP_ELEM`). A value of more than some 100 KiB can be too large
    /// for a thread's stack: [`get_boxed`](Self::get_boxed) gives that.
    ///
    /// # Errors
    ///
    /// The map's type has no such operation.
    pub fn get(&self, key: &K) -> Result<Option<V>> {
        let mut room = Room::<V>::new();
        let bytes = room.zeroes();
        let is_there = found(self.map.fd().lookup(key.as_bytes(), bytes, 0));
        let is_there = is_there.map_err(|errno| self.failed("look up in map", key, errno))?;
        Ok(is_there.then(|| V::read(bytes)))
    }

    /// As [`get`](Self::get), on the heap and never on the stack; see [`Value::read_boxed`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn get_boxed(&self, key: &K) -> Result<Option<Box<V>>> {
        let mut bytes = vec![0; size_of::<V>()];
        let is_there = found(self.map.fd().lookup(key.as_bytes(), &mut bytes, 0));
        let is_there = is_there.map_err(|errno| self.failed("look up in map", key, errno))?;
        Ok(is_there.then(|| V::read_boxed(&bytes)))
    }

    /// Writes the value at `key` (`BPF_MAP_UPDATE_ELEM`).
    ///
    /// # Errors
    ///
    /// The map is full or frozen.
    pub fn insert(&self, key: &K, value: &V) -> Result<()> {
        self.update(key, value, Update::Any)
    }

    /// Writes the value at `key`, if `how` lets it.
    ///
    /// # Errors
    ///
    /// The map is full or frozen, or `how` forbids it.
    pub fn update(&self, key: &K, value: &V, how: Update) -> Result<()> {
        let mut room = Room::new();
        let result = self.map.fd().update(key.as_bytes(), room.filled(value), how.flags());
        result.map_err(|errno| self.failed("update map", key, errno))
    }

    /// Removes the element at `key`, and says whether there was one (`BPF_MAP_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// The map's type keeps its elements, as arrays do.
    pub fn delete(&self, key: &K) -> Result<bool> {
        found(self.map.fd().delete(key.as_bytes())).map_err(|errno| self.failed("delete from map", key, errno))
    }

    /// Removes the element at `key` and gives its value, if there was one (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// The map is neither a hash, nor an `lru_hash`, nor an `rhash`.
    pub fn take(&self, key: &K) -> Result<Option<V>> {
        self.check_is_hash("take from map")?;
        let mut room = Room::<V>::new();
        let bytes = room.zeroes();
        let is_there = found(self.map.fd().lookup_and_delete(key.as_bytes(), bytes));
        let is_there = is_there.map_err(|errno| self.failed("take from map", key, errno))?;
        Ok(is_there.then(|| V::read(bytes)))
    }

    /// As [`take`](Self::take), on the heap and never on the stack.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn take_boxed(&self, key: &K) -> Result<Option<Box<V>>> {
        self.check_is_hash("take from map")?;
        let mut bytes = vec![0; size_of::<V>()];
        let is_there = found(self.map.fd().lookup_and_delete(key.as_bytes(), &mut bytes));
        let is_there = is_there.map_err(|errno| self.failed("take from map", key, errno))?;
        Ok(is_there.then(|| V::read_boxed(&bytes)))
    }

    /// The keys, one command each; see [`Map::keys`].
    pub fn keys(&self) -> impl Iterator<Item = Result<K>> + '_ {
        self.map.keys().map(|key| Ok(crate::plain::read(&key?)))
    }

    /// The elements, read many at a time (`BPF_MAP_LOOKUP_BATCH`). Those with large values come
    /// [`boxed`](Elements::boxed).
    ///
    /// An `rhash` is read whole before the first element is given, because the kernel resizes its table while elements come
    /// and go, and a batch then continues at another place. No element is given twice; one that is deleted after the read is
    /// still given. In a map at rest, the read meets every element. While elements are inserted or deleted, or the kernel is
    /// still resizing the table because of them, it may miss elements that stay: no command reports a resize. The read only
    /// infers it from the elements' order, and then reads again. The error `EAGAIN` means that each of 100 attempts was
    /// disturbed.
    pub fn iter(&self) -> Elements<'_, K, V> {
        Elements::new(Walk::new(&self.map, 0, false), 0)
    }

    /// Takes the elements out, many at a time (`BPF_MAP_LOOKUP_AND_DELETE_BATCH`). Those of a batch that was read are gone
    /// from the map even if the iterator is dropped before it gave them.
    ///
    /// An `rhash` is drained until nothing is left in it, elements among it that programs insert meanwhile: at most 64 times
    /// as many elements as it has room for. If two processes drain it at once, the kernel can give an element to both.
    ///
    /// # Errors
    ///
    /// The map is neither a hash, nor an `lru_hash`, nor an `rhash`.
    pub fn drain(&self) -> Result<Elements<'_, K, V>> {
        self.check_is_hash("take the elements of map")?;
        Ok(Elements::new(Walk::new(&self.map, 0, true), 0))
    }

    /// Writes elements, many at a time (`BPF_MAP_UPDATE_BATCH`).
    ///
    /// # Errors
    ///
    /// The map is full or frozen. The elements before the one that the error names were written.
    pub fn insert_batch(&self, elements: &[(K, V)]) -> Result<()> {
        let written = batch::write_batch(&self.map, 0, elements.len(), |index, key, value| {
            key.copy_from_slice(elements[index].0.as_bytes());
            elements[index].1.write(value);
        });
        written.map_err(|stopped| {
            let key = elements.get(stopped.done).map(|(key, _)| key as &dyn fmt::Debug);
            stopped.error(&self.map, "write elements to map", key, elements.len())
        })
    }

    /// Removes the elements at `keys`, many at a time (`BPF_MAP_DELETE_BATCH`).
    ///
    /// # Errors
    ///
    /// One is not there, or the map's type keeps its elements. The elements before the one that the error names are gone.
    pub fn delete_batch(&self, keys: &[K]) -> Result<()> {
        batch::delete_batch(&self.map, keys)
    }

    fn check_is_hash(&self, what: &'static str) -> Result<()> {
        check_is_hash(&self.map, what)
    }

    fn failed(&self, what: &'static str, key: &K, errno: Errno) -> Error {
        self.map.element_failed(what, key, errno)
    }
}

impl<'m, K: Plain, V: Value> IntoIterator for &'m TypedMap<K, V> {
    type Item = Result<(K, V)>;
    type IntoIter = Elements<'m, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Plain, V: Value> AsFd for TypedMap<K, V> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

/// Whether `K` and `V` are as long as the map's keys and values.
pub(crate) fn check_types<K, V>(map: &Map) -> Result<()> {
    check_sizes(map, size_of::<K>(), size_of::<V>())
}

/// Not generic, as each skeleton has many types.
fn check_sizes(map: &Map, key_size: usize, value_size: usize) -> Result<()> {
    for (what, is, should) in [("key", key_size, map.key_size()), ("value", value_size, map.value_size())] {
        if is != should {
            let why = format!("the {what}'s type has {is} bytes, the map's {should}");
            return Err(map.failed("give types to map").because(why));
        }
    }
    Ok(())
}

/// Whether elements can be taken out of the map.
pub(crate) fn check_is_hash(map: &Map, what: &'static str) -> Result<()> {
    match map.map_type() {
        BPF_MAP_TYPE_HASH
        | BPF_MAP_TYPE_LRU_HASH
        | BPF_MAP_TYPE_PERCPU_HASH
        | BPF_MAP_TYPE_LRU_PERCPU_HASH
        | BPF_MAP_TYPE_RHASH => Ok(()),
        other => Err(map.failed(what).because(format!("only hash maps support this, not a {}", other))),
    }
}
