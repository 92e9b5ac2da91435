//! Maps, as bytes and typed.

use std::ffi::CString;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{fs, iter};

use crate::plain::Plain;
use crate::sys::elem::{MapFd, Shape};
use crate::sys::uapi::{BPF_ANY, BPF_EXIST, BPF_NOEXIST};
use crate::sys::{Errno, bpf};
use crate::{Error, Result};

/// Whether an update may make an element, and whether it must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Update {
    /// `BPF_ANY`: the element may be there already.
    #[default]
    Any,
    /// `BPF_NOEXIST`: it must not be, or the error is `EEXIST`.
    New,
    /// `BPF_EXIST`: it must be, or the error is `ENOENT`.
    Existing,
}

impl Update {
    pub(crate) fn flags(self) -> u64 {
        match self {
            Update::Any => BPF_ANY,
            Update::New => BPF_NOEXIST,
            Update::Existing => BPF_EXIST,
        }
    }
}

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
        let fd = MapFd::of(fd).map_err(|errno| failed().errno_is(errno))?;
        Ok(Map::new(fd, name))
    }

    /// The map pinned at `path` in a BPF file system.
    ///
    /// # Errors
    ///
    /// Nothing is pinned there, or not a map, or this process may not use it.
    pub fn pinned(path: impl AsRef<Path>) -> Result<Map> {
        let path = path.as_ref();
        let failed = || Error::new("open pinned map").subject(path.display().to_string());
        let fd = bpf::obj_get(&c_path(path).ok_or_else(|| failed().because("the path has a byte 0"))?)
            .map_err(|errno| failed().errno_is(errno))?;
        Map::from_fd(fd, &path.file_name().unwrap_or_default().to_string_lossy())
    }

    pub(crate) fn fd(&self) -> &MapFd {
        &self.fd
    }

    pub(crate) fn shape(&self) -> Shape {
        self.fd.shape()
    }

    pub(crate) fn failed(&self, operation: &'static str) -> Error {
        Error::new(operation).subject(&*self.name)
    }

    /// The name in the source.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `enum bpf_map_type`.
    #[must_use]
    pub fn map_type(&self) -> u32 {
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
    pub fn map_flags(&self) -> u32 {
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
        self.check_len("key", key.len(), self.key_size())?;
        let mut value = vec![0; self.full_value_size()];
        let found = self.optional("look up in map", self.fd.lookup(key, &mut value, 0))?;
        Ok(found.then_some(value))
    }

    /// Writes the value at `key` (`BPF_MAP_UPDATE_ELEM`).
    ///
    /// # Errors
    ///
    /// A length is not the map's, the map is full or frozen, or `how` forbids it.
    pub fn update(&self, key: &[u8], value: &[u8], how: Update) -> Result<()> {
        self.check_len("key", key.len(), self.key_size())?;
        self.check_len("value", value.len(), self.full_value_size())?;
        self.fd.update(key, value, how.flags()).map_err(|errno| self.failed("update map").errno_is(errno))
    }

    /// Removes the element at `key`, and says whether there was one (`BPF_MAP_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// `key` has another length than the map's keys, or the map's type keeps its elements, as arrays do.
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        self.check_len("key", key.len(), self.key_size())?;
        self.optional("delete from map", self.fd.delete(key))
    }

    /// The keys, each as it is when the iterator gets to it (`BPF_MAP_GET_NEXT_KEY`).
    ///
    /// If the key before was deleted meanwhile, a hash map starts again at its first; the iterator ends after as many
    /// keys as the map can hold, so that it ends in any case.
    pub fn keys(&self) -> impl Iterator<Item = Result<Vec<u8>>> + '_ {
        let mut last: Option<Vec<u8>> = None;
        let mut left = self.max_entries();
        iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let mut next = vec![0; self.key_size()];
            match self.fd.next_key(last.as_deref(), &mut next) {
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
                    Some(Err(self.failed("list the keys of map").errno_is(errno)))
                }
            }
        })
    }

    /// Keeps user space from writing the map any more (`BPF_MAP_FREEZE`).
    ///
    /// # Errors
    ///
    /// It is frozen already, or mapped for writing.
    pub fn freeze(&self) -> Result<()> {
        self.fd.freeze().map_err(|errno| self.failed("freeze map").errno_is(errno))
    }

    /// Gives the map a name in a BPF file system, which keeps it when this process ends (`BPF_OBJ_PIN`).
    ///
    /// # Errors
    ///
    /// There is something at `path`, or it is not in a BPF file system.
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin(self.as_fd(), path.as_ref())
    }

    /// The same map, under a descriptor of its own.
    ///
    /// # Errors
    ///
    /// The process has as many descriptors as it may.
    pub fn try_clone(&self) -> Result<Map> {
        let fd = self.fd.try_clone().map_err(|errno| self.failed("duplicate the descriptor of map").errno_is(errno))?;
        Ok(Map::new(fd, &self.name))
    }

    fn check_len(&self, what: &str, is: usize, should: usize) -> Result<()> {
        if is == should {
            return Ok(());
        }
        Err(self.failed("use map").because(format!("the {what} has {is} bytes, the map's have {should}")))
    }

    /// Makes `ENOENT` an answer.
    fn optional(&self, operation: &'static str, result: Result<(), Errno>) -> Result<bool> {
        match result {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(self.failed(operation).errno_is(errno)),
        }
    }
}

