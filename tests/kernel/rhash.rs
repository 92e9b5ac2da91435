//! Hashes that the kernel resizes (`BPF_MAP_TYPE_RHASH`, Linux 7.2).

use std::collections::BTreeSet;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use skelgen_runtime::uapi::{BPF_MAP_CREATE, BPF_MAP_TYPE_RHASH};
use skelgen_runtime::{self as rt, Errno, Map, TestRun, TypedMap, Update};
use skelgen_tests::skeletons::rhash::Rhash;
use skelgen_tests::skeletons::rhash::types::{Flow, Totals};
use skelgen_tests::{came_later, is_from, may_load, not_on_this_kernel};

const NO_PREALLOC: u32 = 1;

/// An empty one, if the kernel has them.
fn create(max_entries: u32) -> Option<TypedMap<u32, u64>> {
    // struct { __u32 map_type, key_size, value_size, max_entries, map_flags; }
    let attr = [BPF_MAP_TYPE_RHASH.0, 4, 8, max_entries, NO_PREALLOC];
    // SAFETY: the attr is as long as is said, and holds no addresses.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE.0, attr.as_ptr(), size_of_val(&attr)) };
    if fd < 0 {
        assert!(!is_from("BPF_MAP_TYPE_RHASH"), "{}", std::io::Error::last_os_error());
        not_on_this_kernel(came_later("BPF_MAP_TYPE_RHASH"));
        return None;
    }
    // SAFETY: the kernel just opened it, and nothing else knows it.
    let map = Map::from_fd(unsafe { OwnedFd::from_raw_fd(fd as i32) }, "growing").unwrap();
    Some(TypedMap::new(map).unwrap())
}

fn filled(count: u32) -> Option<TypedMap<u32, u64>> {
    let map = create(count)?;
    (0..count).for_each(|key| map.update(&key, &u64::from(key), Update::New).unwrap());
    Some(map)
}

#[test]
fn elements_are_written_read_and_removed() {
    if !may_load() {
        return;
    }
    let Some(map) = filled(1000) else { return };
    assert_eq!((map.get(&7).unwrap(), map.get(&1000).unwrap()), (Some(7), None));
    map.insert(&7, &70).unwrap();
    assert_eq!(map.update(&7, &0, Update::New).unwrap_err().errno(), Some(Errno::EEXIST));
    assert_eq!(map.update(&1000, &0, Update::Existing).unwrap_err().errno(), Some(Errno::ENOENT));
    assert_eq!(map.insert(&1000, &0).unwrap_err().errno(), Some(Errno::E2BIG));
    assert_eq!((map.take(&7).unwrap(), map.take(&7).unwrap()), (Some(70), None));
    assert_eq!((map.delete(&8).unwrap(), map.delete(&8).unwrap()), (true, false));
    map.insert_batch(&[(7, 7), (8, 8)]).unwrap();
    map.delete_batch(&[9, 10]).unwrap();
    let left: BTreeSet<u32> = (0..1000).filter(|key| ![9, 10].contains(key)).collect();
    assert_eq!(map.iter().map(|element| element.unwrap().0).collect::<BTreeSet<_>>(), left);
    assert_eq!(map.keys().map(Result::unwrap).collect::<BTreeSet<_>>(), left);
}

/// The kernel shrinks the table while elements are deleted, and grows it in the background after they were inserted.
#[test]
fn a_walk_that_deletes_or_inserts_meets_each_element_once() {
    if !may_load() {
        return;
    }
    for batch in [1, 64, 4096] {
        let Some(map) = filled(20_000) else { return };
        let mut met = BTreeSet::new();
        for element in map.iter().batch_size(batch) {
            let (key, value) = element.unwrap();
            assert_eq!(u64::from(key), value);
            assert!(met.insert(key), "{key} twice");
            assert!(map.delete(&key).unwrap());
        }
        assert_eq!(met.len(), 20_000);
        assert_eq!(map.iter().count(), 0);
    }
    let Some(map) = create(100_000) else { return };
    (0..5000).for_each(|key| map.insert(&key, &0).unwrap());
    let met: Vec<u32> = map
        .iter()
        .map(|element| element.unwrap().0)
        .inspect(|key| (1..10).for_each(|more| map.insert(&(key + more * 5000), &0).unwrap()))
        .collect();
    assert_eq!(met.iter().filter(|&&key| key < 5000).collect::<BTreeSet<_>>().len(), 5000);
    assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), met.len());
}

