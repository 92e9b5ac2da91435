//! Programs that attach through a perf event.

use std::fs::{self, File};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr;
use std::thread::sleep;
use std::time::Duration;

use skelgen_runtime::Errno;
use skelgen_tests::skeletons::attach_perf::{AttachPerf, LoadedAttachPerf};
use skelgen_tests::{in_own_process, matrix, may_load, not_on_this_kernel};

use crate::watch::{runs, stops};

/// Reads a file (kernel function `vfs_read`) and lets another task run.
fn act() {
    io::copy(&mut File::open("/proc/self/stat").unwrap(), &mut io::sink()).unwrap();
    sleep(Duration::from_millis(1));
}

/// Whether there is what the test is about; if not it is noted. The matrix has all.
fn has(path: &str, what: &str) -> bool {
    let has = Path::new(path).exists();
    if !has {
        assert!(matrix().is_none(), "{path}");
        not_on_this_kernel(what);
    }
    has
}

pub(crate) fn has_kprobes() -> bool {
    has("/sys/bus/event_source/devices/kprobe/type", "probes of kernel functions")
}

fn has_tracepoints() -> bool {
    let places = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    let id = places.map(|place| format!("{place}/events/sched/sched_switch/id"));
    fs::exists(&id[0]).unwrap_or(false) || has(&id[1], "tracefs, where tracepoints have their numbers")
}

fn load() -> LoadedAttachPerf {
    AttachPerf::open().unwrap().load().unwrap()
}

#[test]
fn the_whole_skeleton_attaches_and_detaches() {
    if !may_load() || !has_kprobes() || !has_tracepoints() {
        return;
    }
    let skel = load();
    let mut links = skel.attach().unwrap();
    assert!(links.on_kprobe.is_some() && links.on_kretprobe.is_some() && links.on_tracepoint.is_some());
    let kprobe = || skel.bss.get().kprobe_runs;
    let kretprobe = || skel.bss.get().kretprobe_runs;
    let tracepoint = || skel.bss.get().tracepoint_runs;
    runs("on_kprobe", kprobe, act);
    runs("on_kretprobe", kretprobe, act);
    runs("on_tracepoint", tracepoint, act);

    // One alone: at the same function the other goes on.
    links.on_kprobe = None;
    stops("on_kprobe", kprobe, act);
    runs("on_kretprobe", kretprobe, act);
    drop(links);
    stops("on_kretprobe", kretprobe, act);
    stops("on_tracepoint", tracepoint, act);
}

#[test]
fn tracepoints_attach_without_probes() {
    if !may_load() || !has_tracepoints() {
        return;
    }
    let mut open = AttachPerf::open().unwrap();
    open.progs.on_kprobe.set_autoattach(false);
    open.progs.on_kretprobe.set_autoload(false);
    let skel = open.load().unwrap();
    let links = skel.attach().unwrap();
    assert!(links.on_kprobe.is_none() && links.on_kretprobe.is_none() && links.on_perf_event.is_none());
    runs("on_tracepoint", || skel.bss.get().tracepoint_runs, act);
    drop(links);
    stops("on_tracepoint", || skel.bss.get().tracepoint_runs, act);
    assert_eq!(skel.bss.get().kprobe_runs, 0);
}

#[test]
fn tracepoints_by_name_are_for_root() {
    if !may_load() || !has_tracepoints() {
        return;
    }
    const NOBODY: u32 = 65534;
    in_own_process(|| {
        let skel = load();
        // Nor in root's group, which may read the number where its folder is open.
        // SAFETY: the list of groups is empty, so that nothing of it is read.
        assert_eq!(unsafe { libc::setgroups(0, ptr::null()) }, 0);
        // SAFETY: no memory is passed.
        assert_eq!(unsafe { libc::setegid(NOBODY) }, 0);
        // SAFETY: no memory is passed.
        assert_eq!(unsafe { libc::seteuid(NOBODY) }, 0);
        let error = skel.progs.on_tracepoint.attach_tracepoint("sched", "sched_switch").unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EACCES));
        assert!(error.hint_text().is_some_and(|hint| hint.starts_with("tracefs, ")), "{error}");
    });
}

#[test]
fn what_is_not_there_is_named_with_its_program() {
    if !may_load() {
        return;
    }
    let skel = load();
    let error = skel.progs.on_tracepoint.attach_tracepoint("sched", "no_such_thing").unwrap_err();
    assert_eq!(error.subject_name(), Some("on_tracepoint"));
    assert!(error.to_string().contains("sched/no_such_thing"), "{error}");
    let error = skel.progs.on_kprobe.attach_kprobe("no_such_function", 0).unwrap_err();
    assert_eq!(error.subject_name(), Some("on_kprobe"));
    assert!(error.to_string().contains("no_such_function"), "{error}");
    // Its section does not say at which event.
    let error = skel.progs.on_perf_event.attach().unwrap_err();
    assert_eq!(error.subject_name(), Some("on_perf_event"));
    assert!(error.reason().is_some_and(|why| why.contains("names no target")), "{error}");
}

/// The start of `struct perf_event_attr`, as its first version was.
#[repr(C)]
#[derive(Default)]
struct EventAttr {
    r#type: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    unused: [u64; 5],
}

/// An event that happens each millisecond in which this thread runs.
fn clock() -> io::Result<OwnedFd> {
    const PERF_TYPE_SOFTWARE: u32 = 1;
    const PERF_COUNT_SW_TASK_CLOCK: u64 = 1;
    const THIS_THREAD: i32 = 0;
    const ANY_CPU: i32 = -1;
    const NO_GROUP: i32 = -1;
    let attr = EventAttr {
        r#type: PERF_TYPE_SOFTWARE,
        size: size_of::<EventAttr>() as u32,
        config: PERF_COUNT_SW_TASK_CLOCK,
        sample_period: 1_000_000,
        ..EventAttr::default()
    };
    // SAFETY: the attr is as long as it says.
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attr, THIS_THREAD, ANY_CPU, NO_GROUP, 0 as libc::c_ulong)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel made it for this call.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

#[test]
fn an_event_of_the_users_own() {
    if !may_load() {
        return;
    }
    let event = match clock() {
        Ok(event) => event,
        Err(error) => {
            assert!(matrix().is_none(), "{error}");
            return not_on_this_kernel(format!("an event by the clock: {error}"));
        }
    };
    let skel = load();
    // The link keeps the event.
    let link = skel.progs.on_perf_event.attach_perf_event(&event).unwrap();
    drop(event);
    let spin = || {
        for n in 0..100_000 {
            std::hint::black_box(n);
        }
    };
    runs("on_perf_event", || skel.bss.get().perf_event_runs, spin);
    drop(link);
    stops("on_perf_event", || skel.bss.get().perf_event_runs, spin);
}
