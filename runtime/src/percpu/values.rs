//! A value for each possible CPU.

use std::iter::{Copied, Sum, Zip};
use std::ops::{Index, IndexMut};
use std::{slice, vec};

use crate::cpus::PossibleCpus;
use crate::plain::Value;

/// A value for each possible CPU, by the CPU's number. Numbers can have holes, which have no value.
///
/// ```
/// use skelgen_runtime::{PerCpuValues, cpus};
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// let mut hits = PerCpuValues::from_fn(cpus::possible()?, |cpu| u64::from(cpu) * 10);
/// hits[0] = 7;
/// let total: u64 = hits.sum();
/// assert_eq!(total, hits.fold(0, |total, hits| total + hits));
/// println!("{hits}");      // a table, with a row for each CPU
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerCpuValues<T> {
    cpus: &'static PossibleCpus,
    values: Vec<T>,
}

impl<T> PerCpuValues<T> {
    /// A value for each of `cpus`, made from its number. [`PerCpuMap::cpus`](crate::PerCpuMap::cpus) and
    /// [`cpus::possible`](crate::cpus::possible) give those of this machine.
    #[must_use]
    pub fn from_fn(cpus: &'static PossibleCpus, value: impl FnMut(u32) -> T) -> Self {
        PerCpuValues { cpus, values: cpus.iter().map(value).collect() }
    }

    /// The CPUs.
    #[must_use]
    pub fn cpus(&self) -> &'static PossibleCpus {
        self.cpus
    }

    /// The value of `cpu`, if that is possible.
    #[must_use]
    pub fn get(&self, cpu: u32) -> Option<&T> {
        self.values.get(self.cpus.slot(cpu)?)
    }

    /// The value of `cpu`, if that is possible, to change.
    #[must_use]
    pub fn get_mut(&mut self, cpu: u32) -> Option<&mut T> {
        self.values.get_mut(self.cpus.slot(cpu)?)
    }

    /// The values with their CPUs' numbers, lowest first.
    pub fn iter(&self) -> Iter<'_, T> {
        self.cpus.ids().iter().copied().zip(&self.values)
    }

    /// As [`iter`](Self::iter), to change the values.
    pub fn iter_mut(&mut self) -> IterMut<'_, T> {
        self.cpus.ids().iter().copied().zip(&mut self.values)
    }

    /// The values made into others.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> PerCpuValues<U> {
        PerCpuValues { cpus: self.cpus, values: self.values.into_iter().map(change).collect() }
    }

    /// All values made into one: `values.fold(0, |sum, value| sum + value.hits)`.
    pub fn fold<A>(&self, start: A, combine: impl FnMut(A, &T) -> A) -> A {
        self.values.iter().fold(start, combine)
    }

    /// The sum of the values: `values.sum::<u64>()`.
    pub fn sum<'a, S: Sum<&'a T>>(&'a self) -> S {
        self.values.iter().sum()
    }

    /// The sum of something of each value: `values.sum_of(|value| value.hits)`.
    pub fn sum_of<S: Sum<S>>(&self, part: impl FnMut(&T) -> S) -> S {
        self.values.iter().map(part).sum()
    }
}

impl<T: Value> PerCpuValues<T> {
    /// The values in the kernel's bytes: `len` of every `slot` are a value's.
    pub(super) fn of_bytes(cpus: &'static PossibleCpus, bytes: &[u8], slot: usize, len: usize) -> Self {
        let mut values = PerCpuValues { cpus, values: Vec::with_capacity(cpus.count()) };
        values.read(cpus, bytes, slot, len);
        values
    }

    /// Replaces all values by those in the kernel's bytes.
    pub(super) fn read(&mut self, cpus: &'static PossibleCpus, bytes: &[u8], slot: usize, len: usize) {
        self.cpus = cpus;
        self.values.clear();
        let value = |index: usize| bytes.get(index * slot..).and_then(|rest| rest.get(..len)).unwrap_or_default();
        self.values.extend((0..cpus.count()).map(|index| T::read(value(index))));
    }

    /// The values in the order of the kernel's slots.
    pub(super) fn in_order(&self) -> slice::Iter<'_, T> {
        self.values.iter()
    }
}

