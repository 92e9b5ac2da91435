//! Iterators that are told what to walk.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use skelgen_runtime::{CgroupOrder, Errno, IterCgroup, IterTask, Link, Result};
use skelgen_tests::skeletons::iterators::{Iterators, LoadedIterators};
use skelgen_tests::{is_from, matrix, may_load};

use crate::cgroup::Cgroup;

fn load() -> LoadedIterators {
    Iterators::open().unwrap().load().unwrap()
}

/// One run's output: what these programs write are numbers of 8 bytes.
fn numbers(link: &Link) -> Vec<u64> {
    let mut bytes = Vec::new();
    link.iter().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() % 8, 0);
    bytes.chunks_exact(8).map(|number| u64::from_ne_bytes(number.try_into().unwrap())).collect()
}

/// A descriptor of this process.
fn pid_fd() -> OwnedFd {
    // SAFETY: no address.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, std::process::id(), 0) };
    assert!(fd >= 0);
    // SAFETY: the kernel made it for this call.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

#[test]
fn tasks_of_one_process() {
    if !may_load() {
        return;
    }
    let skel = load();
    let walk = |tasks| numbers(&skel.progs.tasks.attach_iter_task(tasks).unwrap());
    // SAFETY: no argument.
    let this = unsafe { libc::gettid() }.cast_unsigned();
    let [this] = walk(IterTask::Thread(this))[..] else { panic!("one thread is one task") };
    let pid_fd = pid_fd();
    for tasks in [IterTask::Process(std::process::id()), IterTask::PidFd(pid_fd.as_fd())] {
        let found = walk(tasks);
        assert!(found.contains(&this), "{this:x} in {found:x?}");
        assert!(found.iter().all(|task| task >> 32 == this >> 32), "{found:x?}");
    }
    // Elsewhere this process may be in a namespace, and has another number there.
    assert!(matrix().is_none() || this >> 32 == u64::from(std::process::id()));
    let all = numbers(&skel.progs.tasks.attach().unwrap());
    assert!(all.contains(&this) && all.iter().any(|task| task >> 32 != this >> 32));
}

#[test]
fn no_task_is_not_all_of_them() {
    if !may_load() {
        return;
    }
    let skel = load();
    for tasks in [IterTask::Thread(0), IterTask::Process(0)] {
        let error = skel.progs.tasks.attach_iter_task(tasks).unwrap_err();
        assert_eq!(error.subject_name(), Some("tasks"));
        assert!(error.reason().is_some_and(|why| why.contains("number 0")), "{error}");
    }
    // No process has a number like that.
    assert_eq!(numbers(&skel.progs.tasks.attach_iter_task(IterTask::Process(i32::MAX as u32)).unwrap()), []);
}

#[test]
fn cgroups_in_each_order() {
    if !may_load() {
        return;
    }
    let Some(cgroup) = Cgroup::new("iterators") else { return };
    let child = cgroup.child();
    let skel = load();
    let link = |start, order| skel.progs.cgroups.attach_iter_cgroup(start, order);
    let walk = |link: Result<Link>| numbers(&link.unwrap());
    let directory = File::open(cgroup.path()).unwrap();
    let (id, below) = (cgroup.id(), child.id());
    let root = fs::metadata("/sys/fs/cgroup").unwrap().ino();
    for start in [IterCgroup::Directory(directory.as_fd()), IterCgroup::Id(id)] {
        assert_eq!(walk(link(start, CgroupOrder::SelfOnly)), [id]);
        assert_eq!(walk(link(start, CgroupOrder::DescendantsPre)), [id, below]);
        assert_eq!(walk(link(start, CgroupOrder::DescendantsPost)), [below, id]);
        let up = walk(link(start, CgroupOrder::AncestorsUp));
        assert_eq!(up[0], id);
        // Elsewhere this process may see a part only of the cgroups.
        assert!(up.contains(&root), "{root} in {up:?}");
        match link(start, CgroupOrder::Children) {
            Ok(link) => assert_eq!(numbers(&link), [below]),
            Err(error) => {
                assert!(!is_from("BPF_CGROUP_ITER_CHILDREN"), "{error}");
                assert_eq!((error.errno(), error.subject_name()), (Some(Errno::EINVAL), Some("cgroups")), "{error}");
            }
        }
    }
    let all = walk(link(IterCgroup::Root, CgroupOrder::DescendantsPre));
    assert!(all.contains(&id) && all.contains(&below), "{all:?}");
}

#[test]
fn an_iterator_over_cgroups_needs_an_order() {
    if !may_load() {
        return;
    }
    let skel = load();
    let links = skel.attach().unwrap();
    assert!(links.tasks.is_some() && links.cgroups.is_none());
    let error = skel.progs.cgroups.attach().unwrap_err();
    assert!(error.reason().is_some_and(|why| why.contains("names no target")), "{error}");
    assert!(skel.progs.cgroups.attach_iter_cgroup(IterCgroup::Id(u64::MAX), CgroupOrder::SelfOnly).is_err());
}
