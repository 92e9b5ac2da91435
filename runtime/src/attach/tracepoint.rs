//! `tp`: tracepoints, through a perf event.

use std::fs;
use std::io::ErrorKind;

use super::Link;
use super::method::Method;
use crate::Result;
use crate::prog::Program;
use crate::sys::perf::Event;
use crate::sys::perf::PERF_TYPE_TRACEPOINT;

/// Where tracefs is mounted.
const TRACING: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

impl Program {
    /// Attaches the program to a tracepoint, as `SEC("tp/sched/sched_switch")` does.
    ///
    /// # Errors
    ///
    /// There is no such tracepoint, tracefs is not mounted, or the program is of another type.
    pub fn attach_tracepoint(&self, category: &str, name: &str) -> Result<Link> {
        self.check_method(Method::Tracepoint)?;
        let failed = || self.failed("attach program").to(format!("tracepoint {category}/{name}"));
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
}
