//! Skeletons are values: kept in structs, sent to threads, loaded by many at once.

use std::thread;

use skelgen_runtime::Result;
use skelgen_tests::may_load;
use skelgen_tests::skeletons::agent::LoadedAgent;
use skelgen_tests::skeletons::attach_all::{AttachAllLinks, LoadedAttachAll};
use skelgen_tests::skeletons::counters::{Counters, CountersLinks, LoadedCounters, OpenCounters};
use skelgen_tests::skeletons::many::{LoadedMany, OpenMany};

use crate::cpus::{online, run_on};

fn can_be_sent_and_kept<T: Send + Sync + 'static>() {}

#[test]
fn skeletons_can_be_sent_and_kept() {
    can_be_sent_and_kept::<OpenCounters>();
    can_be_sent_and_kept::<LoadedCounters>();
    can_be_sent_and_kept::<OpenMany>();
    can_be_sent_and_kept::<LoadedMany>();
    can_be_sent_and_kept::<LoadedAgent>();
    can_be_sent_and_kept::<LoadedAttachAll>();
    can_be_sent_and_kept::<AttachAllLinks>();
}

/// A user's own, with the skeleton and its links beside each other.
struct Monitor {
    skel: LoadedCounters,
    links: CountersLinks,
}

impl Monitor {
    fn start(open: OpenCounters) -> Result<Monitor> {
        let skel = open.load()?;
        let links = skel.attach()?;
        Ok(Monitor { skel, links })
    }
}

#[test]
fn a_skeleton_is_opened_here_loaded_there_and_used_elsewhere() {
    if !may_load() {
        return;
    }
    let mut open = Counters::open().unwrap();
    open.percpu.hits = 5;
    let monitor = thread::spawn(move || Monitor::start(open).unwrap()).join().unwrap();
    let cpu = online().last();
    let used = thread::spawn(move || {
        assert!(run_on(cpu, &monitor.skel.progs.bump, [10, 0]) >= 15);
        monitor
    });
    let monitor = used.join().unwrap();
    drop(monitor.links);
    assert!(monitor.skel.percpu.get(cpu).unwrap().hits >= 15);
}

#[test]
fn threads_load_at_once_and_each_has_its_own() {
    if !may_load() {
        return;
    }
    let cpu = online().last();
    let load = |thread: u64| {
        move || {
            (0..5)
                .map(|round| {
                    let mut open = Counters::open().unwrap();
                    open.percpu.hits = thread * 1000 + round;
                    let skel = open.load().unwrap();
                    assert_eq!(u64::from(run_on(cpu, &skel.progs.bump, [1, 0])), thread * 1000 + round + 1);
                    skel
                })
                .collect::<Vec<_>>()
        }
    };
    let threads: Vec<_> = (1..=4).map(|thread| thread::spawn(load(thread))).collect();
    let skels: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let hits: Vec<_> = skels.iter().map(|skel| skel.percpu.get(cpu).unwrap().hits).collect();
    let expected: Vec<_> = (1..=4).flat_map(|thread| (1..=5).map(move |round| thread * 1000 + round)).collect();
    assert_eq!(hits, expected);
}
