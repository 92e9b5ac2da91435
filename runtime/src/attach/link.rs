//! Links: programs attached to something, and structs of programs that are registered.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use crate::map::pin;
use crate::struct_ops::Registration;
use crate::sys::bpf;
use crate::{Error, Result, diagnose};

/// A program attached to something. Dropping it detaches the program, unless the link is pinned.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = Counters::open()?.load()?;
/// let links = skel.attach()?;                             // one for each program that was attached
/// drop(links.on_exec);                                    // this one is detached again
/// if let Some(link) = links.on_sys_enter {
///     link.pin("/sys/fs/bpf/on_sys_enter")?;              // attached until the pin is removed
/// }
/// # Ok(())
/// # }
/// ```
///
/// That of a struct_ops map registers the struct with all its programs. A map of section `.struct_ops` has none in the
/// kernel: this stands for one, and its descriptor is the map's.
#[derive(Debug)]
#[must_use = "dropping a link detaches the program"]
pub struct Link {
    fd: OwnedFd,
    /// The program's or struct_ops map's name.
    program: Box<str>,
    /// Instead of a link in the kernel.
    registration: Option<Registration>,
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Link> for OwnedFd {
    /// A struct_ops map without a link stays registered.
    fn from(link: Link) -> OwnedFd {
        if let Some(registration) = link.registration {
            registration.keep();
        }
        link.fd
    }
}

impl Link {
    pub(crate) fn new(fd: OwnedFd, program: &str) -> Link {
        Link { fd, program: program.into(), registration: None }
    }

    /// Of a struct_ops map that has no link; `map` is its descriptor.
    pub(crate) fn of_registration(registration: Registration, map: OwnedFd, name: &str) -> Link {
        Link { fd: map, program: name.into(), registration: Some(registration) }
    }

    /// Whether there is a link in the kernel.
    pub(crate) fn is_kernel_link(&self) -> bool {
        self.registration.is_none()
    }

    /// Gives the link a name in a BPF file system, which keeps the program attached when this process ends
    /// (`BPF_OBJ_PIN`).
    ///
    /// # Errors
    ///
    /// There is something at `path`, or it is not in a BPF file system.
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin(self.as_fd(), path.as_ref())
    }

    /// Detaches the program whoever else holds the link (`BPF_LINK_DETACH`). To let go of it, drop it instead.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` for the kinds of link that cannot, as those to tracepoints and kernel functions.
    pub fn detach(&self) -> Result<()> {
        let detached = match &self.registration {
            None => bpf::link_detach(self.as_fd()),
            Some(registration) => registration.detach(),
        };
        detached.map_err(|errno| diagnose::refused(self.failed("detach program"), errno))
    }

    /// Runs an iterator program once, from its first element; what it prints is there to read (`BPF_ITER_CREATE`).
    ///
    /// # Errors
    ///
    /// The link is not an iterator's.
    pub fn iter(&self) -> Result<Iter> {
        let fd = bpf::iter_create(self.as_fd());
        let fd = fd.map_err(|errno| diagnose::refused(self.failed("run iterator"), errno))?;
        Ok(Iter(File::from(fd)))
    }

    pub(crate) fn failed(&self, operation: &'static str) -> Error {
        Error::new(operation).subject(&*self.program)
    }
}

/// One run of an iterator program, which goes on as its output is read.
#[derive(Debug)]
pub struct Iter(File);

impl Read for Iter {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl AsFd for Iter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
