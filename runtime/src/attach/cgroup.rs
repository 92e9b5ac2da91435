//! Program types of cgroups: `cgroup/connect4`, `lsm_cgroup`, `sockops` and others.

use std::os::fd::{AsFd, AsRawFd};

use super::Link;
use super::method::Method;
use crate::Result;
use crate::prog::Program;
use crate::sys::bpf;

impl Program {
    /// Attaches a program to a cgroup, given as its directory, opened (`BPF_LINK_CREATE`).
    ///
    /// # Errors
    ///
    /// It is not a directory of cgroup version 2, or the program is of another type.
    pub fn attach_cgroup(&self, cgroup: impl AsFd) -> Result<Link> {
        self.check_method(Method::Cgroup)?;
        let target = cgroup.as_fd().as_raw_fd().cast_unsigned();
        self.attached(bpf::link_create(self.fd()?, target, self.expected_attach_type, 0, 0))
    }
}
