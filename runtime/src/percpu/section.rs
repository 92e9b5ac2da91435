//! Global per-CPU variables, live: one value for each possible CPU.
//!
//! Since Linux 7.0 the kernel reads and writes one CPU's value (`BPF_F_CPU`), or writes one value to all CPUs
//! (`BPF_F_ALL_CPUS`). Before, it only takes the values of all possible CPUs at once, and that is what is done there.
//!
//! Nothing here is atomic: a BPF program may change a value while it is copied, and a value of more than a word can be
//! seen half changed. Before Linux 7.0 [`PerCpu::set`] also reads all values and writes them all back: what
//! programs on **other** CPUs write in between is lost.
//!
//! A map that was made longer than its section ([`OpenMap::set_value_size`](crate::OpenMap::set_value_size)) has the
//! section's variables at the start of each CPU's value. Whole values are those variables;
//! [`read_at`](PerCpu::read_at) and [`write_at`](PerCpu::write_at) reach what is behind them.

use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cpus::{self, PossibleCpus};
use crate::map::Map;
use crate::plain::Plain;
use crate::sys::Errno;
use crate::sys::uapi::{BPF_F_ALL_CPUS, BPF_F_CPU, BPF_MAP_TYPE_PERCPU_ARRAY};
use crate::{Error, Result, plain};

/// The key of the one value.
pub(crate) const KEY: [u8; 4] = [0; 4];

/// The variables of a `.percpu` section, or any value at key 0 of a per-CPU array.
#[derive(Debug)]
pub struct PerCpu<T: Plain> {
    map: Map,
    cpus: &'static PossibleCpus,
    all_cpus: bool,
    /// Room for what is longer than one `T`, made when first needed and kept.
    buffer: Mutex<Vec<u8>>,
    value: PhantomData<fn() -> T>,
}

impl<T: Plain> PerCpu<T> {
    /// The values at key 0 of `map`.
    ///
    /// # Errors
    ///
    /// It is no per-CPU array, its values are shorter than `T`, or the possible CPUs cannot be read.
    pub fn new(map: Map) -> Result<PerCpu<T>> {
        let all_cpus = map.is_per_cpu() && map.fd().knows_cpu_flags();
        PerCpu::with(map, all_cpus)
    }

    /// `all_cpus` is whether the kernel knows the flags.
    pub(crate) fn with(map: Map, all_cpus: bool) -> Result<PerCpu<T>> {
        let failed = || map.failed("use per-CPU map");
        if map.map_type() != BPF_MAP_TYPE_PERCPU_ARRAY {
            return Err(failed().because("it is not a per-CPU array"));
        }
        if !plain::begins::<T>(map.value_size()) {
            let (is, should) = (map.value_size(), size_of::<T>());
            return Err(failed().because(format!("its value has {is} bytes, the type {should}")));
        }
        let cpus = cpus::possible()?;
        Ok(PerCpu { map, cpus, all_cpus, buffer: Mutex::default(), value: PhantomData })
    }

