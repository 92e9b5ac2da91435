//! Links, from libbpf-rs.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use libbpf_rs::query::{LinkInfo, LinkTypeInfo};

use super::{duplicate, refused};
use crate::{Error, Link, Result};

impl TryFrom<&libbpf_rs::Link> for Link {
    type Error = Error;

    /// The same link, under a descriptor of its own: the program stays attached until both are dropped.
    ///
    /// # Errors
    ///
    /// It is the link of a perf event (kprobes, uprobes, tracepoints), which libbpf turns off when its own link is
    /// dropped, whoever else has one; or not a link of the kernel's at all, as that of a `struct_ops` map can be.
    fn try_from(link: &libbpf_rs::Link) -> Result<Link> {
        let failed = || Error::new("take over libbpf's link");
        if let Some(other) = not_a_link(link.as_fd()) {
            return Err(failed().because(format!("its descriptor is not a link's, but of {other}")));
        }
        let info = LinkInfo::from_fd(link.as_fd()).map_err(|why| refused(failed(), &why))?;
        if let LinkTypeInfo::PerfEvent(_) = info.info {
            let why = "it is a perf event's, which libbpf turns off when it lets go of it";
            return Err(failed().because(why).hint("attach the program with this crate, or keep libbpf's link"));
        }
        // What errors call the program: its name is known to a handle only, which not everyone can have.
        let program = format!("number {}", info.prog_id);
        let fd = duplicate(link.as_fd(), || failed().subject(format!("of program {program}")))?;
        Ok(Link::new(fd, &program))
    }
}

/// What `fd` is open on, if that is certainly no link. The kernel would answer a question about a map as well.
fn not_a_link(fd: BorrowedFd<'_>) -> Option<String> {
    // The kernel has both names, by how the descriptor was made.
    const LINK: [&str; 2] = ["anon_inode:bpf_link", "anon_inode:bpf-link"];
    let target = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
    LINK.iter().all(|link| target.as_os_str() != *link).then(|| target.display().to_string())
}