/// What `fd` is open on, if that is certainly no map. The kernel would answer a question about a program's descriptor
/// as well, and its answer could be taken for a map's.
fn not_a_map(fd: BorrowedFd<'_>) -> Option<String> {
    const MAP: &str = "anon_inode:bpf-map";
    let target = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
    (target != Path::new(MAP)).then(|| target.display().to_string())
}

/// Removes what is pinned at `path`; who holds it by other means keeps it.
///
/// # Errors
///
/// Those of unlink(2).
pub fn unpin(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::remove_file(path).map_err(|error| Error::new("unpin").subject(path.display().to_string()).io(error))
}

pub(crate) fn pin(fd: BorrowedFd<'_>, path: &Path) -> Result<()> {
    let failed = || Error::new("pin at").subject(path.display().to_string());
    let c_path = c_path(path).ok_or_else(|| failed().because("the path has a byte 0"))?;
    bpf::obj_pin(fd, &c_path).map_err(|errno| {
        let error = failed().errno_is(errno);
        match errno {
            Errno::EPERM => error.hint("only a BPF file system holds pins; it is usually mounted at /sys/fs/bpf"),
            Errno::EEXIST => error.hint("something is pinned there already"),
            _ => error,
        }
    })
}

/// A path for the kernel; `None` if it has a byte 0.
pub(crate) fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}

/// A map with keys and values of known types, and one value for all CPUs.
#[derive(Debug)]
pub struct TypedMap<K: Plain, V: Plain> {
    map: Map,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Plain, V: Plain> TypedMap<K, V> {
    /// The map with its keys and values as `K` and `V`.
    ///
    /// # Errors
    ///
    /// Their sizes are not the map's, or each CPU has a value of its own.
    pub fn new(map: Map) -> Result<Self> {
        let failed = || map.failed("give types to map");
        if map.is_per_cpu() {
            return Err(failed().because("each CPU has a value of its own"));
        }
        for (what, is, should) in [("key", size_of::<K>(), map.key_size()), ("value", size_of::<V>(), map.value_size())]
        {
            if is != should {
                return Err(failed().because(format!("the {what}'s type has {is} bytes, the map's {should}")));
            }
        }
        Ok(TypedMap { map, types: PhantomData })
    }

    /// The map as bytes.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// A copy of the value at `key`, if there is one.
    ///
    /// # Errors
    ///
    /// As for [`Map::lookup`].
    pub fn get(&self, key: &K) -> Result<Option<V>> {
        let mut value = V::zeroed();
        let result = self.map.fd.lookup(key.as_bytes(), value.as_bytes_mut(), 0);
        Ok(self.map.optional("look up in map", result)?.then_some(value))
    }

    /// Writes the value at `key`.
    ///
    /// # Errors
    ///
    /// As for [`Map::update`].
    pub fn insert(&self, key: &K, value: &V) -> Result<()> {
        self.update(key, value, Update::Any)
    }

    /// Writes the value at `key`, if `how` lets it.
    ///
    /// # Errors
    ///
    /// As for [`Map::update`].
    pub fn update(&self, key: &K, value: &V, how: Update) -> Result<()> {
        self.map.update(key.as_bytes(), value.as_bytes(), how)
    }

    /// Removes the element at `key`, and says whether there was one.
    ///
    /// # Errors
    ///
    /// As for [`Map::delete`].
    pub fn delete(&self, key: &K) -> Result<bool> {
        self.map.delete(key.as_bytes())
    }

    /// The keys; see [`Map::keys`].
    pub fn keys(&self) -> impl Iterator<Item = Result<K>> + '_ {
        self.map.keys().map(|key| {
            K::from_bytes(&key?).ok_or_else(|| self.map.failed("list the keys of map").because("a key is too short"))
        })
    }

    /// The elements that are still there when the iterator gets to them; see [`Map::keys`].
    pub fn iter(&self) -> impl Iterator<Item = Result<(K, V)>> + '_ {
        self.keys().filter_map(|key| match key {
            Ok(key) => self.get(&key).map(|value| value.map(|value| (key, value))).transpose(),
            Err(error) => Some(Err(error)),
        })
    }
}

impl<K: Plain, V: Plain> AsFd for TypedMap<K, V> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
