//! Bloom filters: sets that forget which values they hold.

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};

use super::{Map, found};
use crate::Result;
use crate::plain::{Room, Value};
use crate::sys::uapi::BPF_MAP_TYPE_BLOOM_FILTER;

/// A `BPF_MAP_TYPE_BLOOM_FILTER`: it knows for certain what was not put in.
#[derive(Debug)]
pub struct BloomFilter<V: Value> {
    map: Map,
    value: PhantomData<fn() -> V>,
}

impl<V: Value> BloomFilter<V> {
    /// The map with its values as `V`.
    ///
    /// # Errors
    ///
    /// It is no bloom filter, or its values have another size.
    pub fn new(map: Map) -> Result<Self> {
        if map.map_type() != BPF_MAP_TYPE_BLOOM_FILTER {
            let why = format!("it is not a bloom filter but a {}", map.map_type());
            return Err(map.failed("give types to map").because(why));
        }
        super::typed::check_types::<(), V>(&map)?;
        Ok(BloomFilter { map, value: PhantomData })
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
    /// The kernel refuses.
    pub fn insert(&self, value: &V) -> Result<()> {
        let result = self.map.fd().update(&[], Room::new().filled(value), 0);
        result.map_err(|errno| self.map.failed("insert into map").refused(errno, self.map.shape()))
    }

    /// Whether the value may have been put in; if not, it certainly was not (`BPF_MAP_LOOKUP_ELEM`).
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn may_contain(&self, value: &V) -> Result<bool> {
        let result = self.map.fd().lookup(&[], Room::new().filled(value), 0);
        found(result).map_err(|errno| self.map.failed("look up in map").refused(errno, self.map.shape()))
    }
}

impl<V: Value> AsFd for BloomFilter<V> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
