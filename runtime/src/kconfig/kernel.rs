//! `LINUX_*`: what programs can know of the running kernel that is no option of its configuration.

use std::ffi::CString;
use std::fs;
use std::os::fd::BorrowedFd;

use super::value::Values;
use super::version;
use crate::attach::KPROBE;
use crate::kernel::has_attach_cookie;
use crate::sys::perf::{Event, open};
use crate::{Error, Result};

/// Fills in all variables that are no options.
pub(super) fn fill(values: &mut Values<'_>, token: Option<BorrowedFd<'_>>) -> Result<()> {
    for (index, desc) in values.externs().iter().enumerate().filter(|(_, desc)| !desc.is_option()) {
        let failed = || Error::new("find out").subject(desc.name);
        let value = match desc.name {
            "LINUX_KERNEL_VERSION" => version::running()
                .ok_or_else(|| failed().because("uname(2) has no version of three numbers for its release"))?,
            "LINUX_HAS_BPF_COOKIE" => has_attach_cookie(token).into(),
            "LINUX_HAS_SYSCALL_WRAPPER" => has_syscall_wrapper().into(),
            // What a later runtime may know.
            _ if desc.weak => 0,
            _ => return Err(failed().because("this runtime does not know it")),
        };
        values.set_number(index, value.into()).map_err(|why| failed().because(why))?;
    }
    Ok(())
}

/// Whether system calls are functions like `__x64_sys_bpf`, which take all registers behind one pointer: whether that
/// function can be probed. It cannot in a kernel without kprobes either, where the answer is of no use.
fn has_syscall_wrapper() -> bool {
    let probed = || {
        let kind = fs::read_to_string(format!("{KPROBE}/type")).ok()?.trim().parse().ok()?;
        let function = CString::new(format!("__{}_sys_bpf", ARCH?)).ok()?;
        open(&Event { r#type: kind, ..Event::default() }, Some(&function)).ok()
    };
    probed().is_some()
}

/// What this architecture's system calls are called by.
const ARCH: Option<&str> = if cfg!(target_arch = "x86_64") {
    Some("x64")
} else if cfg!(target_arch = "x86") {
    Some("ia32")
} else if cfg!(target_arch = "aarch64") {
    Some("arm64")
} else if cfg!(target_arch = "arm") {
    Some("arm")
} else if cfg!(target_arch = "s390x") {
    Some("s390x")
} else if cfg!(any(target_arch = "riscv32", target_arch = "riscv64")) {
    Some("riscv")
} else if cfg!(any(target_arch = "powerpc", target_arch = "powerpc64")) {
    Some("powerpc")
} else if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    Some("mips")
} else {
    None
};
