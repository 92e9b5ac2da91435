//! Maps: as bytes, and with types.
//!
//! ```text
//! Map          keys and values as bytes, and every flag of the kernel's
//! TypedMap     hash, array, lru_hash, rhash, lpm_trie
//! Queue        queue, stack
//! BloomFilter  bloom_filter
//! RingBuf      ringbuf: records that programs send, one reader at a time
//! PerCpuMap    the per-CPU maps, in crate::percpu
//! ```
//!
//! The kernel's counterpart is `kernel/bpf/syscall.c`.

mod batch;
mod bloom;
mod elements;
mod flags;
mod pin;
mod queue;
mod refused;
mod rhash;
mod ring;
mod typed;
mod walk;

use std::borrow::Cow;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::{fmt, fs, iter};

use crate::sys::elem::{MapFd, Shape};
use crate::sys::uapi::{
    BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, BPF_MAP_TYPE_RHASH, MapFlags, MapType,
};
use crate::sys::{Errno, bpf};
use crate::{Error, Result, cpus, diagnose, features, kernel};

pub(crate) use batch::{Stopped, delete_batch, write_batch};
pub use bloom::BloomFilter;
pub use elements::Elements;
pub use flags::{ElemFlags, Update};
pub(crate) use flags::{Operation, not_possible};
pub use pin::unpin;
pub(crate) use pin::{BPF_FS, c_path, pin};
pub use queue::Queue;
pub use ring::RingBuf;
pub use typed::TypedMap;
pub(crate) use typed::{check_is_hash, check_types};
pub(crate) use walk::Walk;

/// A map in the kernel, its keys and values as bytes. It goes when nobody holds it any more: neither this, nor a
/// program, nor a pin.
#[derive(Debug)]
pub struct Map {
    fd: MapFd,
    name: Box<str>,
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Map {
    pub(crate) fn new(fd: MapFd, name: &str) -> Map {
        Map { fd, name: name.into() }
    }

    /// The map behind a descriptor, under a name for errors.
    ///
    /// # Errors
    ///
    /// It is open on something else, or the kernel does not tell its sizes.
    pub fn from_fd(fd: OwnedFd, name: &str) -> Result<Map> {
        let failed = || Error::new("ask about map").subject(name);
        if let Some(other) = not_a_map(fd.as_fd()) {
            return Err(failed().because(format!("the descriptor is not a map's, but of {other}")));
        }
        match MapFd::of(fd) {
            Ok(fd) => Ok(Map::new(fd, name)),
            // A per-CPU map on a machine whose CPUs are not known.
            Err(Errno::EIO) => Err(cpus::possible().err().unwrap_or_else(|| failed().errno_is(Errno::EIO))),
            Err(errno) => Err(diagnose::refused(failed(), errno)),
        }
    }

    /// The map pinned at `path` in a BPF file system.
    ///
    /// # Errors
    ///
    /// Nothing is pinned there, or not a map, or this process may not use it.
    pub fn pinned(path: impl AsRef<Path>) -> Result<Map> {
        let path = path.as_ref();
        let failed = || Error::new("open pinned map").subject(path.display().to_string());
        let fd = bpf::obj_get(&c_path(path).ok_or_else(|| failed().because("the path contains a NUL byte"))?)
            .map_err(|errno| diagnose::refused(failed(), errno))?;
        Map::from_fd(fd, &path.file_name().unwrap_or_default().to_string_lossy())
    }

    pub(crate) fn fd(&self) -> &MapFd {
        &self.fd
    }

    pub(crate) fn shape(&self) -> Shape {
        self.fd.shape()
    }

    /// The handle of a map that was not created.
    pub(crate) fn absent(shape: Shape, name: &str) -> Result<Map> {
        let fd = MapFd::absent(shape);
        let failed = |errno| Error::new("make the handle of map").subject(name).errno_is(errno);
        fd.map(|fd| Map::new(fd, name)).map_err(failed)
    }

    pub(crate) fn failed(&self, operation: impl Into<Cow<'static, str>>) -> Error {
        let error = Error::new(operation).subject(&*self.name);
        if self.is_created() { error } else { error.because(NOT_CREATED) }
    }

    /// Whether the map is in the kernel: it is unless [`set_autocreate(false)`](crate::OpenMap::set_autocreate) left it out.
    /// Then every operation on this handle fails, and its descriptor is not a map's.
    #[must_use]
    pub fn is_created(&self) -> bool {
        !self.fd.is_absent()
    }

    /// The kernel refused an operation on the element at `key`.
    pub(crate) fn element_failed(&self, operation: &'static str, key: &dyn fmt::Debug, errno: Errno) -> Error {
        self.failed(operation).at_key(key).refused(errno, self.shape())
    }

    /// The name in the source.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `enum bpf_map_type`.
    #[must_use]
    pub fn map_type(&self) -> MapType {
        self.shape().map_type
    }

    /// Bytes of a key.
    #[must_use]
    pub fn key_size(&self) -> usize {
        self.shape().key_size as usize
    }

    /// Bytes of a value; of one CPU's, if each has its own.
    #[must_use]
    pub fn value_size(&self) -> usize {
        self.shape().value_size as usize
    }

    /// The most elements, or what else the type counts so: bytes of a ring buffer.
    #[must_use]
    pub fn max_entries(&self) -> u32 {
        self.shape().max_entries
    }

    /// `BPF_F_*`, as the map was created with.
    #[must_use]
    pub fn map_flags(&self) -> MapFlags {
        self.shape().map_flags
    }

    /// Whether each CPU has a value of its own.
    #[must_use]
    pub fn is_per_cpu(&self) -> bool {
        self.shape().per_cpu()
    }

    /// Bytes that [`lookup`](Self::lookup) and [`update`](Self::update) take a value to have: for a per-CPU map one
    /// value for each possible CPU, each rounded up to a multiple of 8 bytes.
    #[must_use]
    pub fn full_value_size(&self) -> usize {
        self.fd.value_len(0)
    }

    /// A copy of the value at `key`, if there is one (`BPF_MAP_LOOKUP_ELEM`).
    ///
    /// # Errors
    ///
    /// `key` has another length than the map's keys, or the map's type has no such operation.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.lookup_flags(key, ElemFlags::ANY)
    }

