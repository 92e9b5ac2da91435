//! Iterator programs, read through their links.

use std::io::Read;

use skelgen_runtime::Link;
use skelgen_tests::skeletons::attach_all::{AttachAll, LoadedAttachAll};
use skelgen_tests::{matrix, may_load};

use crate::info::map_info;

fn load() -> LoadedAttachAll {
    let mut open = AttachAll::open().unwrap();
    let progs = &mut open.progs;
    for other in [&mut progs.on_fentry, &mut progs.on_fexit, &mut progs.on_fmod_ret, &mut progs.on_lsm] {
        other.set_autoload(false);
    }
    open.load().unwrap()
}

/// One run's output: what these programs write are numbers of 4 bytes.
fn numbers(link: &Link) -> Vec<u32> {
    let mut bytes = Vec::new();
    link.iter().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() % 4, 0);
    bytes.chunks_exact(4).map(|number| u32::from_ne_bytes(number.try_into().unwrap())).collect()
}

#[test]
fn tasks_are_listed() {
    if !may_load() {
        return;
    }
    let skel = load();
    let links = skel.attach().unwrap();
    let tasks = numbers(links.on_iter_task.as_ref().unwrap());
    // Once for each task; where there are more than fit in the kernel's buffer, some twice.
    assert!(skel.bss.get().iter_task_runs >= tasks.len() as u64 && !tasks.is_empty());
    assert!(!tasks.contains(&0));
    // Elsewhere this process may be in a namespace, and has another number there.
    if matrix().is_some() {
        assert!(tasks.contains(&std::process::id()) && tasks.contains(&1), "{tasks:?}");
    }
}

#[test]
fn maps_are_listed_in_each_run() {
    if !may_load() {
        return;
    }
    let skel = load();
    let links = skel.attach().unwrap();
    let link = links.on_iter_map.as_ref().unwrap();
    let own = map_info(skel.bss.map()).id;
    let first = numbers(link);
    assert!(first.contains(&own), "{own} in {first:?}");
    // Once for each map, and once more for one whose words are the first that the kernel's buffer has no room for: a
    // machine may have many maps.
    let runs = skel.bss.get().iter_map_runs;
    assert!(runs >= first.len() as u64, "{runs} runs for {} maps", first.len());

    // A run of its own sees what was made since.
    let other = load();
    let second = numbers(link);
    assert!(second.contains(&own) && second.contains(&map_info(other.bss.map()).id), "{second:?}");
    let more = skel.bss.get().iter_map_runs - runs;
    assert!(more >= second.len() as u64, "{more} runs for {} maps", second.len());
    assert_eq!(other.bss.get().iter_map_runs, 0);
}

#[test]
fn a_run_goes_on_without_its_link() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut links = skel.attach().unwrap();
    let mut run = links.on_iter_map.as_ref().unwrap().iter().unwrap();
    links.on_iter_map = None;
    let mut bytes = Vec::new();
    run.read_to_end(&mut bytes).unwrap();
    assert!(!bytes.is_empty());
}

#[test]
fn other_links_have_nothing_to_read() {
    if !may_load() {
        return;
    }
    let skel = load();
    let links = skel.attach().unwrap();
    let error = links.on_raw_tp.as_ref().unwrap().iter().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("run iterator", Some("on_raw_tp")), "{error}");
}
