//! `tcx` and `netkit`: the traffic of a network interface.

use super::Link;
use super::method::Method;
use crate::Result;
use crate::prog::Program;
use crate::sys::bpf;

impl Program {
    /// Attaches a program to a network interface's traffic (`BPF_LINK_CREATE`), as `tcx` and `netkit` are.
    ///
    /// # Errors
    ///
    /// There is no such interface, the program is of another type, or the kernel older than 6.6.
    pub fn attach_interface(&self, interface: u32) -> Result<Link> {
        self.check_method(Method::Interface)?;
        self.attached(bpf::link_create(self.fd()?, interface, self.expected_attach_type, 0, 0))
    }
}