#[test]
fn a_drain_takes_all() {
    if !may_load() {
        return;
    }
    for batch in [1, 64, 4096] {
        let Some(map) = filled(20_000) else { return };
        let mut drained: Vec<u32> = map.drain().unwrap().batch_size(batch).map(|element| element.unwrap().0).collect();
        drained.sort_unstable();
        assert_eq!(drained, (0..20_000).collect::<Vec<_>>());
        assert_eq!(map.iter().count(), 0);
    }
}

/// Another thread grows and shrinks the map for as long as it is walked. A walk then gives no element twice, and may fail with
/// `EAGAIN`; once the map is at rest, a walk meets every element.
#[test]
fn a_walk_gives_nothing_twice_while_others_come_and_go_and_all_afterwards() {
    if !may_load() {
        return;
    }
    const STAY: u32 = 1000;
    const OTHERS: u32 = 9000;
    let Some(map) = create(40_000) else { return };
    (0..STAY).for_each(|key| map.insert(&key, &u64::from(key)).unwrap());
    // How many elements of those that stay.
    let check = |met: &[(u32, u64)]| {
        let set: BTreeSet<u32> = met.iter().map(|&(key, _)| key).collect();
        assert!(met.iter().all(|&(key, value)| u64::from(key) == value), "a value of another key");
        assert_eq!(set.len(), met.len(), "an element twice");
        set.range(..STAY).count()
    };
    let (stop, rounds) = (AtomicBool::new(false), AtomicU32::new(0));
    let walks: Vec<_> = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let begin = STAY + rounds.load(Ordering::Relaxed) * OTHERS;
                let others = begin..begin + OTHERS;
                others.clone().for_each(|key| map.insert(&key, &u64::from(key)).unwrap());
                others.for_each(|key| assert!(map.delete(&key).unwrap()));
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut walks = Vec::new();
        while (walks.len() < 30 || rounds.load(Ordering::Relaxed) < 3) && !writer.is_finished() {
            walks.push(map.iter().batch_size(64).collect::<rt::Result<Vec<_>>>());
        }
        stop.store(true, Ordering::Relaxed);
        walks
    });
    let (mut whole, mut disturbed) = (0, 0);
    for walk in &walks {
        match walk {
            Ok(met) => whole += usize::from(check(met) == STAY as usize),
            Err(error) => {
                assert_eq!(error.errno(), Some(Errno::EAGAIN), "{error}");
                disturbed += 1;
            }
        }
    }
    println!("of {} walks, {whole} met all that stays, and {disturbed} were given up", walks.len());
    // Nothing changes the map any more.
    let met: Vec<_> = map.iter().map(Result::unwrap).collect();
    assert_eq!((check(&met), met.len()), (STAY as usize, STAY as usize));
}

#[test]
fn the_generator_gives_it_a_typed_handle() {
    if !may_load() {
        return;
    }
    let skel = match Rhash::open().unwrap().load() {
        Ok(skel) => skel,
        Err(error) => {
            assert!(!is_from("BPF_MAP_TYPE_RHASH"), "{error}");
            assert!(error.to_string().contains(&came_later("BPF_MAP_TYPE_RHASH")), "{error}");
            return not_on_this_kernel(came_later("BPF_MAP_TYPE_RHASH"));
        }
    };
    let flows: &TypedMap<Flow, Totals> = &skel.maps.flows;
    let flow = Flow { source: 1, destination: 2 };
    for packets in 1..=3 {
        skel.progs.count.test_run(TestRun::default()).unwrap();
        assert_eq!(flows.get(&flow).unwrap(), Some(Totals { packets, bytes: packets * 10 }));
    }
    let all: Vec<_> = flows.drain().unwrap().map(Result::unwrap).collect();
    assert_eq!(all, [(flow, Totals { packets: 3, bytes: 30 })]);
    assert_eq!(flows.iter().count(), 0);
}
