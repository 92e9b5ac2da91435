//! How a per-CPU map's values are read and written on this kernel: keys and values as bytes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cpus::{self, PossibleCpus};
use crate::kernel::cpu_values::{self, one};
use crate::map::{Map, Update, found, not_possible};
use crate::sys::Errno;
use crate::sys::uapi::*;
use crate::{Error, Result, features};

/// How often reading and writing back is tried again when the element came or went in between.
const ATTEMPTS: u32 = 100;

/// A per-CPU map, and the way to its values.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) map: Map,
    pub(super) cpus: &'static PossibleCpus,
    /// Room for the values of all CPUs, or for one that is not as long as its type. It only ever grows.
    buffer: Mutex<Vec<u8>>,
}

/// One CPU, and where its value is among those of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu {
    pub(super) id: u32,
    /// Bytes from the first CPU's.
    pub(super) start: usize,
}

impl Access {
    /// The values of `map`. The kernel is not asked for anything yet.
    pub(super) fn new(map: Map) -> Result<Access> {
        if !map.is_per_cpu() {
            let why = format!("it is a {}, which has one value for all CPUs", map.map_type());
            return Err(map.failed("use per-CPU map").because(why));
        }
        Ok(Access { cpus: cpus::possible()?, buffer: Mutex::default(), map })
    }

    /// Whether the kernel has `BPF_F_CPU` and `BPF_F_ALL_CPUS`.
    pub(super) fn flags(&self) -> bool {
        features::has_cpu_flags(self.map.fd())
    }

    /// Whether an element that `BPF_F_CPU` makes is 0 for the other CPUs.
    fn makes_clean(&self) -> bool {
        !self.is_hash() || cpu_values::makes_clean_elements(self.cpus)
    }

    /// Whether `BPF_F_CPU` can make an element that is not 0 for the other CPUs where there was one already. An LRU hash
    /// takes a free element before it looks for the one to write, and may forget just that to have one. A write with
    /// `BPF_EXIST` alone takes none.
    fn may_make_what_is_there(&self) -> bool {
        self.map.map_type() == BPF_MAP_TYPE_LRU_PERCPU_HASH && !self.makes_clean()
    }

    /// Whether writing can make an element.
    fn is_hash(&self) -> bool {
        matches!(self.map.map_type(), BPF_MAP_TYPE_PERCPU_HASH | BPF_MAP_TYPE_LRU_PERCPU_HASH)
    }

    /// Whether the kernel has no commands for many elements of such a map.
    pub(super) fn has_no_batches(&self) -> bool {
        self.map.map_type() == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
    }

    /// Whether `BPF_F_CPU` can be left to write, and make, many elements.
    pub(super) fn batches_one_cpu(&self) -> bool {
        self.flags() && self.makes_clean()
    }

    /// The CPU of that number.
    pub(super) fn cpu(&self, operation: &'static str, id: u32) -> Result<Cpu> {
        match self.cpus.slot(id) {
            Some(slot) => Ok(Cpu { id, start: slot * self.slot() }),
            None => Err(self.failed_on(operation, id).because(format!("the CPU is {}", not_possible(self.cpus)))),
        }
    }

    /// Bytes from one CPU's value to the next's.
    pub(super) fn slot(&self) -> usize {
        self.map.shape().slot()
    }

    /// A failure of `operation` with the value of one CPU.
    pub(super) fn failed_on(&self, operation: &'static str, cpu: u32) -> Error {
        self.map.failed(format!("{operation} the value of CPU {cpu} in per-CPU map"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // What a thread that panicked left there is overwritten before it is looked at.
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The buffer, with `len` bytes; they may be anything.
    fn room(&self, len: usize) -> Lent<'_> {
        let mut buffer = self.lock();
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        Lent { buffer, len }
    }

    /// The buffer for the values of all CPUs.
    fn whole(&self) -> Lent<'_> {
        self.room(self.map.full_value_size())
    }

    /// Reads one CPU's value; `value` has the map's value size.
    pub(super) fn read(&self, key: &[u8], cpu: Cpu, value: &mut [u8]) -> Result<(), Errno> {
        if self.flags() {
            return self.map.fd().lookup(key, value, one(cpu.id));
        }
        let all = self.read_all(key)?;
        value.copy_from_slice(&all.bytes()[cpu.start..][..value.len()]);
        Ok(())
    }

    /// Reads one CPU's value into the buffer, and what is to be known of it from there.
    pub(super) fn read_with<R>(&self, key: &[u8], cpu: Cpu, read: impl FnOnce(&[u8]) -> R) -> Result<R, Errno> {
        let size = self.map.value_size();
        if !self.flags() {
            return Ok(read(&self.read_all(key)?.bytes()[cpu.start..][..size]));
        }
        let mut value = self.room(size);
        self.map.fd().lookup(key, value.bytes_mut(), one(cpu.id))?;
        Ok(read(value.bytes()))
    }

    /// Reads all CPUs' values.
    pub(super) fn read_all(&self, key: &[u8]) -> Result<Lent<'_>, Errno> {
        let mut all = self.whole();
        self.map.fd().lookup(key, all.bytes_mut(), 0)?;
        Ok(all)
    }