    /// Writes the value at `key` (`BPF_MAP_UPDATE_ELEM`).
    ///
    /// # Errors
    ///
    /// A length is not the map's, the map is full or frozen, or `how` forbids it.
    pub fn update(&self, key: &[u8], value: &[u8], how: Update) -> Result<()> {
        self.update_flags(key, value, how.into())
    }

    /// As [`lookup`](Self::lookup) with flags. With [`ElemFlags::cpu`] the value is that CPU's, of
    /// [`value_size`](Self::value_size) bytes.
    ///
    /// # Errors
    ///
    /// As there; or the flags are not for this map, for a lookup, or known to the kernel.
    pub fn lookup_flags(&self, key: &[u8], flags: ElemFlags) -> Result<Option<Vec<u8>>> {
        self.check_flags("look up in map", flags, Operation::Lookup)?;
        self.check_len("key", key.len(), self.key_size())?;
        let mut value = vec![0; self.fd.value_len(flags.bits())];
        let found = self.optional("look up in map", key, self.fd.lookup(key, &mut value, flags.bits()))?;
        Ok(found.then_some(value))
    }

    /// As [`update`](Self::update) with flags. With [`ElemFlags::cpu`] and [`ElemFlags::ALL_CPUS`] the value has
    /// [`value_size`](Self::value_size) bytes.
    ///
    /// # Errors
    ///
    /// As there; or the flags are not for this map, or not known to the kernel.
    pub fn update_flags(&self, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<()> {
        self.check_flags("update map", flags, Operation::Update)?;
        self.check_len("key", key.len(), self.key_size())?;
        self.check_len("value", value.len(), self.fd.value_len(flags.bits()))?;
        let result = self.fd.update(key, value, flags.bits());
        result.map_err(|errno| self.element_failed("update map", &Hex(key), errno))
    }

    /// Removes the element at `key` and gives its value, if there was one (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// `key` has another length than the map's keys, or the map's type has no such operation: queues, stacks and hash
    /// maps do, per-CPU ones among them.
    pub fn lookup_and_delete(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check_len("key", key.len(), self.key_size())?;
        let mut value = vec![0; self.full_value_size()];
        let found = self.optional("take from map", key, self.fd.lookup_and_delete(key, &mut value))?;
        Ok(found.then_some(value))
    }

    /// Removes the element at `key`, and says whether there was one (`BPF_MAP_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// `key` has another length than the map's keys, or the map's type keeps its elements, as arrays do.
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        self.check_len("key", key.len(), self.key_size())?;
        self.optional("delete from map", key, self.fd.delete(key))
    }

