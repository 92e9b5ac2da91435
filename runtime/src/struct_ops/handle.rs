//! A struct_ops map after the load.

use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};

use super::registration::Registration;
use super::value::KernelValue;
use crate::attach::Link;
use crate::map::{Map, NOT_CREATED};
use crate::percpu::KEY;
use crate::plain::Plain;
use crate::sys::uapi::{BPF_ANY, BPF_F_LINK, BPF_STRUCT_OPS};
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// A struct of the kernel's, made of values and programs, that can be registered: a TCP congestion control, say. `T`
/// is the struct as the object has it, or `()` for who has no type for it.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/struct_ops.bpf.o")] struct Ca;
/// # fn main() -> skelgen_runtime::Result<()> {
/// let mut open = Ca::open()?;
/// open.struct_ops.flat.flags = 2;                         // members, before the load
/// let skel = open.load()?;
/// let link = skel.maps.flat.attach()?;                    // registered until it is dropped
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StructOps<T> {
    name: Box<str>,
    /// `None` if it was not to be created.
    made: Option<Made>,
    autoattach: bool,
    value: PhantomData<fn() -> T>,
}

/// A map in the kernel and what goes into it.
#[derive(Debug)]
struct Made {
    map: Map,
    value: KernelValue,
    programs: Programs,
}

/// Programs by their places in the value: the map wants them whatever becomes of the skeleton.
type Programs = Vec<(usize, OwnedFd)>;

/// A struct_ops map after the load, but for its map and type.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) name: Box<str>,
    pub(crate) autoattach: bool,
    /// Bytes of the struct in the object.
    pub(crate) object_size: usize,
    /// What it will hold, if it was created.
    pub(crate) value: Option<(KernelValue, Programs)>,
}

impl<T: Plain> StructOps<T> {
    pub(crate) fn new(map: Option<Map>, ready: Ready) -> Result<StructOps<T>> {
        let Ready { name, object_size, .. } = &ready;
        if *object_size != size_of::<T>() {
            let why = format!("its struct has {object_size} bytes, the type {}", size_of::<T>());
            return Err(Error::new("give a type to map").subject(&**name).because(why));
        }
        Ok(StructOps::of(map, ready))
    }

    /// The struct as the kernel has it (`BPF_MAP_LOOKUP_ELEM`): a program is there as its id. All is 0 before it is
    /// attached for the first time, and so is what this kernel's struct has no member for.
    ///
    /// # Errors
    ///
    /// It was not to be created.
    pub fn get(&self) -> Result<T> {
        let Made { map, value, .. } = self.made("look up in map")?;
        let bytes = map.lookup(&KEY)?.unwrap_or_default();
        let mut object = T::zeroed();
        value.copy_back(&bytes, object.as_bytes_mut());
        Ok(object)
    }
}

impl StructOps<()> {
    pub(crate) fn untyped(map: Option<Map>, ready: Ready) -> StructOps<()> {
        StructOps::of(map, ready)
    }
}

impl<T> StructOps<T> {
    fn of(map: Option<Map>, ready: Ready) -> StructOps<T> {
        let Ready { name, autoattach, value, .. } = ready;
        let made = map.zip(value).map(|(map, (value, programs))| Made { map, value, programs });
        StructOps { name, made, autoattach, value: PhantomData }
    }

    /// The variable's name in the source.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is in the kernel: not if it was not to be created.
    #[must_use]
    pub fn is_created(&self) -> bool {
        self.made.is_some()
    }

    /// The map as bytes, which are laid out as in the kernel.
    ///
    /// # Errors
    ///
    /// It was not to be created.
    pub fn map(&self) -> Result<&Map> {
        Ok(&self.made("use map")?.map)
    }

    /// Registers the struct with the kernel, which calls its programs from then on (`BPF_MAP_UPDATE_ELEM`, and for a
    /// map of `.struct_ops.link` `BPF_LINK_CREATE`). Dropping the link unregisters it.
    ///
    /// A map of `.struct_ops` has no link in the kernel: it stays registered if this process ends without dropping
    /// what stands for one, and cannot be registered a second time.
    ///
    /// # Errors
    ///
    /// The map was not to be created, or the kernel refuses the struct: it may lack a member, or something else of its
    /// name be registered.
    pub fn attach(&self) -> Result<Link> {
        let made = self.made("attach map")?;
        let attach = || {
            if made.has_link() {
                made.write()?;
                return Ok(Link::new(bpf::link_create(made.map.as_fd(), 0, BPF_STRUCT_OPS, 0, 0)?, &self.name));
            }
            let (map, fd) = (made.map.fd().try_clone()?, made.map.fd().try_clone()?);
            made.write()?;
            Ok(Link::of_registration(Registration::new(map), fd.into(), &self.name))
        };
        attach().map_err(|errno| refused(self.failed("attach map"), errno))
    }

    /// Registers the struct as part of the whole skeleton: not if it was not created or is not to be attached.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach).
    pub fn autoattach(&self) -> Result<Option<Link>> {
        if !self.autoattach || self.made.is_none() {
            return Ok(None);
        }
        self.attach().map(Some)
    }

    fn made(&self, operation: &'static str) -> Result<&Made> {
        let made = self.made.as_ref();
        made.ok_or_else(|| self.failed(operation).because(NOT_CREATED))
    }

    fn failed(&self, operation: &'static str) -> Error {
        Error::new(operation).subject(&*self.name)
    }
}

impl Made {
    fn has_link(&self) -> bool {
        self.map.map_flags().has(BPF_F_LINK)
    }

    /// Gives the kernel the value, unless it has it: a map with a link keeps its first one.
    fn write(&self) -> Result<(), Errno> {
        match self.map.fd().update(&KEY, &self.value.with_programs(&self.programs), BPF_ANY) {
            Err(Errno::EBUSY) if self.has_link() => Ok(()),
            result => result,
        }
    }
}

impl Link {
    /// Has the kernel use another struct of the same kind, at once and without a gap (`BPF_LINK_UPDATE`).
    ///
    /// # Errors
    ///
    /// The link is not that of a struct_ops map of `.struct_ops.link`, nor `with` such a map, or they are of different
    /// kinds; or the kernel cannot replace this kind, or refuses the struct.
    pub fn update_map<T>(&self, with: &StructOps<T>) -> Result<()> {
        const WHAT: &str = "replace the struct_ops map of";
        let made = with.made("attach map")?;
        if !made.has_link() || !self.is_kernel_link() {
            return Err(self.failed(WHAT).because("only maps of section .struct_ops.link have links"));
        }
        made.write().map_err(|errno| refused(with.failed("attach map"), errno))?;
        bpf::link_update_map(self.as_fd(), made.map.as_fd()).map_err(|errno| {
            let error = self.failed(WHAT).errno_is(errno);
            match errno {
                Errno::EOPNOTSUPP => error.hint("the kernel cannot replace this kind of struct_ops while it is in use"),
                Errno::EINVAL => error.hint("both have to be of the same kind, and take the same place"),
                Errno::ENOLINK => error.hint("the link is detached"),
                _ => error,
            }
        })
    }
}

/// What could be done about a struct that the kernel refuses.
fn refused(error: Error, errno: Errno) -> Error {
    let error = error.errno_is(errno);
    match errno {
        Errno::EBUSY => error.hint("a map of section .struct_ops can be registered once; .struct_ops.link has links"),
        Errno::EEXIST => error.hint("another struct_ops of this name is registered"),
        Errno::EINVAL => {
            error.hint("the struct lacks a member that the kernel needs, or has a value that it does not take")
        }
        _ => diagnose::refused(error, errno),
    }
}
