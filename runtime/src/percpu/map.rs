//! Per-CPU maps with keys and values of known types.

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::access::{Access, Cpu};
use super::values::PerCpuValues;
use crate::cpus::PossibleCpus;
use crate::map::{Map, Update, check_is_hash, check_types, found};
use crate::plain::{Plain, Room, Value};
use crate::sys::Errno;
use crate::sys::uapi::BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
use crate::{Error, Result};

const READ: &str = "read from per-CPU map";
pub(super) const WRITE: &str = "write to per-CPU map";

/// A map whose elements have a value for each possible CPU: `percpu_array`, `percpu_hash`, `lru_percpu_hash`,
/// `percpu_cgroup_storage`.
///
/// | | one CPU | one value for all | each CPU's |
/// |---|---|---|---|
/// | read | [`get`](Self::get) | | [`values`](Self::values) |
/// | write | [`set`](Self::set), [`update`](Self::update) | [`set_all`](Self::set_all), [`update_all`](Self::update_all) | [`set_values`](Self::set_values), [`update_values`](Self::update_values) |
/// | read in batches | [`iter_cpu`](Self::iter_cpu) | | [`iter`](Self::iter), [`drain`](Self::drain) |
/// | write in batches | [`set_batch`](Self::set_batch) | [`set_all_batch`](Self::set_all_batch) | [`set_values_batch`](Self::set_values_batch) |
/// | bytes copied a value, Linux 7.0 and later | `value_size` | `value_size`, but for [`update_all`](Self::update_all) of a hash | all CPUs' |
/// | before | all CPUs' | all CPUs' | all CPUs' |
///
/// The same calls give the same results on every kernel.
///
/// # What is atomic, and what is not
///
/// The kernel copies values without a lock: a BPF program may change a value while it is copied, and a value of more than a
/// word can be seen half changed. Beyond that a call is one step of the kernel's, but for these:
///
/// - Before Linux 7.0 (for an `lru_percpu_hash` before 7.2) a write for one CPU reads the values of all CPUs, and writes all
///   of them back: **what programs on other CPUs write in between is lost**.
/// - Since then, [`Update::Existing`] for one CPU of a hash looks first whether the element is there, as the kernel heeds
///   `BPF_EXIST` only without `BPF_F_CPU`: an element that is deleted in between is made again.
/// - On Linux 7.0 and 7.1 every write for one CPU of a `percpu_hash` looks first: an element that `BPF_F_CPU` makes has
///   there, for the other CPUs, what its memory held before. One that is deleted in between can still have that.
/// - An `lru_percpu_hash` that is full can forget, to make room, the very element that is written. It is made again then, with
///   zeroes for the other CPUs.
/// - Before Linux 7.0 the kernel writes a `percpu_cgroup_storage` in whole 8 bytes a CPU, though it has allocated
///   `value_size`: up to 4 bytes of other per-CPU memory are read before and written back. Give such maps values of a
///   multiple of 8 bytes.
///
/// ```no_run
/// use skelgen_runtime::{PerCpuMap, Update};
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// let bytes_by_port = PerCpuMap::<u16, u64>::pinned("/sys/fs/bpf/bytes_by_port")?;
/// bytes_by_port.update_all(&443, &0, Update::New)?;            // BPF_F_ALL_CPUS: one value, every CPU
/// bytes_by_port.set(&443, 2, &1500)?;                          // BPF_F_CPU: CPU 2
/// assert_eq!(bytes_by_port.get(&443, 2)?, Some(1500));
/// for element in &bytes_by_port {
///     let (port, bytes) = element?;
///     println!("port {port}: {} bytes", bytes.sum::<u64>());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PerCpuMap<K: Plain, V: Value> {
    pub(super) access: Access,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Plain, V: Value> PerCpuMap<K, V> {
    /// The map with its keys and values as `K` and `V`.
    ///
    /// # Errors
    ///
    /// It is no per-CPU map, the types have other sizes than the map's, or the possible CPUs cannot be read.
    pub fn new(map: Map) -> Result<Self> {
        check_types::<K, V>(&map)?;
        Ok(PerCpuMap { access: Access::new(map)?, types: PhantomData })
    }

    /// The map behind a descriptor, under a name for errors.
    ///
    /// # Errors
    ///
    /// As for [`Map::from_fd`] and [`new`](Self::new).
    pub fn from_fd(fd: OwnedFd, name: &str) -> Result<Self> {
        Self::new(Map::from_fd(fd, name)?)
    }

    /// The map pinned at `path` in a BPF file system.
    ///
    /// # Errors
    ///
    /// As for [`Map::pinned`] and [`new`](Self::new).
    pub fn pinned(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(Map::pinned(path)?)
    }

    /// The map as bytes.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.access.map
    }

    /// The CPUs that have a value.
    #[must_use]
    pub fn cpus(&self) -> &'static PossibleCpus {
        self.access.cpus
    }

    /// A copy of `cpu`'s value at `key`, if there is an element (`BPF_F_CPU`). It allocates nothing for values of up to
    /// 4 KiB.
    ///
    /// # Errors
    ///
    /// `cpu` is not possible, or the kernel refuses.
    pub fn get(&self, key: &K, cpu: u32) -> Result<Option<V>> {
        let cpu = self.access.cpu("read", cpu).map_err(|error| error.at_key(key))?;
        let mut room = Room::<V>::new();
        let bytes = room.zeroes();
        let is_there = found(self.access.read(key.as_bytes(), cpu, bytes));
        let is_there = is_there.map_err(|errno| self.failed_on("read", key, cpu, errno))?;
        Ok(is_there.then(|| V::read(bytes)))
    }

    /// Copies of all CPUs' values at `key`, if there is an element.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn values(&self, key: &K) -> Result<Option<PerCpuValues<V>>> {
        self.read_values(key, READ, self.access.read_all(key.as_bytes()))
    }

    /// As [`values`](Self::values), into values that are there: it allocates nothing. Says whether there is an element.
    ///
    /// # Errors
    ///
    /// The kernel refuses; then `values` stay as they are.
    pub fn values_into(&self, key: &K, values: &mut PerCpuValues<V>) -> Result<bool> {
        match self.access.read_all(key.as_bytes()) {
            Ok(all) => {
                values.read(self.cpus(), all.bytes(), self.access.slot(), size_of::<V>());
                Ok(true)
            }
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(self.failed(READ, key, errno)),
        }
    }

    /// Writes `cpu`'s value at `key` (`BPF_F_CPU`). If that makes an element, the other CPUs have zeroes. It allocates
    /// nothing for values of up to 4 KiB.
    ///
    /// Before Linux 7.0 (for an `lru_percpu_hash` before 7.2) it reads and writes the values of all CPUs, and what other CPUs
    /// write meanwhile is lost; see [what is atomic](Self#what-is-atomic-and-what-is-not).
    ///
    /// # Errors
    ///
    /// `cpu` is not possible, the map is full, has no such index (`E2BIG`) or no such cgroup (`ENOENT`).
    pub fn set(&self, key: &K, cpu: u32, value: &V) -> Result<()> {
        self.update(key, cpu, value, Update::Any)
    }

    /// As [`set`](Self::set), if `how` lets it.
    ///
    /// [`Update::Existing`] is not one step in a hash: from Linux 7.0 on, an element that is deleted just then is made again.
    ///
    /// # Errors
    ///
    /// As there; or `how` forbids it (`EEXIST`, `ENOENT`).
    pub fn update(&self, key: &K, cpu: u32, value: &V, how: Update) -> Result<()> {
        let cpu = self.access.cpu("write", cpu).map_err(|error| error.at_key(key))?;
        self.check_how(key, how)?;
        let result = self.access.write(key.as_bytes(), cpu, Room::new().filled(value), how);
        result.map_err(|errno| self.failed_on("write", key, cpu, errno))
    }

    /// Writes one value to all CPUs at `key`: one command, with `BPF_F_ALL_CPUS` where the kernel has it.
    ///
    /// # Errors
    ///
    /// The map is full, has no such index (`E2BIG`) or no such cgroup (`ENOENT`).
    pub fn set_all(&self, key: &K, value: &V) -> Result<()> {
        self.update_all(key, value, Update::Any)
    }

    /// As [`set_all`](Self::set_all), if `how` lets it: one step on every kernel.
    ///
    /// With [`Update::New`], and with [`Update::Existing`] in a hash, it copies the value for each CPU on every kernel, as the
    /// kernel takes neither beside `BPF_F_ALL_CPUS`.
    ///
    /// # Errors
    ///
    /// As there; or `how` forbids it (`EEXIST`, `ENOENT`).
    pub fn update_all(&self, key: &K, value: &V, how: Update) -> Result<()> {
        self.check_how(key, how)?;
        let result = self.access.write_same(key.as_bytes(), Room::new().filled(value), how);
        result.map_err(|errno| self.failed(WRITE, key, errno))
    }

    /// Writes each CPU's value at `key`, with one command.
    ///
    /// # Errors
    ///
    /// The values are of other CPUs; or as for [`set_all`](Self::set_all).
    pub fn set_values(&self, key: &K, values: &PerCpuValues<V>) -> Result<()> {
        self.update_values(key, values, Update::Any)
    }

    /// As [`set_values`](Self::set_values), if `how` lets it: one step on every kernel.
    ///
    /// # Errors
    ///
    /// As there; or `how` forbids it (`EEXIST`, `ENOENT`).
    pub fn update_values(&self, key: &K, values: &PerCpuValues<V>, how: Update) -> Result<()> {
        self.check_how(key, how)?;
        self.check_cpus(key, values)?;
        self.write_each(key.as_bytes(), values, how).map_err(|errno| self.failed(WRITE, key, errno))
    }

    /// Writes each CPU's value; they are of the map's CPUs.
    pub(super) fn write_each(&self, key: &[u8], values: &PerCpuValues<V>, how: Update) -> Result<(), Errno> {
        let mut values = values.in_order();
        let fill = |slot: &mut [u8]| values.next().into_iter().for_each(|value| value.write(slot));
        self.access.write_all(key, how, fill)
    }

    /// Removes the element at `key`, and says whether there was one (`BPF_MAP_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// The map is an array or a cgroup storage, which keep their elements.
    pub fn delete(&self, key: &K) -> Result<bool> {
        check_is_hash(self.map(), "delete from per-CPU map")?;
        found(self.map().fd().delete(key.as_bytes()))
            .map_err(|errno| self.failed("delete from per-CPU map", key, errno))
    }

    /// Removes the element at `key` and gives all CPUs' values, if there was one (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// The map is an array or a cgroup storage, which keep their elements.
    pub fn take(&self, key: &K) -> Result<Option<PerCpuValues<V>>> {
        check_is_hash(self.map(), "take an element of per-CPU map")?;
        self.read_values(key, "take from per-CPU map", self.access.take_all(key.as_bytes()))
    }

    /// The keys, one command each; see [`Map::keys`].
    pub fn keys(&self) -> impl Iterator<Item = Result<K>> + '_ {
        self.map().keys().map(|key| Ok(crate::plain::read(&key?)))
    }

    fn read_values(
        &self,
        key: &K,
        operation: &'static str,
        all: Result<super::access::Lent<'_>, Errno>,
    ) -> Result<Option<PerCpuValues<V>>> {
        match all {
            Ok(all) => {
                let slot = self.access.slot();
                Ok(Some(PerCpuValues::of_bytes(self.cpus(), all.bytes(), slot, size_of::<V>())))
            }
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(self.failed(operation, key, errno)),
        }
    }

    fn check_how(&self, key: &K, how: Update) -> Result<()> {
        if how == Update::New && self.map().map_type() == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE {
            let why = "an element of a cgroup storage is made by attaching a program to the cgroup, never by a write";
            return Err(self.map().failed(WRITE).at_key(key).because(why));
        }
        Ok(())
    }

    pub(super) fn check_cpus(&self, key: &K, values: &PerCpuValues<V>) -> Result<()> {
        if values.cpus() == self.cpus() {
            return Ok(());
        }
        let why = format!("the values are of CPUs {:?}; the possible CPUs are {:?}", values.cpus(), self.cpus());
        Err(self.map().failed(WRITE).at_key(key).because(why))
    }

    fn failed(&self, operation: &'static str, key: &K, errno: Errno) -> Error {
        self.map().element_failed(operation, key, errno)
    }

    fn failed_on(&self, verb: &'static str, key: &K, cpu: Cpu, errno: Errno) -> Error {
        self.access.failed_on(verb, cpu.id).at_key(key).refused(errno, self.map().shape())
    }
}

impl<K: Plain, V: Value> AsFd for PerCpuMap<K, V> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map().as_fd()
    }
}