    /// The keys, each as it is when the iterator gets to it (`BPF_MAP_GET_NEXT_KEY`).
    ///
    /// If the key before was deleted meanwhile, a hash map starts again at its first; the iterator ends after as many
    /// keys as the map can hold, so that it ends in any case. The keys of an `rhash` are those of its elements, read as
    /// [`TypedMap::iter`] reads them: after a resize of the table, the key after another says nothing.
    pub fn keys(&self) -> impl Iterator<Item = Result<Vec<u8>>> + '_ {
        let mut last: Option<Vec<u8>> = None;
        let mut left = self.most_keys();
        let mut whole = (self.map_type() == BPF_MAP_TYPE_RHASH).then(|| Walk::new(self, 0, false));
        iter::from_fn(move || {
            if let Some(walk) = &mut whole {
                let key = walk.next()?.map(|(key, _)| key.to_vec());
                return Some(key.map_err(|errno| self.failed("list the keys of map").refused(errno, self.shape())));
            }
            left = left.checked_sub(1)?;
            let mut next = vec![0; self.key_size()];
            match self.fd.next_key(last.as_deref(), &mut next).and_then(|()| self.is_key(&next)) {
                Ok(()) => {
                    last = Some(next.clone());
                    Some(Ok(next))
                }
                Err(Errno::ENOENT) => {
                    left = 0;
                    None
                }
                Err(errno) => {
                    left = 0;
                    Some(Err(self.failed("list the keys of map").refused(errno, self.shape())))
                }
            }
        })
    }

    /// `ENOENT` if a cgroup storage has no element by this key, though the kernel says that it comes next: asked for the one
    /// behind the last, Linux 6.18.15 says what lies beside the map (`cgroup_storage_get_next_key` in
    /// `kernel/bpf/local_storage.c`). Other maps are not asked.
    fn is_key(&self, next: &[u8]) -> Result<(), Errno> {
        match self.map_type() {
            BPF_MAP_TYPE_CGROUP_STORAGE | BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE => {
                self.fd.lookup(next, &mut vec![0; self.fd.value_len(0)], 0)
            }
            _ => Ok(()),
        }
    }

    /// More keys than it can have; storage of cgroups has no number of its own.
    fn most_keys(&self) -> u32 {
        if self.max_entries() == 0 { u32::MAX } else { self.max_entries() }
    }

    /// Keeps user space from writing the map any more (`BPF_MAP_FREEZE`).
    ///
    /// # Errors
    ///
    /// It is frozen already, or mapped for writing.
    pub fn freeze(&self) -> Result<()> {
        self.fd.freeze().map_err(|errno| diagnose::refused(self.failed("freeze map"), errno))
    }

    /// Gives the map a name in a BPF file system, which keeps it when this process ends (`BPF_OBJ_PIN`).
    ///
    /// # Errors
    ///
    /// There is something at `path`, or it is not in a BPF file system.
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        if !self.is_created() {
            return Err(self.failed("pin map").errno_is(Errno::EBADF));
        }
        pin(self.as_fd(), path.as_ref())
    }

    /// The same map, under a descriptor of its own.
    ///
    /// # Errors
    ///
    /// The process has reached its file descriptor limit.
    pub fn try_clone(&self) -> Result<Map> {
        let fd = self.fd.try_clone();
        let fd = fd.map_err(|errno| diagnose::refused(self.failed("duplicate the descriptor of map"), errno))?;
        Ok(Map::new(fd, &self.name))
    }

    fn check_len(&self, what: &str, is: usize, should: usize) -> Result<()> {
        if is == should {
            return Ok(());
        }
        Err(self.failed("use map").because(format!("the {what} has {is} bytes, the map's have {should}")))
    }

    fn check_flags(&self, what: &'static str, flags: ElemFlags, operation: Operation) -> Result<()> {
        let failed = || self.failed(what);
        let one_value = flags.is_one_value() && self.is_per_cpu();
        let cpus = if one_value { Some(cpus::possible()?) } else { None };
        flags.check(operation, self.shape(), cpus).map_err(|wrong| failed().because(wrong))?;
        // A kernel without them would take the value to be of all CPUs.
        if one_value && !features::has_cpu_flags(&self.fd) {
            return Err(failed().because(format!(
                "this kernel has no {flags:?}, which {}",
                kernel::came_with(kernel::CPU_FLAGS.since)
            )));
        }
        Ok(())
    }

    /// Makes `ENOENT` an answer.
    fn optional(&self, operation: &'static str, key: &[u8], result: Result<(), Errno>) -> Result<bool> {
        found(result).map_err(|errno| self.element_failed(operation, &Hex(key), errno))
    }
}

/// Why nothing can be done with a map that [`OpenMap::set_autocreate`](crate::OpenMap::set_autocreate) left out.
pub(crate) const NOT_CREATED: &str = "it was not created: its autocreate is off";

/// Makes `ENOENT` an answer.
pub(crate) fn found(result: Result<(), Errno>) -> Result<bool, Errno> {
    match result {
        Ok(()) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Bytes, as an error shows a key that has no type: `[01 ff]`.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(f, "[{}]", bytes.join(" "))
    }
}

/// What `fd` is open on, if that is certainly no map. The kernel would answer a question about a program's descriptor
/// as well, and its answer could be taken for a map's.
fn not_a_map(fd: BorrowedFd<'_>) -> Option<String> {
    const MAP: &str = "anon_inode:bpf-map";
    let target = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
    (target != Path::new(MAP)).then(|| target.display().to_string())
}
