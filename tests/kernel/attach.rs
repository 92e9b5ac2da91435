//! Attaching a whole skeleton: each program runs while its link is there, and no longer.

use std::fs;
use std::path::Path;

use skelgen_runtime::{CgroupOrder, Errno, IterCgroup, IterTask, Link, OpenProgram, UprobeMulti};
use skelgen_tests::skeletons::attach_all::types::Bss;
use skelgen_tests::skeletons::attach_all::{AttachAll, AttachAllLinks, LoadedAttachAll, OpenAttachAll, OpenProgs};
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::percpu_basic::PercpuBasic;
use skelgen_tests::skeletons::sec_forms::SecForms;
use skelgen_tests::{in_own_process, matrix, may_load, not_on_this_kernel, open_fds};

use crate::watch::{runs, stops};

/// A program of `attach_all` in all its forms.
struct Attachable {
    name: &'static str,
    open: fn(&mut OpenProgs) -> &mut OpenProgram,
    link: fn(&mut AttachAllLinks) -> &mut Option<Link>,
    count: fn(&Bss) -> u64,
}

macro_rules! attachable {
    ($($name:ident $count:ident)*) => {
        [$(Attachable {
            name: stringify!($name),
            open: |progs| &mut progs.$name,
            link: |links| &mut links.$name,
            count: |bss| bss.$count,
        }),*]
    };
}

const ALL: [Attachable; 8] = attachable! {
    on_raw_tp raw_tp_runs
    on_tp_btf tp_btf_runs
    on_fentry fentry_runs
    on_fexit fexit_runs
    on_fmod_ret fmod_ret_runs
    on_lsm lsm_runs
    on_iter_task iter_task_runs
    on_iter_map iter_map_runs
};

/// At the entry or exit of kernel functions: some machines let nobody do that.
const AT_FUNCTIONS: [&str; 4] = ["on_fentry", "on_fexit", "on_fmod_ret", "on_lsm"];

/// Not noticed by a kernel that was not told to ask BPF.
fn asks_bpf_for_security() -> bool {
    fs::read_to_string("/sys/kernel/security/lsm").is_ok_and(|modules| modules.split(',').any(|name| name == "bpf"))
}

