//! Links to many places of a binary (`BPF_LINK_CREATE` with `uprobe_multi`).

use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

use super::program::{self, exit, mov};
use crate::Result;
use crate::sys::Errno;
use crate::sys::bpf::{self, UprobeMulti};
use crate::sys::uapi::{BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_MULTI};

/// Whether the kernel has such links and, asked for one process, they mean all of its threads.
///
/// Asked once in a process, and by objects with `usdt` programs only.
pub(crate) fn mean_processes() -> bool {
    static FOUND_OUT: OnceLock<bool> = OnceLock::new();
    *FOUND_OUT.get_or_init(|| program().is_ok_and(|program| exist(&program) && check_processes(&program)))
}

/// Whether the kernel has such links.
pub(super) fn are_known() -> Result<bool> {
    Ok(program().is_ok_and(|program| exist(&program)))
}

/// Whether such links mean all threads of a process.
pub(super) fn of_processes() -> Result<bool> {
    Ok(mean_processes())
}

/// A program that does nothing, for such links. Kernels without them load it too: they ignore the attach type.
fn program() -> Result<OwnedFd, Errno> {
    program::load(BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_MULTI, &[mov(0, 0), exit()], None)
}

/// Asks for a link to places in a folder, which has no code.
fn exist(program: &OwnedFd) -> bool {
    refused(program, 0) == Some(Errno::EBADF)
}

/// Asks for a link to places in a folder, for process -1. Where the number is looked at as a process's, it is refused
/// before the path is.
fn check_processes(program: &OwnedFd) -> bool {
    refused(program, -1i32 as u32) == Some(Errno::EINVAL)
}

fn refused(program: &OwnedFd, pid: u32) -> Option<Errno> {
    let attach_type = BPF_TRACE_UPROBE_MULTI;
    let probes = UprobeMulti { attach_type, path: c"/", offsets: &[0], pid, ..Default::default() };
    bpf::link_create_uprobe_multi(program.as_fd(), &probes).err()
}
