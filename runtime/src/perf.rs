//! Attaching to tracepoints and kernel functions: a perf event, and a link to it.

use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::link::Link;
use crate::prog::Program;
use crate::sys::perf::{Event, open};
use crate::sys::uapi::{BPF_PERF_EVENT, PERF_TYPE_TRACEPOINT};
use crate::sys::{Errno, bpf};
use crate::{Error, Result};

/// Where tracefs is mounted.
const TRACING: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// The source of events that are kprobes.
pub(crate) const KPROBE: &str = "/sys/bus/event_source/devices/kprobe";

impl Program {
    /// Attaches the program to a tracepoint, as `SEC("tp/sched/sched_switch")` does.
    ///
    /// # Errors
    ///
    /// There is no such tracepoint, tracefs is not mounted, or the program is of another type.
    pub fn attach_tracepoint(&self, category: &str, name: &str) -> Result<Link> {
        let failed = || self.failed("attach program").because(format!("tracepoint {category}/{name}"));
        if [category, name].iter().any(|part| part.is_empty() || part.contains(['/', '.'])) {
            return Err(failed().hint("a tracepoint is a category and a name"));
        }
        let ids = TRACING.map(|root| fs::read_to_string(format!("{root}/events/{category}/{name}/id")));
        let [first, second] = ids;
        let id = first.or_else(|error| second.map_err(|_| error)).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => failed().io(error).hint(
                "tracefs, which has the tracepoint's number, is for root alone: raw_tp and tp_btf programs need no number",
            ),
            _ => failed().io(error).hint("is there such a tracepoint, and is tracefs mounted at /sys/kernel/tracing?"),
        })?;
        let id = id.trim().parse().map_err(|_| failed().hint("its id is not a number"))?;
        self.attach_event(&Event { r#type: PERF_TYPE_TRACEPOINT, config: id, ..Event::default() }, None)
    }

    /// Attaches the program to a kernel function, `offset` bytes from its start, as `SEC("kprobe/...")` does.
    ///
    /// # Errors
    ///
    /// There is no such function, it may not be probed, or the kernel has no kprobes.
    pub fn attach_kprobe(&self, function: &str, offset: u64) -> Result<Link> {
        self.kprobe(function, offset, 0)
    }

    /// Attaches the program to the return of a kernel function, as `SEC("kretprobe/...")` does.
    ///
    /// # Errors
    ///
    /// As for [`attach_kprobe`](Self::attach_kprobe).
    pub fn attach_kretprobe(&self, function: &str) -> Result<Link> {
        let format = fs::read_to_string(format!("{KPROBE}/format/retprobe")).unwrap_or_default();
        let bit: u32 = format.trim().strip_prefix("config:").and_then(|bit| bit.parse().ok()).unwrap_or(0);
        self.kprobe(function, 0, 1u64.checked_shl(bit).unwrap_or(1))
    }

    fn kprobe(&self, function: &str, offset: u64, config: u64) -> Result<Link> {
        let failed = || self.failed("attach program").because(format!("kernel function {function}"));
        let kind = fs::read_to_string(format!("{KPROBE}/type"));
        let kind =
            kind.map_err(|error| failed().io(error).hint("this kernel has no kprobes (CONFIG_KPROBE_EVENTS)"))?;
        let kind = kind.trim().parse().map_err(|_| failed().hint("the type of kprobe events is not a number"))?;
        let name = CString::new(function).map_err(|_| failed().hint("the name has a byte 0"))?;
        self.attach_event(&Event { r#type: kind, config, config2: offset }, Some(name))
            .map_err(|error| error.because(format!("kernel function {function}")))
    }

    /// Attaches the program to a perf event of any kind (`BPF_LINK_CREATE`). The link keeps the event.
    ///
    /// # Errors
    ///
    /// The program is not for perf events of this kind.
    pub fn attach_perf_event(&self, event: impl AsFd) -> Result<Link> {
        let target = event.as_fd().as_raw_fd().cast_unsigned();
        self.attached(bpf::link_create(self.fd()?, target, BPF_PERF_EVENT, 0, 0))
    }

    fn attach_event(&self, event: &Event, name: Option<CString>) -> Result<Link> {
        self.fd()?;
        let opened: Result<OwnedFd, Errno> = open(event, name.as_deref());
        let event = opened.map_err(|errno: Errno| -> Error {
            let error = self.failed("open a perf event for program").errno_is(errno);
            crate::diagnose::explain(error)
        })?;
        self.attach_perf_event(event)
    }
}
