//! Perf events: those that the caller opened, and those that tracepoints and kprobes are attached through.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd};

use super::Link;
use super::method::Method;
use crate::prog::Program;
use crate::sys::bpf;
use crate::sys::perf::{Event, open};
use crate::sys::uapi::BPF_PERF_EVENT;
use crate::{Result, diagnose};

impl Program {
    /// Attaches the program to a perf event of any kind (`BPF_LINK_CREATE`). The link keeps the event.
    ///
    /// # Errors
    ///
    /// The program is not for perf events of this kind.
    pub fn attach_perf_event(&self, event: impl AsFd) -> Result<Link> {
        self.check_method(Method::PerfEvent)?;
        let target = event.as_fd().as_raw_fd().cast_unsigned();
        self.attached(bpf::link_create(self.fd()?, target, BPF_PERF_EVENT, 0, 0))
    }

    /// Opens a perf event and attaches the program to it; `name` is the probed function, if the event needs one.
    pub(super) fn attach_event(&self, event: &Event, name: Option<CString>) -> Result<Link> {
        self.fd()?;
        let event = open(event, name.as_deref())
            .map_err(|errno| diagnose::explain(self.failed("open a perf event for program").errno_is(errno)))?;
        self.attach_perf_event(event)
    }
}