    /// Takes all CPUs' values out.
    pub(super) fn take_all(&self, key: &[u8]) -> Result<Lent<'_>, Errno> {
        let mut all = self.whole();
        self.map.fd().lookup_and_delete(key, all.bytes_mut())?;
        Ok(all)
    }

    /// Writes one CPU's value, which has the map's value size. If there is no element, and `how` lets it be made, the other
    /// CPUs have zeroes.
    pub(super) fn write(&self, key: &[u8], cpu: Cpu, value: &[u8], how: Update) -> Result<(), Errno> {
        if how == Update::New {
            // The kernel heeds BPF_NOEXIST for the values of all CPUs only.
            return self.make(key, cpu, value);
        }
        if !self.flags() || self.may_make_what_is_there() {
            return self.replace(key, cpu, 0, value, how);
        }
        // An element of other types is always there, or never made by a write.
        if self.is_hash() && (how == Update::Existing || !self.makes_clean()) {
            let is_there = {
                let mut before = self.room(self.map.value_size());
                found(self.map.fd().lookup(key, before.bytes_mut(), one(cpu.id)))?
            };
            match (is_there, how) {
                (true, _) => {}
                (false, Update::Existing) => return Err(Errno::ENOENT),
                (false, _) => match self.make(key, cpu, value) {
                    Err(Errno::EEXIST) => {}
                    result => return result,
                },
            }
        }
        self.map.fd().update(key, value, one(cpu.id))
    }

    /// Writes `bytes` at `offset` of one CPU's value, with the rest as it is read before.
    pub(super) fn splice(&self, key: &[u8], cpu: Cpu, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        if !self.flags() {
            return self.replace(key, cpu, offset, bytes, Update::Existing);
        }
        let mut value = self.room(self.map.value_size());
        self.map.fd().lookup(key, value.bytes_mut(), one(cpu.id))?;
        value.bytes_mut()[offset..][..bytes.len()].copy_from_slice(bytes);
        self.map.fd().update(key, value.bytes(), one(cpu.id))
    }

    /// Writes one value to all CPUs; it has the map's value size.
    pub(super) fn write_same(&self, key: &[u8], value: &[u8], how: Update) -> Result<(), Errno> {
        // The kernel refuses BPF_NOEXIST and BPF_EXIST beside BPF_F_ALL_CPUS. But where no write makes an element, any write
        // is of an existing one.
        if self.flags() && (how == Update::Any || how == Update::Existing && !self.is_hash()) {
            return self.map.fd().update(key, value, BPF_F_ALL_CPUS);
        }
        self.write_all(key, how, |slot| slot[..value.len()].copy_from_slice(value))
    }

    /// Writes each CPU's value; `fill` puts them, lowest CPU first, into zeroes.
    pub(super) fn write_all(&self, key: &[u8], how: Update, mut fill: impl FnMut(&mut [u8])) -> Result<(), Errno> {
        let mut all = self.whole();
        let bytes = all.bytes_mut();
        let slot = self.slot().max(1);
        if !self.flags() && cpu_values::writes_past_values(self.map.shape()) {
            // What is behind the values goes back as it is.
            self.map.fd().lookup(key, bytes, 0)?;
            bytes.chunks_exact_mut(slot).for_each(|slot| slot[..self.map.value_size()].fill(0));
        } else {
            bytes.fill(0);
        }
        bytes.chunks_exact_mut(slot).for_each(&mut fill);
        self.map.fd().update(key, bytes, how.flags())
    }

    /// Makes the element, with zeroes for the other CPUs.
    fn make(&self, key: &[u8], cpu: Cpu, value: &[u8]) -> Result<(), Errno> {
        let mut all = self.whole();
        let bytes = all.bytes_mut();
        bytes.fill(0);
        bytes[cpu.start..][..value.len()].copy_from_slice(value);
        self.map.fd().update(key, bytes, BPF_NOEXIST)
    }

    /// Without `BPF_F_CPU`: reads all CPUs' values, changes one, writes all.
    fn replace(&self, key: &[u8], cpu: Cpu, offset: usize, bytes: &[u8], how: Update) -> Result<(), Errno> {
        for _ in 0..ATTEMPTS {
            let result = match self.read_all(key) {
                Ok(mut all) => {
                    all.bytes_mut()[cpu.start + offset..][..bytes.len()].copy_from_slice(bytes);
                    self.map.fd().update(key, all.bytes(), BPF_EXIST)
                }
                Err(Errno::ENOENT) if how == Update::Any && self.is_hash() => self.make(key, cpu, bytes),
                // What an array says of an index that it does not have, if it is to be written.
                Err(Errno::ENOENT) if self.map.map_type() == BPF_MAP_TYPE_PERCPU_ARRAY => return Err(Errno::E2BIG),
                Err(errno) => return Err(errno),
            };
            // It went, or came, in between.
            if !matches!(result, Err(Errno::ENOENT | Errno::EEXIST)) {
                return result;
            }
        }
        Err(Errno::EAGAIN)
    }
}

/// The buffer of an [`Access`], lent to one call.
pub(super) struct Lent<'a> {
    buffer: MutexGuard<'a, Vec<u8>>,
    len: usize,
}

impl Lent<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.len]
    }
}
