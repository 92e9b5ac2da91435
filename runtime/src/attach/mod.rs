//! Attaching programs, one file for each kind of attach target.
//!
//! [`Program::attach`] reads the target from the description ([`Attach`]), which the generator took from the section's
//! name, and calls the method of that kind. The other methods take the target as an argument. All of them give a [`Link`].

mod by_hand;
mod cgroup;
mod iter;
mod kprobe;
mod link;
mod method;
mod perf_event;
mod raw_tracepoint;
mod tcx;
mod tracepoint;
mod tracing_multi;
mod uprobe_multi;
mod xdp;

use std::os::fd::OwnedFd;

use crate::desc::Attach;
use crate::prog::Program;
use crate::sys::Errno;
use crate::sys::bpf::{self, IterOver};
use crate::{Error, Result, diagnose};
pub use iter::{CgroupOrder, IterCgroup, IterTask};
pub(crate) use kprobe::KPROBE;
pub use link::{Iter, Link};
pub use uprobe_multi::UprobeMulti;

impl Program {
    pub(crate) fn attached(&self, result: Result<OwnedFd, Errno>) -> Result<Link> {
        match result {
            Ok(fd) => Ok(Link::new(fd, &self.name)),
            Err(errno) => Err(diagnose::explain(self.failed("attach program").errno_is(errno))),
        }
    }

    /// Attaches the program to what its section names.
    ///
    /// # Errors
    ///
    /// The section names no target, the target is not there, or this runtime does not attach programs of its kind; the hint
    /// then names the method to call instead, if there is one.
    pub fn attach(&self) -> Result<Link> {
        match &self.attach {
            Attach::RawTracepoint { name } => self.attach_raw_tracepoint(name),
            Attach::Tracing => self.attached(bpf::raw_tracepoint_open(None, self.fd()?)),
            Attach::Iter => self.attached(bpf::link_create_iter(self.fd()?, IterOver::All)),
            Attach::Tracepoint { category, name } => self.attach_tracepoint(category, name),
            Attach::Kprobe { function, offset, ret: false } => self.attach_kprobe(function, *offset),
            Attach::Kprobe { function, ret: true, .. } => self.attach_kretprobe(function),
            Attach::TracingMulti { pattern: Some(pattern), .. } => self.attach_functions(pattern),
            Attach::Usdt { probe: Some(probe) } => {
                Err(self.not_attached(format!("skelgen does not look for the probe {probe}")))
            }
            Attach::Manual | Attach::TracingMulti { pattern: None, .. } | Attach::Usdt { probe: None } => {
                Err(self.not_attached(format!("its section {:?} names no target", self.section)))
            }
            Attach::Unsupported { why } => Err(self.not_attached(why.as_ref())),
        }
    }

    /// The error of [`attach`](Self::attach) for a program that another method attaches, or none.
    fn not_attached(&self, why: impl Into<String>) -> Error {
        let hint = by_hand::hint(&self.section, self.prog_type, self.expected_attach_type);
        self.failed("attach program").because(why).hint(hint)
    }

    /// Attaches the program as part of the whole skeleton: nothing, if it was not loaded, is not to be attached, or
    /// needs a target that its section does not name.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach). The hint also says how to leave the program out.
    pub fn autoattach(&self) -> Result<Option<Link>> {
        if !self.autoattach || self.fd.is_none() || self.attach.needs_target() {
            return Ok(None);
        }
        self.attach().map(Some).map_err(|error| {
            let leave_out = "to attach the others, call set_autoattach(false) on this one before the load";
            let hint = error.hint_text().map_or_else(|| leave_out.to_owned(), |hint| format!("{hint}; {leave_out}"));
            error.replace_hint(hint)
        })
    }

    /// Attaches all of `programs` as parts of one skeleton, see [`autoattach`](Self::autoattach).
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach). Those attached before are detached again.
    pub fn autoattach_all<const N: usize>(programs: [&Program; N]) -> Result<[Option<Link>; N]> {
        let mut links = [const { None }; N];
        for (link, program) in links.iter_mut().zip(programs) {
            *link = program.autoattach()?;
        }
        Ok(links)
    }
}
