//! `raw_tp`: raw tracepoints, by `BPF_RAW_TRACEPOINT_OPEN`.

use std::ffi::CString;

use super::Link;
use super::method::Method;
use crate::Result;
use crate::prog::Program;
use crate::sys::{Errno, bpf};

impl Program {
    /// Attaches a `raw_tp` program (`BPF_RAW_TRACEPOINT_OPEN`).
    ///
    /// # Errors
    ///
    /// There is no tracepoint of that name, without its category, or the program is of another type.
    pub fn attach_raw_tracepoint(&self, name: &str) -> Result<Link> {
        self.check_method(Method::RawTracepoint)?;
        let c_name =
            CString::new(name).map_err(|_| self.failed("attach program").because("the name contains a NUL byte"))?;
        self.attached(bpf::raw_tracepoint_open(Some(&c_name), self.fd()?)).map_err(|error| match error.errno() {
            Some(Errno::ENOENT) => {
                error.because(format!("the kernel and its loaded modules have no raw tracepoint `{name}`"))
            }
            _ => error,
        })
    }
}
