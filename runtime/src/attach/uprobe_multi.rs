//! Attaching to places in binaries: one link to many of them.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Link;
use super::method::Method;
use crate::prog::Program;
use crate::sys::bpf;
use crate::sys::uapi::BPF_F_UPROBE_MULTI_RETURN;
use crate::{Error, Result};

/// Places in a binary, as `BPF_LINK_CREATE` takes them; by default none.
///
/// The lists besides `offsets` are as long as that one, or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct UprobeMulti<'a> {
    /// Where in the file, in bytes from its start: a symbol's value is an address, and this that address less its
    /// segment's, plus the segment's place in the file.
    pub offsets: &'a [u64],
    /// For each place the number that `bpf_get_attach_cookie` gives there.
    pub cookies: &'a [u64],
    /// For each place where in the file a static probe's counter is, which tells the binary that somebody listens.
    pub ref_ctr_offsets: &'a [u64],
    /// Whether it is the return of the functions that begin there: `SEC("uretprobe.multi")`.
    pub on_return: bool,
    /// The one process that is meant, by its number; else all of them, also those to come.
    pub pid: Option<u32>,
}

impl Program {
    /// Attaches a `uprobe.multi`, `uretprobe.multi`, `uprobe.session` or `usdt` program to places in a binary, with one
    /// link (`BPF_LINK_CREATE`, Linux 6.6).
    ///
    /// # Errors
    ///
    /// The program was not loaded for such a link, as happens to `usdt` programs before Linux 6.10; there is no such file
    /// or process; a place is not at the start of an instruction; or the lists are not of one length.
    pub fn attach_uprobe_multi(&self, binary: impl AsRef<Path>, probes: UprobeMulti<'_>) -> Result<Link> {
        self.check_method(Method::UprobeMulti)?;
        let binary = binary.as_ref();
        let failed = |error: Error| error.to(format!("places in {}", binary.display()));
        let path = CString::new(binary.as_os_str().as_bytes())
            .map_err(|_| failed(self.failed("attach program")).hint("the path contains a NUL byte"))?;
        let UprobeMulti { offsets, cookies, ref_ctr_offsets, on_return, pid } = probes;
        let flags = if on_return { BPF_F_UPROBE_MULTI_RETURN } else { 0 };
        let attach_type = self.expected_attach_type;
        let probes = bpf::UprobeMulti {
            attach_type,
            path: &path,
            offsets,
            ref_ctr_offsets,
            cookies,
            flags,
            pid: pid.unwrap_or(0),
        };
        self.attached(bpf::link_create_uprobe_multi(self.fd()?, &probes)).map_err(failed)
    }
}
