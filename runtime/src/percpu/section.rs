//! Global per-CPU variables, live.

use std::marker::PhantomData;

use super::access::{Access, Cpu, Lent};
use super::values::PerCpuValues;
use crate::cpus::PossibleCpus;
use crate::map::{Map, Update};
use crate::plain::{self, Plain, Room, Value};
use crate::sys::Errno;
use crate::sys::uapi::{BPF_F_ALL_CPUS, BPF_MAP_TYPE_PERCPU_ARRAY};
use crate::{Error, Result};

/// The key of the one value.
pub(crate) const KEY: [u8; 4] = [0; 4];

/// The variables of a `.percpu` section, or any value at key 0 of a per-CPU array.
///
/// `T` is the section's struct in the skeleton, or one of your own with [`derive(PerCpu)`](macro@crate::PerCpu).
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = Counters::open()?.load()?;
/// let mut third = skel.percpu.get(3)?;                    // CPU 3's value
/// third.hits = 0;
/// skel.percpu.set(3, &third)?;
/// skel.percpu.set_all(&counters::types::Percpu::default())?;
/// let hits: u64 = skel.percpu.values()?.sum_of(|value| value.hits);
/// for (cpu, value) in skel.percpu.iter()? {
///     println!("CPU {cpu}: {} of {hits} hits", value.hits);
/// }
/// # Ok(())
/// # }
/// ```
///
/// Nothing here is atomic: a BPF program may change a value while it is copied, and a value of more than a word can be
/// seen half changed. Before Linux 7.0 [`set`](Self::set) also reads all values and writes them all back: what programs
/// on **other** CPUs write in between is lost.
///
/// A map that was made longer than its section ([`OpenMap::set_value_size`](crate::OpenMap::set_value_size)) has the
/// section's variables at the start of each CPU's value. Whole values are those variables;
/// [`read_at`](Self::read_at) and [`write_at`](Self::write_at) reach what is behind them.
#[derive(Debug)]
pub struct PerCpu<T: Value> {
    access: Access,
    value: PhantomData<fn() -> T>,
}

impl<T: Value> PerCpu<T> {
    /// The values at key 0 of `map`.
    ///
    /// # Errors
    ///
    /// It is no per-CPU array, its values are shorter than `T`, or the possible CPUs cannot be read.
    pub fn new(map: Map) -> Result<PerCpu<T>> {
        let failed = || map.failed("use per-CPU map");
        if map.map_type() != BPF_MAP_TYPE_PERCPU_ARRAY {
            return Err(failed().because("it is not a per-CPU array"));
        }
        if !plain::begins::<T>(map.value_size()) {
            let (is, should) = (map.value_size(), size_of::<T>());
            return Err(failed().because(format!("its value has {is} bytes, the type {should}")));
        }
        Ok(PerCpu { access: Access::new(map)?, value: PhantomData })
    }

    /// The same variables as another type, under a descriptor of its own: one with
    /// [`derive(PerCpu)`](macro@crate::PerCpu), say.
    ///
    /// # Errors
    ///
    /// The values are shorter than `U`, or the process has reached its file descriptor limit.
    pub fn as_type<U: Value>(&self) -> Result<PerCpu<U>> {
        PerCpu::new(self.map().try_clone()?)
    }

