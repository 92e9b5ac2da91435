//! A program of a loaded skeleton. Its methods that attach it stand in [`attach`](crate::attach).

mod test_run;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use crate::desc::Attach;
use crate::map::pin;
use crate::sys::uapi::{AttachType, ProgType};
use crate::{Error, Result};
pub use test_run::{TestRun, TestRunOutput};

/// A program of a loaded skeleton; in the kernel, unless it was not to be loaded.
///
/// The skeleton's `attach` attaches those whose section names a target; here each is attached by itself.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = Counters::open()?.load()?;
/// let on_exec = skel.progs.on_exec.attach()?;             // to what its section names
/// let bump = skel.progs.bump.attach_raw_tracepoint("sys_exit")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Program {
    pub(crate) fd: Option<OwnedFd>,
    pub(crate) name: Box<str>,
    pub(crate) section: Box<str>,
    pub(crate) prog_type: ProgType,
    pub(crate) expected_attach_type: AttachType,
    pub(crate) attach: Attach<'static>,
    pub(crate) autoattach: bool,
}

impl Program {
    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ELF section's name, which says what the program is for.
    #[must_use]
    pub fn section(&self) -> &str {
        &self.section
    }

    /// `enum bpf_prog_type`.
    #[must_use]
    pub fn prog_type(&self) -> ProgType {
        self.prog_type
    }

    /// Whether it is in the kernel.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.fd.is_some()
    }

    /// The descriptor.
    ///
    /// # Errors
    ///
    /// The program was not loaded: autoload was off.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        match &self.fd {
            Some(fd) => Ok(fd.as_fd()),
            None => Err(self.failed("use program").because("it was not loaded: its autoload is off")),
        }
    }

    /// Gives the program a name in a BPF file system, which keeps it when this process ends (`BPF_OBJ_PIN`).
    ///
    /// # Errors
    ///
    /// It was not loaded, there is something at `path`, or that is not in a BPF file system.
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin(self.fd()?, path.as_ref())
    }

    pub(crate) fn failed(&self, operation: &'static str) -> Error {
        Error::new(operation).subject(&*self.name)
    }
}
