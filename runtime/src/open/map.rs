//! A map before it is loaded.

use std::fmt::Display;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::OpenProgram;
use crate::desc::{MapDesc, shape};
use crate::map::{BPF_FS, Map};
use crate::struct_ops::OpenStructOps;
use crate::sys::bpf;
use crate::sys::elem::Shape;
use crate::sys::uapi::{
    BPF_F_RDONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY, BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_DEVMAP,
    BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_HASH_OF_MAPS, BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_STRUCT_OPS,
};
use crate::{Error, Result, diagnose};

/// The most bytes of a value that each CPU has its own of: the kernel's `PCPU_MIN_UNIT_SIZE`.
const MOST_PER_CPU: u32 = 32 << 10;

/// A map that is about to be made.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let other = Counters::open()?.load()?;
/// let mut open = Counters::open()?;
/// open.maps.events.set_max_entries(1 << 20)?;             // bytes, for a ring buffer
/// open.maps.percpu.set_value_size(4096)?;                 // longer than the section
/// open.maps.bss.set_pin_path("/sys/fs/bpf/counters.bss"); // shared by a name
/// open.maps.data.reuse_map(other.data.map())?;            // another skeleton's
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OpenMap {
    pub(crate) index: usize,
    pub(crate) name: Box<str>,
    pub(crate) shape: Shape,
    pub(crate) is_data: bool,
    pub(crate) autocreate: bool,
    pub(crate) max_entries: Option<u32>,
    /// Only if it is not the object's.
    pub(crate) key_size: Option<u32>,
    /// Only if it is not the object's, or the section's.
    pub(crate) value_size: Option<u32>,
    pub(crate) reuse: Option<Map>,
    pub(crate) pin_path: Option<PathBuf>,
    /// What it is made after if it holds maps, in place of the object's definition.
    pub(crate) inner: Option<Arc<OwnedFd>>,
    /// The one program that may use it: index and name.
    pub(crate) exclusive: Option<(usize, Box<str>)>,
    /// What makes it a struct_ops map.
    pub(crate) struct_ops: Option<OpenStructOps>,
}

impl OpenMap {
    pub(super) fn new(index: usize, desc: &MapDesc<'_>) -> OpenMap {
        OpenMap {
            index,
            name: desc.name.into(),
            shape: shape(desc),
            is_data: desc.data.is_some(),
            autocreate: desc.struct_ops.as_ref().is_none_or(|ops| ops.autocreate),
            max_entries: None,
            key_size: None,
            value_size: None,
            reuse: None,
            pin_path: (desc.pinning != 0).then(|| Path::new(BPF_FS).join(desc.name)),
            inner: None,
            exclusive: None,
            struct_ops: desc.struct_ops.as_ref().map(OpenStructOps::new),
        }
    }

    /// The map's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the load creates the map: all but those of section `?.struct_ops`, unless that is changed.
    #[must_use]
    pub fn autocreate(&self) -> bool {
        self.autocreate
    }

    /// Changes whether the load creates the map, for instance of a type that this kernel lacks. Without it:
    ///
    /// - Programs may refer to the map only in code that the verifier does not reach, behind a constant in `.rodata` for
    ///   instance. A program that reaches it is refused, and the error names the map.
    /// - The map is not put into other maps, and a map of maps is not filled.
    /// - It is neither pinned nor taken from where it is pinned, and a map that was handed in is not used.
    /// - The skeleton's handle of it is there, and every operation on it fails: [`Map::is_created`] tells.
    /// - Programs that are in no other struct_ops map are loaded with a struct_ops map and not without it.
    ///
    /// # Errors
    ///
    /// It is a data section or an arena, whose variables the skeleton's handle has.
    pub fn set_autocreate(&mut self, autocreate: bool) -> Result<()> {
        let why = match self.shape.map_type {
            _ if autocreate => None,
            _ if self.is_data => Some("it is a data section, whose variables the skeleton's handle has"),
            BPF_MAP_TYPE_ARENA => Some("it is an arena, which the skeleton's handle has mapped"),
            _ => None,
        };
        if let Some(why) = why {
            return Err(Error::new("set autocreate of map").subject(&*self.name).because(why));
        }
        self.autocreate = autocreate;
        Ok(())
    }

