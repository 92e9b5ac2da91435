//! A program before it is loaded.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use crate::desc::ProgDesc;
use crate::sys::uapi::{AttachType, ProgFlags, ProgType};
use crate::{Error, Result};

/// A program that is about to be loaded.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/attach_all.bpf.o")] struct AttachAll;
/// # fn main() -> skelgen_runtime::Result<()> {
/// let mut open = AttachAll::open()?;
/// open.progs.on_lsm.set_autoload(false);                  // not in the kernel at all
/// open.progs.on_raw_tp.set_autoattach(false);             // in the kernel, and left out by attach()
/// open.progs.on_fentry.set_attach_target("do_unlinkat");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OpenProgram {
    pub(crate) index: usize,
    pub(crate) name: Box<str>,
    pub(crate) autoload: bool,
    pub(crate) autoattach: bool,
    pub(crate) prog_type: ProgType,
    pub(crate) expected_attach_type: AttachType,
    /// Whether the user has given that.
    pub(crate) attach_type_given: bool,
    /// Only if they are not the section's.
    pub(crate) prog_flags: Option<ProgFlags>,
    pub(crate) target: Option<Target>,
    /// Whether the object itself switches it off: `SEC("?...")`.
    optional: bool,
}

/// What a program is to be attached to, if the user says so and not the section's name.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A function of the kernel or of a module, or a tracepoint, hook or iterator.
    Kernel(Box<str>),
    /// A function of a loaded BPF program.
    Program { program: Arc<OwnedFd>, function: Box<str> },
}

impl OpenProgram {
    pub(super) fn new(index: usize, desc: &ProgDesc<'_>) -> OpenProgram {
        OpenProgram {
            index,
            name: desc.name.into(),
            autoload: desc.autoload,
            autoattach: true,
            prog_type: ProgType(desc.prog_type),
            expected_attach_type: AttachType(desc.expected_attach_type),
            attach_type_given: false,
            prog_flags: None,
            target: None,
            optional: desc.section.starts_with('?'),
        }
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is to be loaded.
    #[must_use]
    pub fn autoload(&self) -> bool {
        self.autoload
    }

    /// Changes whether it is to be loaded.
    pub fn set_autoload(&mut self, autoload: bool) {
        self.autoload = autoload;
    }

    /// Whether attaching the whole skeleton attaches it.
    #[must_use]
    pub fn autoattach(&self) -> bool {
        self.autoattach
    }

    /// Changes whether attaching the whole skeleton attaches it.
    pub fn set_autoattach(&mut self, autoattach: bool) {
        self.autoattach = autoattach;
    }

    /// `enum bpf_prog_type`; 0 if the section's name does not say it and nobody has since.
    #[must_use]
    pub fn prog_type(&self) -> ProgType {
        self.prog_type
    }

    /// Changes the program's type, which has to be done for a section whose name says none.
    pub fn set_prog_type(&mut self, prog_type: ProgType) {
        self.prog_type = prog_type;
    }

    /// `enum bpf_attach_type`. That of a `usdt` program is chosen at the load, by what the kernel has, unless
    /// [`set_expected_attach_type`](Self::set_expected_attach_type) gives it.
    #[must_use]
    pub fn expected_attach_type(&self) -> AttachType {
        self.expected_attach_type
    }

    /// Changes what the verifier is told of the way in which the program will be attached.
    pub fn set_expected_attach_type(&mut self, attach_type: AttachType) {
        self.expected_attach_type = attach_type;
        self.attach_type_given = true;
    }

    /// Gives `BPF_PROG_LOAD` these `prog_flags` in place of those that the section's name means (`BPF_F_SLEEPABLE`,
    /// `BPF_F_XDP_HAS_FRAGS`).
    pub fn set_prog_flags(&mut self, flags: ProgFlags) {
        self.prog_flags = Some(flags);
    }

    /// Has a `tp_btf`, `fentry`, `fexit`, `fmod_ret`, `lsm` or `iter` program loaded for this target, as its section could
    /// have named it: `SEC("fentry")` for `do_unlinkat`, or for `module:function`. It is loaded from now on, unless its
    /// section begins with `?`.
    pub fn set_attach_target(&mut self, name: &str) {
        self.set_target(Target::Kernel(name.into()));
    }

    /// Has an `freplace`, `fentry`, `fexit` or `fsession` program loaded for the function called `function` of a loaded BPF
    /// program, which must have BTF. It is loaded from now on, unless its section begins with `?`.
    ///
    /// # Errors
    ///
    /// The process has reached its file descriptor limit.
    pub fn set_attach_target_program(&mut self, program: impl AsFd, function: &str) -> Result<()> {
        let failed = |error| Error::new("set the attach target of program").subject(&*self.name).io(error);
        let program = Arc::new(program.as_fd().try_clone_to_owned().map_err(failed)?);
        self.set_target(Target::Program { program, function: function.into() });
        Ok(())
    }

    fn set_target(&mut self, target: Target) {
        self.target = Some(target);
        self.autoload |= !self.optional;
    }
}
