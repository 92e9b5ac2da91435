//! Whether bpf(2) and the files of BPF can do something.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use super::feature::KERNEL_BTF;
use super::program::{self, call, exit};
use super::{diagnose, percpu};
use crate::sys::kernel_file::KernelFile;
use crate::sys::uapi::{AttachType, BPF_PROG_TYPE_TRACEPOINT};
use crate::sys::{Errno, bpf};
use crate::{Error, Result};

pub(super) fn has_cpu_flags() -> Result<bool> {
    Ok(percpu::probe()?.all_cpus)
}

pub(super) fn is_direct() -> Result<bool> {
    Ok(percpu::probe()?.direct)
}

/// Asks for a token of a descriptor that is open for its path only. Where the command is known, that is no descriptor;
/// elsewhere no command of this number is.
pub(super) fn has_tokens() -> Result<bool> {
    let root = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open("/");
    let root = root.map_err(|error| Error::new("open").subject("/").io(error))?;
    match bpf::token_create(root.as_fd()) {
        Err(Errno::EINVAL) => Ok(false),
        Ok(_) | Err(Errno::EBADF) => Ok(true),
        Err(errno) => Err(diagnose::explain(Error::new("make a BPF token of").subject("/").errno_is(errno))),
    }
}

/// `BPF_FUNC_get_attach_cookie`.
const GET_ATTACH_COOKIE: i32 = 174;

/// Whether programs can be given a number when they are attached (`bpf_get_attach_cookie`): one that asks for it loads.
pub(crate) fn has_attach_cookie(token: Option<BorrowedFd<'_>>) -> bool {
    program::load(BPF_PROG_TYPE_TRACEPOINT, AttachType::default(), &[call(GET_ATTACH_COOKIE), exit()], token).is_ok()
}

pub(super) fn attach_cookie() -> Result<bool> {
    Ok(has_attach_cookie(None))
}

/// Whether the kernel's BTF can be mapped.
pub(super) fn maps_btf() -> Result<bool> {
    let file = File::open(KERNEL_BTF).map_err(|error| Error::new("open").subject(KERNEL_BTF).io(error))?;
    Ok(KernelFile::map(&file).is_some())
}
