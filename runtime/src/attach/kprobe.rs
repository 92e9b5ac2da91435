//! `kprobe` and `kretprobe`: kernel functions, through a perf event.

use std::ffi::CString;
use std::fs;

use super::Link;
use super::method::Method;
use crate::Result;
use crate::prog::Program;
use crate::sys::perf::Event;

/// The source of events that are kprobes.
pub(crate) const KPROBE: &str = "/sys/bus/event_source/devices/kprobe";

impl Program {
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
        self.check_method(Method::Kprobe)?;
        let failed = || self.failed("attach program").to(format!("kernel function {function}"));
        let kind = fs::read_to_string(format!("{KPROBE}/type"));
        let kind =
            kind.map_err(|error| failed().io(error).hint("this kernel has no kprobes (CONFIG_KPROBE_EVENTS)"))?;
        let kind = kind.trim().parse().map_err(|_| failed().hint("the type of kprobe events is not a number"))?;
        let name = CString::new(function).map_err(|_| failed().hint("the name contains a NUL byte"))?;
        self.attach_event(&Event { r#type: kind, config, config2: offset }, Some(name))
            .map_err(|error| error.to(format!("kernel function {function}")))
    }
}