    /// The most elements that it is to have. A ring buffer's bytes, which need not be a power of 2 or whole pages:
    /// they are rounded up for the machine.
    #[must_use]
    pub fn max_entries(&self) -> u32 {
        match &self.reuse {
            Some(map) => map.max_entries(),
            None => self.max_entries.unwrap_or(self.shape.max_entries),
        }
    }

    /// Changes the most elements that it is to have.
    ///
    /// # Errors
    ///
    /// It is a data section, which has one, or a map was handed in, which exists.
    pub fn set_max_entries(&mut self, max_entries: u32) -> Result<()> {
        let failed = || Error::new("set max_entries of map").subject(&*self.name);
        if self.is_data {
            return Err(failed().because("it is a data section, which has one entry"));
        }
        if self.reuse.is_some() {
            return Err(failed().because("the map exists already"));
        }
        self.max_entries = Some(max_entries);
        Ok(())
    }

    /// Bytes that a value is to have; one CPU's, if each has its own.
    #[must_use]
    pub fn value_size(&self) -> u32 {
        match &self.reuse {
            Some(map) => map.shape().value_size,
            None => self.wanted_value_size(),
        }
    }

    /// Changes how many bytes a value has, for instance of a `stack_trace` map, whose object leaves the depth to the
    /// target machine. The map is then created without BTF types, because the kernel requires the types to be as long as
    /// keys and values; making a handle with other types than the map has fails.
    ///
    /// A data section's map can be longer than the section, so that an array at its end has more elements on this machine.
    /// The map begins with the section's first value, as edited, and the bytes behind it are 0 at first. Programs and user
    /// space reach these bytes by offset; the first of them can be those that alignment adds to the section's struct.
    ///
    /// If the section's last variable is an array and its new length is a whole number of elements, the array and the
    /// section get their new lengths in the BTF that the kernel sees, and the map keeps its type. Otherwise the map has no
    /// type.
    ///
    /// # Errors
    ///
    /// It is a struct_ops map, whose size the kernel's types tell, or an arena; a map was handed in, which exists; or it is a
    /// data section and `bytes` are fewer than the section's or more than the 32 KiB that the kernel has for a value of each
    /// CPU. The load fails for other sizes that the kernel does not take, and for any change if the object has elements for
    /// the map.
    pub fn set_value_size(&mut self, bytes: u32) -> Result<()> {
        let failed = || Error::new("set value_size of map").subject(&*self.name);
        self.may_resize().map_err(|why| failed().because(why))?;
        let section = self.shape.value_size;
        if !self.is_data {
            self.value_size = (bytes != section).then_some(bytes);
            return Ok(());
        }
        if bytes < section {
            return Err(failed().because(format!("{bytes} bytes are too few: the section has {section}")));
        }
        if self.shape.per_cpu() && bytes > MOST_PER_CPU {
            let why = format!("{bytes} bytes are too many: the kernel has {MOST_PER_CPU} for a value of each CPU");
            return Err(failed().because(why));
        }
        self.value_size = (bytes != section).then_some(bytes);
        Ok(())
    }

    /// Bytes that a key is to have.
    #[must_use]
    pub fn key_size(&self) -> u32 {
        match &self.reuse {
            Some(map) => map.shape().key_size,
            None => self.wanted_shape().key_size,
        }
    }

    /// Changes how many bytes a key has. The map is then made without BTF types, as for
    /// [`set_value_size`](Self::set_value_size).
    ///
    /// # Errors
    ///
    /// It is a data section, a struct_ops map or an arena, whose keys are the kernel's; or a map was handed in, which exists.
    /// The load fails if the object has elements for the map, whose keys have the object's size.
    pub fn set_key_size(&mut self, bytes: u32) -> Result<()> {
        let failed = || Error::new("set key_size of map").subject(&*self.name);
        self.may_resize().map_err(|why| failed().because(why))?;
        if self.is_data {
            return Err(failed().because("it is a data section, which has one key"));
        }
        self.key_size = (bytes != self.shape.key_size).then_some(bytes);
        Ok(())
    }

