//! Many elements of a per-CPU map with one command, for one CPU or for all.
//!
//! `attr.batch.elem_flags` takes `BPF_F_CPU` for lookups and updates, and `BPF_F_ALL_CPUS` for updates, since Linux 7.0;
//! never `BPF_NOEXIST` and `BPF_EXIST`. A lookup that also deletes takes none of them, and gives the values of all CPUs.

use std::fmt;
use std::iter::FusedIterator;

use super::map::WRITE;
use super::{PerCpuMap, PerCpuValues};
use crate::Result;
use crate::kernel::cpu_values::one;
use crate::map::{Elements, Stopped, Update, Walk, check_is_hash, delete_batch, write_batch};
use crate::plain::{Plain, Room, Value};
use crate::sys::Errno;
use crate::sys::uapi::BPF_F_ALL_CPUS;

impl<K: Plain, V: Value> PerCpuMap<K, V> {
    /// The elements with all CPUs' values, read many at a time (`BPF_MAP_LOOKUP_BATCH`).
    pub fn iter(&self) -> PerCpuElements<'_, K, V> {
        PerCpuElements { map: self, walk: Walk::new(self.map(), 0, false) }
    }

    /// The elements with `cpu`'s value, read many at a time (`BPF_MAP_LOOKUP_BATCH` with `BPF_F_CPU`).
    ///
    /// # Errors
    ///
    /// `cpu` is not possible.
    pub fn iter_cpu(&self, cpu: u32) -> Result<Elements<'_, K, V>> {
        let cpu = self.access.cpu("read", cpu)?;
        let (flags, start) = if self.access.flags() { (one(cpu.id), 0) } else { (0, cpu.start) };
        Ok(Elements::new(Walk::new(self.map(), flags, false), start))
    }

    /// Takes the elements out with all CPUs' values, many at a time (`BPF_MAP_LOOKUP_AND_DELETE_BATCH`). Those of a batch
    /// that was read are gone from the map even if the iterator is dropped before it gave them.
    ///
    /// # Errors
    ///
    /// The map is an array or a cgroup storage, which keep their elements.
    pub fn drain(&self) -> Result<PerCpuElements<'_, K, V>> {
        check_is_hash(self.map(), "take the elements of per-CPU map")?;
        Ok(PerCpuElements { map: self, walk: Walk::new(self.map(), 0, true) })
    }

    /// Writes `cpu`'s value of each of these elements, many at a time (`BPF_MAP_UPDATE_BATCH` with `BPF_F_CPU`). Before
    /// Linux 7.0, and where a hash would make elements that are not zero for the other CPUs, it is one
    /// [`set`](Self::set) after the other.
    ///
    /// # Errors
    ///
    /// As for [`set`](Self::set). The elements before the one that the error names were written.
    pub fn set_batch(&self, cpu: u32, elements: &[(K, V)]) -> Result<()> {
        let cpu = self.access.cpu("write", cpu)?;
        if self.access.batches_one_cpu() {
            return self.write_elements(one(cpu.id), elements);
        }
        self.one_by_one(elements, |key, value| self.access.write(key, cpu, Room::new().filled(value), Update::Any))
    }

    /// Writes one value to all CPUs for each of these elements, many at a time (`BPF_MAP_UPDATE_BATCH` with
    /// `BPF_F_ALL_CPUS`; before Linux 7.0, with the value for each CPU).
    ///
    /// # Errors
    ///
    /// As for [`set_all`](Self::set_all). The elements before the one that the error names were written.
    pub fn set_all_batch(&self, elements: &[(K, V)]) -> Result<()> {
        if self.access.has_no_batches() {
            let write = |key: &[u8], value: &V| self.access.write_same(key, Room::new().filled(value), Update::Any);
            return self.one_by_one(elements, write);
        }
        self.write_elements(if self.access.flags() { BPF_F_ALL_CPUS } else { 0 }, elements)
    }

    /// Writes each CPU's value for each of these elements, many at a time (`BPF_MAP_UPDATE_BATCH`).
    ///
    /// # Errors
    ///
    /// As for [`set_values`](Self::set_values). The elements before the one that the error names were written.
    pub fn set_values_batch(&self, elements: &[(K, PerCpuValues<V>)]) -> Result<()> {
        elements.iter().try_for_each(|(key, values)| self.check_cpus(key, values))?;
        if self.access.has_no_batches() {
            return self.one_by_one(elements, |key, values| self.write_each(key, values, Update::Any));
        }
        let slot = self.access.slot().max(1);
        let written = write_batch(self.map(), 0, elements.len(), |index, key, value| {
            key.copy_from_slice(elements[index].0.as_bytes());
            let slots = value.chunks_exact_mut(slot);
            elements[index].1.in_order().zip(slots).for_each(|(value, slot)| value.write(slot));
        });
        written.map_err(|stopped| self.stopped(stopped, elements))
    }

    /// Removes the elements at `keys`, many at a time (`BPF_MAP_DELETE_BATCH`).
    ///
    /// # Errors
    ///
    /// One is not there, or the map keeps its elements. The elements before the one that the error names are gone.
    pub fn delete_batch(&self, keys: &[K]) -> Result<()> {
        check_is_hash(self.map(), "delete elements from per-CPU map")?;
        delete_batch(self.map(), keys)
    }

    /// Writes one value an element: as often as the flags do not say that one is enough.
    fn write_elements(&self, flags: u64, elements: &[(K, V)]) -> Result<()> {
        let slot = if flags == 0 { self.access.slot() } else { self.map().value_size() };
        let written = write_batch(self.map(), flags, elements.len(), |index, key, value| {
            key.copy_from_slice(elements[index].0.as_bytes());
            value.chunks_exact_mut(slot.max(1)).for_each(|slot| elements[index].1.write(slot));
        });
        written.map_err(|stopped| self.stopped(stopped, elements))
    }

    /// Does with a command for each what could not be done with one.
    fn one_by_one<T>(&self, elements: &[(K, T)], mut write: impl FnMut(&[u8], &T) -> Result<(), Errno>) -> Result<()> {
        for (done, (key, value)) in elements.iter().enumerate() {
            let result = write(key.as_bytes(), value);
            result.map_err(|errno| self.stopped(Stopped { done, errno }, elements))?;
        }
        Ok(())
    }

    fn stopped<T>(&self, stopped: Stopped, elements: &[(K, T)]) -> crate::Error {
        let key = elements.get(stopped.done).map(|(key, _)| key as &dyn fmt::Debug);
        stopped.error(self.map(), WRITE, key, elements.len())
    }
}