    /// The map behind it.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.access.map
    }

    /// The CPUs that have a value.
    #[must_use]
    pub fn cpus(&self) -> &'static PossibleCpus {
        self.access.cpus
    }

    /// A copy of `cpu`'s value: one command with `BPF_F_CPU`, or before Linux 7.0 one that copies all. It
    /// allocates nothing for values of up to 4 KiB.
    ///
    /// # Errors
    ///
    /// `cpu` is not possible, or the kernel refuses.
    pub fn get(&self, cpu: u32) -> Result<T> {
        let cpu = self.access.cpu("read", cpu)?;
        if self.is_longer() {
            return self.read_part(cpu, 0);
        }
        let mut room = Room::<T>::new();
        let bytes = room.zeroes();
        let own = &mut bytes[..self.map().value_size()];
        self.access.read(&KEY, cpu, own).map_err(|errno| self.failed("read", cpu, errno))?;
        Ok(T::read(bytes))
    }

    /// Writes `cpu`'s value: one command with `BPF_F_CPU`. It
    /// allocates nothing for values of up to 4 KiB.
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
        let cpu = self.access.cpu("write", cpu)?;
        let mut room = Room::new();
        let own = &room.filled(value)[..self.own_len()];
        let result = if self.is_longer() {
            self.access.splice(&KEY, cpu, 0, own)
        } else {
            self.access.write(&KEY, cpu, own, Update::Any)
        };
        result.map_err(|errno| self.failed("write", cpu, errno))
    }

    /// A copy of what is `offset` bytes from the start of `cpu`'s value, be it behind `T`.
    ///
    /// # Errors
    ///
    /// `cpu` is not possible, it is not all inside the map's value, or the kernel refuses.
    pub fn read_at<U: Value>(&self, cpu: u32, offset: usize) -> Result<U> {
        let cpu = self.access.cpu("read", cpu)?;
        self.check_inside::<U>("read", cpu, offset)?;
        self.read_part(cpu, offset)
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
        let cpu = self.access.cpu("write", cpu)?;
        self.check_inside::<U>("write", cpu, offset)?;
        let result = self.access.splice(&KEY, cpu, offset, value.as_bytes());
        result.map_err(|errno| self.failed("write", cpu, errno))
    }

    /// Writes one value to all CPUs: one command, with `BPF_F_ALL_CPUS` where the kernel has it.
    ///
    /// If the map's value is longer than `T`, the bytes behind become 0.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn set_all(&self, value: &T) -> Result<()> {
        let mut room = Room::new();
        let own = &room.filled(value)[..self.own_len()];
        let result = if self.is_longer() {
            fill_all(self.map(), own, self.access.flags())
        } else {
            self.access.write_same(&KEY, own, Update::Any)
        };
        result.map_err(|errno| self.map().failed("write per-CPU map").refused(errno, self.map().shape()))
    }

    /// Copies of all values, with one command.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn values(&self) -> Result<PerCpuValues<T>> {
        let all = self.read_all()?;
        Ok(PerCpuValues::of_bytes(self.cpus(), all.bytes(), self.access.slot(), self.own_len()))
    }

    /// As [`values`](Self::values), into values that are there: it allocates nothing.
    ///
    /// # Errors
    ///
    /// The kernel refuses; then `values` stay as they are.
    pub fn values_into(&self, values: &mut PerCpuValues<T>) -> Result<()> {
        let all = self.read_all()?;
        values.read(self.cpus(), all.bytes(), self.access.slot(), self.own_len());
        Ok(())
    }

    /// Copies of all values with their CPUs' numbers, taken with one command.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn iter(&self) -> Result<impl ExactSizeIterator<Item = (u32, T)> + use<T>> {
        Ok(self.values()?.into_iter())
    }

    /// Whether there is something behind the `T` in the map's value.
    fn is_longer(&self) -> bool {
        self.map().value_size() > size_of::<T>()
    }

    /// How many bytes of a `T` are the map's: all but what its alignment adds.
    fn own_len(&self) -> usize {
        self.map().value_size().min(size_of::<T>())
    }

    fn read_all(&self) -> Result<Lent<'_>> {
        let failed = || self.map().failed("read per-CPU map");
        self.access.read_all(&KEY).map_err(|errno| failed().refused(errno, self.map().shape()))
    }

    fn read_part<U: Value>(&self, cpu: Cpu, offset: usize) -> Result<U> {
        let read = |bytes: &[u8]| U::read(&bytes[offset..]);
        self.access.read_with(&KEY, cpu, read).map_err(|errno| self.failed("read", cpu, errno))
    }

    fn check_inside<U>(&self, verb: &'static str, cpu: Cpu, offset: usize) -> Result<()> {
        let (size, whole) = (size_of::<U>(), self.map().value_size());
        if offset.checked_add(size).is_some_and(|end| end <= whole) {
            return Ok(());
        }
        let why = format!("{size} bytes at {offset} are not inside its {whole} bytes");
        Err(self.access.failed_on(verb, cpu.id).because(why))
    }

    fn failed(&self, verb: &'static str, cpu: Cpu, errno: Errno) -> Error {
        self.access.failed_on(verb, cpu.id).refused(errno, self.map().shape())
    }
}

/// Writes `value`, followed by zeroes, at key 0 for every possible CPU; `flags` is whether the kernel has
/// `BPF_F_ALL_CPUS`.
pub(crate) fn fill_all(map: &Map, value: &[u8], flags: bool) -> Result<(), Errno> {
    let mut bytes = value.to_vec();
    if flags {
        bytes.resize(map.value_size(), 0);
        return map.fd().update(&KEY, &bytes, BPF_F_ALL_CPUS);
    }
    let slot = map.shape().slot();
    bytes.resize(slot, 0);
    let all = bytes.repeat(map.full_value_size().checked_div(slot).unwrap_or(0));
    map.fd().update(&KEY, &all, 0)
}