impl<T> Index<u32> for PerCpuValues<T> {
    type Output = T;

    /// # Panics
    ///
    /// `cpu` is not possible; see [`get`](PerCpuValues::get).
    fn index(&self, cpu: u32) -> &T {
        match self.get(cpu) {
            Some(value) => value,
            None => panic!("CPU {cpu} is not possible; the possible CPUs are {:?}", self.cpus),
        }
    }
}

impl<T> IndexMut<u32> for PerCpuValues<T> {
    /// # Panics
    ///
    /// `cpu` is not possible; see [`get_mut`](PerCpuValues::get_mut).
    fn index_mut(&mut self, cpu: u32) -> &mut T {
        let cpus = self.cpus;
        match self.get_mut(cpu) {
            Some(value) => value,
            None => panic!("CPU {cpu} is not possible; the possible CPUs are {cpus:?}"),
        }
    }
}

/// Values with their CPUs' numbers.
type Iter<'a, T> = Zip<Copied<slice::Iter<'static, u32>>, slice::Iter<'a, T>>;
/// Values to change, with their CPUs' numbers.
type IterMut<'a, T> = Zip<Copied<slice::Iter<'static, u32>>, slice::IterMut<'a, T>>;

impl<T> IntoIterator for PerCpuValues<T> {
    type Item = (u32, T);
    type IntoIter = Zip<Copied<slice::Iter<'static, u32>>, vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.cpus.ids().iter().copied().zip(self.values)
    }
}

impl<'a, T> IntoIterator for &'a PerCpuValues<T> {
    type Item = (u32, &'a T);
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut PerCpuValues<T> {
    type Item = (u32, &'a mut T);
    type IntoIter = IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CPUs with holes, as few machines have them.
    pub(super) fn holes() -> &'static PossibleCpus {
        Box::leak(Box::new(PossibleCpus::parse("0-1,8,10").unwrap()))
    }

    #[test]
    fn values_are_found_by_number() {
        let mut values = PerCpuValues::from_fn(holes(), |cpu| cpu * 100);
        assert_eq!([0, 1, 8, 10].map(|cpu| values[cpu]), [0, 100, 800, 1000]);
        assert_eq!((values.get(2), values.get(u32::MAX)), (None, None));
        assert_eq!(values.get_mut(9), None);
        values[8] = 5;
        *values.get_mut(10).unwrap() += 1;
        assert_eq!(
            values.iter().map(|(cpu, value)| (cpu, *value)).collect::<Vec<_>>(),
            [(0, 0), (1, 100), (8, 5), (10, 1001)]
        );
        assert_eq!((values.sum::<u32>(), values.sum_of(|value| u64::from(*value) * 2)), (1106, 2212));
        assert_eq!(values.fold(0, |most, &value| value.max(most)), 1001);
        values.iter_mut().for_each(|(cpu, value)| *value = cpu);
        let doubled = values.clone().map(|value| value * 2);
        assert_eq!(doubled.into_iter().collect::<Vec<_>>(), [(0, 0), (1, 2), (8, 16), (10, 20)]);
    }

    #[test]
    fn values_are_read_from_whole_slots() {
        let bytes: Vec<u8> = (0..32).collect();
        let values = PerCpuValues::<[u8; 3]>::of_bytes(holes(), &bytes, 8, 3);
        assert_eq!([0, 1, 8, 10].map(|cpu| values[cpu]), [[0, 1, 2], [8, 9, 10], [16, 17, 18], [24, 25, 26]]);
        // As many as there are CPUs, whatever there is of bytes.
        assert_eq!(
            PerCpuValues::<u16>::of_bytes(holes(), &[1, 0], 8, 2)
                .into_iter()
                .map(|(_, value)| value)
                .collect::<Vec<_>>(),
            [1, 0, 0, 0]
        );
    }

    #[test]
    #[should_panic = "CPU 2 is not possible; the possible CPUs are 0-1,8,10"]
    fn a_hole_is_no_index() {
        let _ = PerCpuValues::from_fn(holes(), |cpu| cpu)[2];
    }
}