impl<'m, K: Plain, V: Value> IntoIterator for &'m PerCpuMap<K, V> {
    type Item = Result<(K, PerCpuValues<V>)>;
    type IntoIter = PerCpuElements<'m, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The elements of a per-CPU map with all CPUs' values, read many at a time; see [`Elements`].
#[derive(Debug)]
pub struct PerCpuElements<'m, K: Plain, V: Value> {
    map: &'m PerCpuMap<K, V>,
    walk: Walk<'m>,
}

impl<K: Plain, V: Value> PerCpuElements<'_, K, V> {
    /// Changes how many elements one command reads; see [`Elements::batch_size`].
    #[must_use]
    pub fn batch_size(mut self, elements: usize) -> Self {
        self.walk.set_count(elements);
        self
    }
}

impl<K: Plain, V: Value> Iterator for PerCpuElements<'_, K, V> {
    type Item = Result<(K, PerCpuValues<V>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (cpus, slot) = (self.map.cpus(), self.map.access.slot());
        Some(match self.walk.next()? {
            Ok((key, values)) => {
                Ok((crate::plain::read(key), PerCpuValues::of_bytes(cpus, values, slot, size_of::<V>())))
            }
            Err(errno) => {
                let map = self.map.map();
                Err(map.failed("read the elements of per-CPU map").refused(errno, map.shape()))
            }
        })
    }
}

impl<K: Plain, V: Value> FusedIterator for PerCpuElements<'_, K, V> {}