    /// Why its sizes cannot be changed, if they cannot.
    fn may_resize(&self) -> Result<(), &'static str> {
        match self.shape.map_type {
            _ if self.reuse.is_some() => Err("the map exists already"),
            BPF_MAP_TYPE_STRUCT_OPS => Err("it is a struct_ops map, whose struct is the kernel's"),
            BPF_MAP_TYPE_ARENA => Err("it is an arena, which has neither keys nor values"),
            _ => Ok(()),
        }
    }

    /// Whether its keys or values have other sizes than the object's BTF has for them.
    pub(crate) fn is_resized(&self) -> bool {
        self.key_size.is_some() || self.value_size.is_some()
    }

    /// The sizes that it is to have on any machine.
    pub(crate) fn wanted_shape(&self) -> Shape {
        Shape {
            key_size: self.key_size.unwrap_or(self.shape.key_size),
            value_size: self.wanted_value_size(),
            max_entries: self.max_entries.unwrap_or(self.shape.max_entries),
            ..self.shape
        }
    }

    fn wanted_value_size(&self) -> u32 {
        self.value_size.unwrap_or(self.shape.value_size)
    }

    /// Has the programs use a map that exists, instead of a new one. It is neither filled nor frozen.
    ///
    /// The skeleton takes the descriptor and closes it when it goes; give it a duplicate
    /// ([`BorrowedFd::try_clone_to_owned`](std::os::fd::BorrowedFd::try_clone_to_owned), [`Map::try_clone`]) to keep
    /// your own.
    ///
    /// # Errors
    ///
    /// It is of another type, or its keys or values of another size than this one's are to have.
    pub fn reuse_fd(&mut self, fd: impl Into<OwnedFd>) -> Result<()> {
        let map = Map::from_fd(fd.into(), &self.name)?;
        self.check_same(&map)?;
        self.reuse = Some(map);
        Ok(())
    }

    /// As [`reuse_fd`](Self::reuse_fd), with a map that somebody else keeps: any handle of another skeleton's.
    ///
    /// # Errors
    ///
    /// As there; or the process has reached its file descriptor limit.
    pub fn reuse_map(&mut self, map: impl AsFd) -> Result<()> {
        let fd = map.as_fd().try_clone_to_owned();
        self.reuse_fd(fd.map_err(|error| Error::new("reuse map").subject(&*self.name).io(error))?)
    }

    /// Whether its values are maps.
    pub(crate) fn holds_maps(&self) -> bool {
        matches!(self.shape.map_type, BPF_MAP_TYPE_ARRAY_OF_MAPS | BPF_MAP_TYPE_HASH_OF_MAPS)
    }

    /// Has a map of maps made for maps that are like `inner`, whatever the object says of the maps that it holds. It is
    /// not put into the map, and need not be kept.
    ///
    /// What of a map has to be like `inner` is the kernel's affair (`bpf_map_meta_equal`): type, sizes, flags, with
    /// some types the entries as well. Maps that the object puts into slots have to be so too.
    ///
    /// # Errors
    ///
    /// It holds no maps, a map was handed in, which exists, or the process has reached its file descriptor limit.
    pub fn set_inner_map(&mut self, inner: impl AsFd) -> Result<()> {
        let failed = || Error::new("set the inner map of map").subject(&*self.name);
        if !self.holds_maps() {
            return Err(failed().because("it is not a map of maps"));
        }
        if self.reuse.is_some() {
            return Err(failed().because("the map exists already"));
        }
        let inner = inner.as_fd().try_clone_to_owned().map_err(|error| failed().io(error))?;
        self.inner = Some(Arc::new(inner));
        Ok(())
    }

    /// Lets one program alone use the map (Linux 6.18): the kernel refuses every other that refers to it. What user space
    /// does with it is not affected.
    ///
    /// The program is known by its instructions' hash, which is found out at load. So it can be no program whose instructions
    /// the kernel completes: with CO-RE relocations, or with symbols and functions of the kernel.
    ///
    /// A map that is pinned and found, or handed in, was made by another and stays as it is.
    ///
    /// # Errors
    ///
    /// It is a map that the kernel's struct_ops use or an arena, it holds other maps or programs, or a map was handed in,
    /// which exists.
    pub fn set_exclusive_program(&mut self, program: &OpenProgram) -> Result<()> {
        let failed = || Error::new("set the exclusive program of map").subject(&*self.name);
        if self.reuse.is_some() {
            return Err(failed().because("the map exists already"));
        }
        let why = match self.shape.map_type {
            BPF_MAP_TYPE_STRUCT_OPS => "the kernel itself uses it",
            BPF_MAP_TYPE_ARENA => "it is an arena, which a program of the runtime's tries first",
            BPF_MAP_TYPE_ARRAY_OF_MAPS | BPF_MAP_TYPE_HASH_OF_MAPS => "it holds maps, which are not exclusive with it",
            BPF_MAP_TYPE_PROG_ARRAY => "it holds programs, which are then to be put there by the loader",
            _ => {
                self.exclusive = Some((program.index, program.name.clone()));
                return Ok(());
            }
        };
        Err(failed().because(why))
    }

    /// Has the map shared by a name in a BPF file system: if one is pinned at `path` it is used, and must be of the same
    /// type, sizes, entries, flags and extra; else the new one is pinned there once all is loaded. If somebody else has
    /// pinned one by then, all is loaded once more, with that one.
    pub fn set_pin_path(&mut self, path: impl Into<PathBuf>) {
        self.pin_path = Some(path.into());
    }

    /// Has the map neither taken from a BPF file system nor pinned there, whatever the object says.
    pub fn clear_pin_path(&mut self) {
        self.pin_path = None;
    }

    /// Where it is to be pinned.
    #[must_use]
    pub fn pin_path(&self) -> Option<&Path> {
        self.pin_path.as_deref()
    }

    /// The same, with a descriptor of its own of what was handed in.
    pub(crate) fn try_clone(&self) -> Result<OpenMap> {
        Ok(OpenMap {
            name: self.name.clone(),
            reuse: self.reuse.as_ref().map(Map::try_clone).transpose()?,
            pin_path: self.pin_path.clone(),
            inner: self.inner.clone(),
            exclusive: self.exclusive.clone(),
            struct_ops: self.struct_ops.clone(),
            ..*self
        })
    }

    /// Whether `map` can take this one's place.
    pub(crate) fn check_same(&self, map: &Map) -> Result<()> {
        let (is, should) = (map.shape(), self.shape);
        self.same([
            ("map_type", is.map_type.0, should.map_type.0),
            ("key_size", is.key_size, self.wanted_shape().key_size),
            // How long a struct_ops map's value is only the kernel's types tell, which are not read yet.
            (
                "value_size",
                is.value_size,
                if self.struct_ops.is_some() { is.value_size } else { self.wanted_value_size() },
            ),
        ])
    }

    /// Whether `map` was made as this one would be: nobody chose it, it was only found.
    pub(crate) fn check_made_so(&self, map: &Map, max_entries: u32, map_extra: u64) -> Result<()> {
        // How a descriptor may be used is not of the map; and the kernel itself makes devmaps read-only for programs.
        let ignored = match self.shape.map_type {
            BPF_MAP_TYPE_DEVMAP | BPF_MAP_TYPE_DEVMAP_HASH => BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG,
            _ => BPF_F_RDONLY | BPF_F_WRONLY,
        };
        self.same([
            ("max_entries", map.max_entries(), max_entries),
            ("map_flags", map.map_flags().without(ignored).0, self.shape.map_flags.without(ignored).0),
        ])?;
        let is = bpf::map_info(map.as_fd());
        let is = is.map_err(|errno| diagnose::refused(map.failed("ask about map"), errno))?.map_extra;
        self.same([("map_extra", is, map_extra)])
    }

    fn same<T: PartialEq + Display, const N: usize>(&self, pairs: [(&str, T, T); N]) -> Result<()> {
        match pairs.into_iter().find(|(_, is, should)| is != should) {
            None => Ok(()),
            Some((what, is, should)) => Err(Error::new("reuse map")
                .subject(&*self.name)
                .because(format!("its {what} is {is}, and should be {should}"))),
        }
    }
}
