//! Attaching iterators that walk a part of what there is: a map's elements, some cgroups, one process's tasks.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::Link;
use super::method::Method;
use crate::map::Map;
use crate::prog::Program;
use crate::sys::attr::{IterCgroupInfo, IterTaskInfo};
use crate::sys::bpf::{self, IterOver};
use crate::{Error, Result};

/// Where an iterator over cgroups begins.
#[derive(Clone, Copy, Debug, Default)]
pub enum IterCgroup<'a> {
    /// At the root of cgroup version 2.
    #[default]
    Root,
    /// At the cgroup of either version whose directory this is, opened.
    Directory(BorrowedFd<'a>),
    /// At the cgroup with this id, its directory's inode number; 0 is [`Root`](Self::Root).
    Id(u64),
}

/// In which order an iterator walks cgroups: `enum bpf_cgroup_iter_order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum CgroupOrder {
    /// The one where it begins, and no other.
    SelfOnly = 1,
    /// All below it, parents before their children.
    DescendantsPre = 2,
    /// All below it, children before their parents.
    DescendantsPost = 3,
    /// It and those above it, up to the root.
    AncestorsUp = 4,
    /// Its children alone, without itself (Linux 7.1).
    Children = 5,
}

/// Whose tasks an iterator walks.
#[derive(Clone, Copy, Debug)]
pub enum IterTask<'a> {
    /// One thread, by its number.
    Thread(u32),
    /// One process's threads, by its number.
    Process(u32),
    /// One process's threads, by a descriptor of pidfd_open(2).
    PidFd(BorrowedFd<'a>),
}

impl Program {
    /// Attaches an iterator over a map's elements, as `SEC("iter/bpf_map_elem")`, `SEC("iter/bpf_sk_storage_map")` and
    /// `SEC("iter/sockmap")` are (`BPF_LINK_CREATE`).
    ///
    /// # Errors
    ///
    /// The program is no such iterator, or accesses more than the map's keys and values have.
    pub fn attach_iter_map(&self, map: &Map) -> Result<Link> {
        self.check_method(Method::Iter)?;
        self.attached(bpf::link_create_iter(self.fd()?, IterOver::Map(map.as_fd())))
    }

    /// Attaches an iterator over cgroups: `SEC("iter/cgroup")` (`BPF_LINK_CREATE`).
    ///
    /// # Errors
    ///
    /// There is no such cgroup, the kernel does not know the order, or the program is another iterator.
    pub fn attach_iter_cgroup(&self, start: IterCgroup<'_>, order: CgroupOrder) -> Result<Link> {
        self.check_method(Method::Iter)?;
        let mut info = IterCgroupInfo { order: order as u32, ..Default::default() };
        match start {
            IterCgroup::Root => {}
            IterCgroup::Directory(directory) => info.cgroup_fd = self.number(directory)?,
            IterCgroup::Id(id) => info.cgroup_id = id,
        }
        self.attached(bpf::link_create_iter(self.fd()?, IterOver::Cgroup(info)))
    }

    /// Attaches an iterator over some tasks, their files or memory areas: `SEC("iter/task")`, `task_file`, `task_vma`
    /// (`BPF_LINK_CREATE`). [`attach`](Self::attach) has it walk those of all processes.
    ///
    /// # Errors
    ///
    /// There is no such process, its number is 0, or the program is another iterator. Where a kernel looks for the task
    /// at each run only, one that does not exist has nothing to walk.
    pub fn attach_iter_task(&self, tasks: IterTask<'_>) -> Result<Link> {
        self.check_method(Method::Iter)?;
        let mut info = IterTaskInfo::default();
        match tasks {
            // The kernel takes 0 for all.
            IterTask::Thread(0) | IterTask::Process(0) => return Err(self.no_task()),
            IterTask::Thread(tid) => info.tid = tid,
            IterTask::Process(pid) => info.pid = pid,
            IterTask::PidFd(fd) => info.pid_fd = self.number(fd)?,
        }
        self.attached(bpf::link_create_iter(self.fd()?, IterOver::Task(info)))
    }

    /// A descriptor's number; the kernel takes 0 for none.
    fn number(&self, fd: BorrowedFd<'_>) -> Result<u32> {
        match fd.as_raw_fd().cast_unsigned() {
            0 => Err(self.failed("attach program").because("the descriptor is number 0, which means none here")),
            number => Ok(number),
        }
    }

    fn no_task(&self) -> Error {
        self.failed("attach program").because("no task has number 0")
    }
}
