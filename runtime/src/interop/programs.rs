//! Programs, both ways.

use std::os::fd::{AsFd, BorrowedFd};

use libbpf_rs::ProgramHandle;

use super::{by_number, duplicate, refused};
use crate::desc::Attach;
use crate::sys::uapi::{
    AttachType, BPF_LSM_MAC, BPF_MODIFY_RETURN, BPF_TRACE_FENTRY, BPF_TRACE_FEXIT, BPF_TRACE_ITER, BPF_TRACE_RAW_TP,
    ProgType,
};
use crate::{Error, Program, Result};

impl TryFrom<&Program> for ProgramHandle {
    type Error = Error;

    /// libbpf-rs's handle of the same program, under a descriptor of its own and the kernel's name for it, of at most 15
    /// characters.
    ///
    /// # Errors
    ///
    /// The program was not loaded; `EPERM` without `CAP_SYS_ADMIN`, as libbpf-rs makes a handle by the program's number
    /// only; `EMFILE` at the file descriptor limit.
    fn try_from(program: &Program) -> Result<ProgramHandle> {
        let id = libbpf_rs::Program::id_from_fd(program.fd()?);
        let handle = id.and_then(ProgramHandle::from_prog_id);
        handle.map_err(|why| by_number(refused(program.failed("make a libbpf-rs handle of program"), &why)))
    }
}

impl TryFrom<&libbpf_rs::Program<'_>> for Program {
    type Error = Error;

    /// The same program, under a descriptor of its own.
    ///
    /// [`attach`](Program::attach) works where the kernel itself knows the target, as with `fentry`, `lsm` and iterators.
    /// Other targets are names in a section, which the generator reads and this does not: for them there are the methods
    /// `attach_*`.
    ///
    /// # Errors
    ///
    /// The program was not loaded; `EMFILE` at the file descriptor limit.
    fn try_from(program: &libbpf_rs::Program<'_>) -> Result<Program> {
        let name = program.name().to_string_lossy();
        // Without one, libbpf-rs lends a descriptor that is none.
        if !program.autoload() {
            return Err(Error::new("use program").subject(&*name).because("it was not loaded: its autoload is off"));
        }
        let attach_type = AttachType(program.attach_type() as u32);
        Ok(Program {
            section: program.section().to_string_lossy().into(),
            ..same(program.as_fd(), &name, ProgType(program.prog_type() as u32), attach_type)?
        })
    }
}

impl Program {
    /// The program behind libbpf-rs's handle, under a descriptor of its own.
    ///
    /// `expected_attach_type`, of `enum bpf_attach_type`, is what the program was loaded for, and 0 if that says nothing
    /// for its type. Neither the handle nor the kernel tells it, and [`attach_cgroup`](Self::attach_cgroup) and
    /// [`attach_interface`](Self::attach_interface) go by it.
    ///
    /// # Errors
    ///
    /// `EMFILE` at the file descriptor limit.
    pub fn from_handle(handle: &ProgramHandle, expected_attach_type: AttachType) -> Result<Program> {
        let name = handle.name().to_string_lossy();
        same(handle.as_fd(), &name, ProgType(handle.prog_type() as u32), expected_attach_type)
    }
}

/// The program that `fd` is open on, in no section.
fn same(fd: BorrowedFd<'_>, name: &str, prog_type: ProgType, expected_attach_type: AttachType) -> Result<Program> {
    let fd = duplicate(fd, || Error::new("duplicate the descriptor of program").subject(name))?;
    Ok(Program {
        fd: Some(fd),
        name: name.into(),
        section: "".into(),
        prog_type,
        expected_attach_type,
        attach: target(expected_attach_type),
        autoattach: false,
    })
}

/// How a program is attached whose target the kernel took down when it was loaded.
fn target(expected_attach_type: AttachType) -> Attach<'static> {
    match expected_attach_type {
        BPF_TRACE_ITER => Attach::Iter,
        BPF_TRACE_RAW_TP | BPF_TRACE_FENTRY | BPF_TRACE_FEXIT | BPF_MODIFY_RETURN | BPF_LSM_MAC => Attach::Tracing,
        _ => Attach::Unsupported { why: "libbpf loaded it, and its target is not known here".into() },
    }
}