/// `attach_all` as `change` wants it; `None`, and noted, where not even root may load programs at functions.
fn load(change: impl FnOnce(&mut OpenAttachAll)) -> Option<LoadedAttachAll> {
    let mut open = AttachAll::open().unwrap();
    change(&mut open);
    match open.load() {
        Ok(skel) => Some(skel),
        Err(error) if error.subject_name().is_some_and(|name| AT_FUNCTIONS.contains(&name)) && matrix().is_none() => {
            not_on_this_kernel(error);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Has none loaded but these.
fn only(open: &mut OpenAttachAll, names: &[&str]) {
    for each in &ALL {
        (each.open)(&mut open.progs).set_autoload(names.contains(&each.name));
    }
}

/// Does what each program is there to see.
fn act(skel: &LoadedAttachAll, links: Option<&AttachAllLinks>) {
    fs::read("/proc/self/stat").unwrap();
    for tested in [&skel.progs.on_fentry, &skel.progs.on_fmod_ret] {
        if tested.is_loaded() {
            tested.test_run(Default::default()).unwrap();
        }
    }
    for link in links.into_iter().flat_map(|links| [&links.on_iter_task, &links.on_iter_map]).flatten() {
        std::io::copy(&mut link.iter().unwrap(), &mut std::io::sink()).unwrap();
    }
}

/// Each of `names`, loaded with what it needs, runs once it is attached and stops when its link is dropped.
fn runs_while_attached(name: &str, needs: &[&str]) {
    if !may_load() {
        return;
    }
    let each = ALL.iter().find(|each| each.name == name).unwrap();
    let Some(skel) = load(|open| {
        only(open, &[&[name], needs].concat());
        needs.iter().for_each(|needed| {
            let needed = ALL.iter().find(|each| each.name == *needed).unwrap();
            (needed.open)(&mut open.progs).set_autoattach(false);
        });
    }) else {
        return;
    };
    let count = || (each.count)(&skel.bss.get());
    act(&skel, None);
    assert_eq!(count(), 0, "{name} runs before it is attached");

    let mut links = skel.attach().unwrap();
    for other in &ALL {
        assert_eq!((other.link)(&mut links).is_some(), other.name == name, "{}", other.name);
    }
    runs(name, count, || act(&skel, Some(&links)));
    drop(links);
    stops(name, count, || act(&skel, None));
}

#[test]
fn raw_tracepoints() {
    runs_while_attached("on_raw_tp", &[]);
}

#[test]
fn tracepoints_with_types() {
    runs_while_attached("on_tp_btf", &[]);
}

#[test]
fn entries_of_functions() {
    runs_while_attached("on_fentry", &[]);
}

#[test]
fn exits_of_functions() {
    // What it is attached to is called by a test run of this kind of program.
    runs_while_attached("on_fexit", &["on_fmod_ret"]);
}

#[test]
fn results_of_functions() {
    runs_while_attached("on_fmod_ret", &[]);
}

#[test]
fn security_hooks() {
    if asks_bpf_for_security() {
        runs_while_attached("on_lsm", &[]);
    } else {
        not_on_this_kernel("BPF is not among the security modules in use");
    }
}

#[test]
fn the_whole_skeleton_attaches_and_detaches() {
    if !may_load() {
        return;
    }
    let Some(skel) = load(|_| ()) else { return };
    let mut links = skel.attach().unwrap();
    assert!(ALL.iter().all(|each| (each.link)(&mut links).is_some()), "{links:?}");
    let expected: Vec<_> = ALL.iter().filter(|each| each.name != "on_lsm" || asks_bpf_for_security()).collect();
    for each in &expected {
        runs(each.name, || (each.count)(&skel.bss.get()), || act(&skel, Some(&links)));
    }
    // bpf_modify_return_test(1, &2) adds 1 to its second argument, and returns the sum.
    assert_eq!(skel.bss.get().last_result, 4);
    drop(links);
    for each in &expected {
        stops(each.name, || (each.count)(&skel.bss.get()), || act(&skel, None));
    }
    // Again, with links of its own.
    let links = skel.attach().unwrap();
    for each in &expected {
        runs(each.name, || (each.count)(&skel.bss.get()), || act(&skel, Some(&links)));
    }
}

#[test]
fn links_keep_programs_that_the_skeleton_does_not() {
    if !may_load() {
        return;
    }
    let skel = load(|open| only(open, &["on_raw_tp"])).unwrap();
    let links = skel.attach().unwrap();
    let LoadedAttachAll { bss, progs, .. } = skel;
    drop(progs);
    let count = || bss.get().raw_tp_runs;
    let act = || drop(fs::read("/proc/self/stat").unwrap());
    runs("on_raw_tp", count, act);
    drop(links);
    stops("on_raw_tp", count, act);
}

#[test]
fn a_link_is_dropped_alone() {
    if !may_load() {
        return;
    }
    let skel = load(|open| only(open, &["on_raw_tp", "on_tp_btf"])).unwrap();
    let mut links = skel.attach().unwrap();
    let raw_tp = || skel.bss.get().raw_tp_runs;
    let tp_btf = || skel.bss.get().tp_btf_runs;
    links.on_raw_tp = None;
    stops("on_raw_tp", raw_tp, || act(&skel, Some(&links)));
    runs("on_tp_btf", tp_btf, || act(&skel, Some(&links)));

    // What was taken out of the links goes on without them.
    let taken = links.on_tp_btf.take();
    drop(links);
    runs("on_tp_btf", tp_btf, || act(&skel, None));
    drop(taken);
    stops("on_tp_btf", tp_btf, || act(&skel, None));
}

#[test]
fn a_program_that_is_not_to_be_attached_is_only_loaded() {
    if !may_load() {
        return;
    }
    let skel = load(|open| {
        only(open, &["on_raw_tp", "on_tp_btf"]);
        open.progs.on_raw_tp.set_autoattach(false);
    })
    .unwrap();
    let links = skel.attach().unwrap();
    assert!(links.on_raw_tp.is_none() && links.on_tp_btf.is_some());
    assert!(skel.progs.on_raw_tp.is_loaded());
    act(&skel, Some(&links));
    assert_eq!(skel.bss.get().raw_tp_runs, 0);
    // By hand it is.
    let link = skel.progs.on_raw_tp.attach().unwrap();
    runs("on_raw_tp", || skel.bss.get().raw_tp_runs, || act(&skel, None));
    drop(link);
    // Those that are not loaded are neither.
    let error = skel.progs.on_fentry.attach().unwrap_err();
    assert_eq!(error.subject_name(), Some("on_fentry"));
    assert!(links.on_fentry.is_none() && !skel.progs.on_fentry.is_loaded() && error.to_string().contains("autoload"));
}

#[test]
fn a_program_without_target_stays_alone() {
    if !may_load() {
        return;
    }
    let counters = Counters::open().unwrap().load().unwrap();
    let links = counters.attach().unwrap();
    assert!(links.on_sys_enter.is_some() && links.on_exec.is_some() && links.bump.is_none());
    let error = counters.progs.bump.attach().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("attach program", Some("bump")));
    assert!(error.to_string().contains("\"raw_tp\" names no target"), "{error}");

    // Neither does an iterator over a map's elements say which map.
    let basic = PercpuBasic::open().unwrap().load().unwrap();
    assert!(basic.progs.sum_total.is_loaded() && basic.attach().unwrap().sum_total.is_none());
}

#[test]
fn a_program_that_cannot_be_attached_is_named() {
    if !may_load() {
        return;
    }
    let mut open = SecForms::open().unwrap();
    open.progs.ksyscall.set_autoload(true);
    open.progs.raw_tp_sys_enter.set_autoload(true);
    let error = open.load().unwrap().attach().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("attach program", Some("ksyscall")));
    assert_eq!(error.reason(), Some("skelgen does not attach ksyscall programs by their section yet"));
    // What else to call, and how to have the others attached.
    let hint = error.hint_text().unwrap();
    assert!(hint.contains("attach_kprobe") && hint.contains("set_autoattach(false)"), "{error}");

    let mut open = SecForms::open().unwrap();
    open.progs.ksyscall.set_autoload(true);
    open.progs.ksyscall.set_autoattach(false);
    open.progs.raw_tp_sys_enter.set_autoload(true);
    let skel = open.load().unwrap();
    let links = skel.attach().unwrap();
    assert!(links.ksyscall.is_none() && links.raw_tp_sys_enter.is_some());
    // By itself it is told no more than what to call.
    let error = skel.progs.ksyscall.attach().unwrap_err();
    assert!(error.hint_text().is_some_and(|hint| !hint.contains("set_autoattach")), "{error}");
    if cfg!(target_arch = "x86_64") && Path::new("/sys/bus/event_source/devices/kprobe").exists() {
        drop(skel.progs.ksyscall.attach_kprobe("__x64_sys_openat", 0).unwrap());
    }
}

#[test]
fn a_method_for_other_programs_names_the_type_and_the_right_method() {
    if !may_load() {
        return;
    }
    let skel = Counters::open().unwrap().load().unwrap();
    let (bump, cgroup, event) = (&skel.progs.bump, fs::File::open("/").unwrap(), fs::File::open("/").unwrap());
    let attempts = [
        ("attach_xdp", bump.attach_xdp(1, 0)),
        ("attach_cgroup", bump.attach_cgroup(&cgroup)),
        ("attach_interface", bump.attach_interface(1)),
        ("attach_perf_event", bump.attach_perf_event(&event)),
        ("attach_tracepoint", bump.attach_tracepoint("sched", "sched_switch")),
        ("attach_kprobe", bump.attach_kprobe("schedule", 0)),
        ("attach_kretprobe", bump.attach_kretprobe("schedule")),
        ("attach_uprobe_multi", bump.attach_uprobe_multi("/proc/self/exe", UprobeMulti::default())),
        ("attach_functions", bump.attach_functions("schedule")),
        ("attach_functions_with_cookies", bump.attach_functions_with_cookies(&[("schedule", 1)])),
        ("attach_iter_", bump.attach_iter_map(&skel.maps.events)),
        ("attach_iter_", bump.attach_iter_cgroup(IterCgroup::Root, CgroupOrder::SelfOnly)),
        ("attach_iter_", bump.attach_iter_task(IterTask::Process(1))),
    ];
    for (method, attempt) in attempts {
        let error = attempt.unwrap_err();
        assert_eq!((error.subject_name(), error.errno()), (Some("bump"), None), "{error}");
        let reason = error.reason().unwrap();
        assert!(reason.contains(method), "{error}");
        assert!(reason.ends_with("and this program is BPF_PROG_TYPE_RAW_TRACEPOINT: SEC(\"raw_tp\")"), "{error}");
        assert_eq!(error.hint_text(), Some("attach it with attach_raw_tracepoint"));
    }
    let skel = load(|open| only(open, &["on_tp_btf"])).unwrap();
    let error = skel.progs.on_tp_btf.attach_raw_tracepoint("sys_enter").unwrap_err();
    assert!(error.reason().unwrap().starts_with("attach_raw_tracepoint takes raw_tp programs"), "{error}");
}

#[test]
fn what_was_attached_before_a_failure_is_detached() {
    if !may_load() {
        return;
    }
    if Path::new("/sys/module/nbd").exists() {
        return not_on_this_kernel("the tracepoint that is to be missing is there: nbd_send_request");
    }
    in_own_process(|| {
        let mut open = SecForms::open().unwrap();
        open.progs.raw_tp_sys_enter.set_autoload(true);
        open.progs.raw_tp_w.set_autoload(true);
        let skel = open.load().unwrap();
        let before = open_fds();
        let error = skel.attach().unwrap_err();
        assert_eq!((error.subject_name(), error.errno()), (Some("raw_tp_w"), Some(Errno::ENOENT)));
        assert_eq!(open_fds(), before);
        assert!(skel.progs.raw_tp_sys_enter.attach().is_ok());
    });
}
