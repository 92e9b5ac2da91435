//! `xdp`: the packets that a network interface receives.

use super::Link;
use super::method::Method;
use crate::Result;
use crate::prog::Program;
use crate::sys::bpf;
use crate::sys::uapi::BPF_XDP;

impl Program {
    /// Attaches an XDP program to a network interface (`BPF_LINK_CREATE`); `flags` are `XDP_FLAGS_*`, or 0.
    ///
    /// # Errors
    ///
    /// There is no such interface, it runs another program, or this program is of another type.
    pub fn attach_xdp(&self, interface: u32, flags: u32) -> Result<Link> {
        self.check_method(Method::Xdp)?;
        self.attached(bpf::link_create(self.fd()?, interface, BPF_XDP, flags, 0))
    }
}