    /// The map behind it.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The CPUs that have a value.
    #[must_use]
    pub fn cpus(&self) -> &'static PossibleCpus {
        self.cpus
    }

    /// A copy of `cpu`'s value: one command with `BPF_F_CPU`, or before Linux 7.0 one that copies all.
    ///
    /// # Errors
    ///
    /// `cpu` is not possible, or the kernel refuses.
    pub fn get(&self, cpu: u32) -> Result<T> {
        let slot = self.slot("read", cpu)?;
        let mut value = T::zeroed();
        if self.all_cpus && !self.is_longer() {
            let result = self.map.fd().lookup(&KEY, self.own_mut(&mut value), one(cpu));
            result.map_err(|errno| self.failed_on("read", cpu).errno_is(errno))?;
        } else {
            let read = self.read_one(slot, cpu)?;
            let own = self.own_mut(&mut value);
            own.copy_from_slice(&read.buffer[read.start..][..own.len()]);
        }
        Ok(value)
    }

    /// Writes `cpu`'s value: one command with `BPF_F_CPU`.
    ///
    /// Before Linux 7.0 it reads and writes the values of all CPUs, and what other CPUs write meanwhile is lost.
    ///
    /// If the map's value is longer than `T`, the bytes behind stay: they are read before, with one command more, and
    /// what `cpu` writes there meanwhile is lost.
    ///
    /// # Errors
    ///
    /// `cpu` is not possible, or the kernel refuses.
    pub fn set(&self, cpu: u32, value: &T) -> Result<()> {
        let slot = self.slot("write", cpu)?;
        if !self.all_cpus || self.is_longer() {
            return self.splice(slot, cpu, 0, self.own(value));
        }
        let result = self.map.fd().update(&KEY, self.own(value), one(cpu));
        result.map_err(|errno| self.failed_on("write", cpu).errno_is(errno))
    }

    /// A copy of what is `offset` bytes from the start of `cpu`'s value, be it behind `T`.
    ///
    /// # Errors
    ///
    /// `cpu` is not possible, it is not all inside the map's value, or the kernel refuses.
    pub fn read_at<U: Plain>(&self, cpu: u32, offset: usize) -> Result<U> {
        let slot = self.slot("read", cpu)?;
        self.check_inside::<U>("read", cpu, offset)?;
        let read = self.read_one(slot, cpu)?;
        let mut value = U::zeroed();
        let bytes = value.as_bytes_mut();
        bytes.copy_from_slice(&read.buffer[read.start + offset..][..bytes.len()]);
        Ok(value)
    }

    /// Writes what is `offset` bytes from the start of `cpu`'s value, be it behind `T`, and keeps the bytes around it.
    ///
    /// These are read before, so that it is two commands, and what `cpu` writes there meanwhile is lost; before Linux
    /// 7.0 also what other CPUs write to their own.
    ///
    /// # Errors
    ///
    /// As for [`read_at`](Self::read_at).
    pub fn write_at<U: Plain>(&self, cpu: u32, offset: usize, value: &U) -> Result<()> {
        let slot = self.slot("write", cpu)?;
        self.check_inside::<U>("write", cpu, offset)?;
        self.splice(slot, cpu, offset, value.as_bytes())
    }

    /// Writes one value to all CPUs: one command, with `BPF_F_ALL_CPUS` where the kernel has it.
    ///
    /// If the map's value is longer than `T`, the bytes behind become 0.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn set_all(&self, value: &T) -> Result<()> {
        let result = if self.all_cpus && !self.is_longer() {
            self.map.fd().update(&KEY, self.own(value), BPF_F_ALL_CPUS)
        } else {
            write_to_all(&self.map, self.own(value), self.all_cpus, &mut self.lock())
        };
        result.map_err(|errno| self.map.failed("write per-CPU map").errno_is(errno))
    }

    /// Copies of all values, with one command.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn values(&self) -> Result<PerCpuValues<T>> {
        let buffer = self.read_all()?;
        let mut values = Vec::with_capacity(self.cpus.count());
        for slot in 0..self.cpus.count() {
            let mut value = T::zeroed();
            let own = self.own_mut(&mut value);
            own.copy_from_slice(&buffer[slot * self.map.shape().slot()..][..own.len()]);
            values.push(value);
        }
        Ok(PerCpuValues { cpus: self.cpus, values })
    }

    /// Copies of all values with their CPUs' numbers, taken with one command.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn iter(&self) -> Result<impl ExactSizeIterator<Item = (u32, T)> + use<T>> {
        Ok(self.values()?.into_iter())
    }

    fn slot(&self, verb: &'static str, cpu: u32) -> Result<usize> {
        self.cpus.slot(cpu).ok_or_else(|| {
            self.failed_on(verb, cpu).because(format!("it is not possible; the possible CPUs are {:?}", self.cpus))
        })
    }

    /// Whether there is something behind the `T` in the map's value.
    fn is_longer(&self) -> bool {
        self.map.value_size() > size_of::<T>()
    }

    fn own_len(&self) -> usize {
        self.map.value_size().min(size_of::<T>())
    }

    /// The bytes of `value` that are the map's: all but what its alignment adds.
    fn own<'v>(&self, value: &'v T) -> &'v [u8] {
        &value.as_bytes()[..self.own_len()]
    }

    /// As [`own`](Self::own), to write.
    fn own_mut<'v>(&self, value: &'v mut T) -> &'v mut [u8] {
        &mut value.as_bytes_mut()[..self.own_len()]
    }

    fn check_inside<U>(&self, verb: &'static str, cpu: u32, offset: usize) -> Result<()> {
        let (size, whole) = (size_of::<U>(), self.map.value_size());
        if offset.checked_add(size).is_some_and(|end| end <= whole) {
            return Ok(());
        }
        Err(self.failed_on(verb, cpu).because(format!("{size} bytes at {offset} are not inside its {whole} bytes")))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // What a thread that panicked left there is overwritten before it is looked at.
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole value of `cpu`.
    fn read_one(&self, slot: usize, cpu: u32) -> Result<ReadOne<'_>> {
        if !self.all_cpus {
            let start = slot * self.map.shape().slot();
            return Ok(ReadOne { buffer: self.read_all()?, start, flags: 0 });
        }
        let (mut buffer, flags) = (self.lock(), one(cpu));
        buffer.resize(self.map.value_size(), 0);
        let result = self.map.fd().lookup(&KEY, &mut buffer, flags);
        result.map_err(|errno| self.failed_on("read", cpu).errno_is(errno))?;
        Ok(ReadOne { buffer, start: 0, flags })
    }

    /// Writes `bytes`, which are inside the map's value, at `offset` of `cpu`'s, with the rest as it is read before.
    fn splice(&self, slot: usize, cpu: u32, offset: usize, bytes: &[u8]) -> Result<()> {
        let mut read = self.read_one(slot, cpu)?;
        let start = read.start + offset;
        read.buffer[start..][..bytes.len()].copy_from_slice(bytes);
        let result = self.map.fd().update(&KEY, &read.buffer, read.flags);
        result.map_err(|errno| self.failed_on("write", cpu).errno_is(errno))
    }

    /// The values of all CPUs.
    fn read_all(&self) -> Result<MutexGuard<'_, Vec<u8>>> {
        let mut buffer = self.lock();
        buffer.resize(self.map.full_value_size(), 0);
        let result = self.map.fd().lookup(&KEY, &mut buffer, 0);
        result.map_err(|errno| self.map.failed("read per-CPU map").errno_is(errno))?;
        Ok(buffer)
    }

    fn failed_on(&self, verb: &str, cpu: u32) -> Error {
        Error::new(format!("{verb} the value of CPU {cpu} in per-CPU map")).subject(self.map.name())
    }
}

/// One CPU's whole value, alone or among those of all.
struct ReadOne<'a> {
    buffer: MutexGuard<'a, Vec<u8>>,
    /// Where in `buffer` it is.
    start: usize,
    /// Those with which `buffer` is written back.
    flags: u64,
}

/// The flags for one CPU's value.
fn one(cpu: u32) -> u64 {
    BPF_F_CPU | u64::from(cpu) << 32
}

/// Writes `value`, followed by zeroes, at key 0 for every possible CPU; `all_cpus` is whether the kernel knows
/// `BPF_F_ALL_CPUS`. The buffer need not hold anything.
pub(crate) fn write_to_all(map: &Map, value: &[u8], all_cpus: bool, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    if !all_cpus {
        return write_everywhere(map, value, buffer);
    }
    buffer.clear();
    buffer.extend_from_slice(value);
    buffer.resize(map.value_size(), 0);
    map.fd().update(&KEY, buffer, BPF_F_ALL_CPUS)
}

/// Writes `value` at key 0 for every possible CPU, without `BPF_F_ALL_CPUS`. The buffer need not hold anything.
pub(crate) fn write_everywhere(map: &Map, value: &[u8], buffer: &mut Vec<u8>) -> Result<(), Errno> {
    buffer.clear();
    buffer.resize(map.full_value_size(), 0);
    for slot in buffer.chunks_exact_mut(map.shape().slot().max(1)) {
        slot.get_mut(..value.len()).ok_or(Errno::EINVAL)?.copy_from_slice(value);
    }
    map.fd().update(&KEY, buffer, 0)
}

/// Copies of all CPUs' values.
#[derive(Clone, Debug)]
pub struct PerCpuValues<T> {
    cpus: &'static PossibleCpus,
    values: Vec<T>,
}

impl<T> PerCpuValues<T> {
    /// The value of `cpu`, if that is possible.
    #[must_use]
    pub fn get(&self, cpu: u32) -> Option<&T> {
        self.values.get(self.cpus.slot(cpu)?)
    }

    /// The values with their CPUs' numbers, lowest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, &T)> + DoubleEndedIterator {
        self.cpus.iter().zip(&self.values)
    }

    /// All values made into one: `values.fold(0, |sum, value| sum + value.hits)`.
    pub fn fold<A>(&self, start: A, combine: impl FnMut(A, &T) -> A) -> A {
        self.values.iter().fold(start, combine)
    }
}

impl<T> std::ops::Index<u32> for PerCpuValues<T> {
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

impl<T> IntoIterator for PerCpuValues<T> {
    type Item = (u32, T);
    type IntoIter = std::iter::Zip<std::iter::Copied<std::slice::Iter<'static, u32>>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.cpus.ids().iter().copied().zip(self.values)
    }
}
