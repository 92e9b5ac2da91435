//! Maps of any origin, more than one handle on a map, and more than one thread on a handle.

use std::os::fd::AsFd;
use std::thread;

use skelgen_runtime::{PerCpuMap, Result};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::percpu_maps::types::Sample;
use skelgen_tests::skeletons::percpu_maps::{LoadedPercpuMaps, PercpuMaps};

use crate::info::map_info;
use crate::kinds::{Example, Key, Setup, Subject, in_kinds};
use crate::pins::pin_path;

fn load() -> LoadedPercpuMaps {
    PercpuMaps::open().unwrap().load().unwrap()
}

#[test]
fn a_map_by_its_descriptor() {
    if !may_load() {
        return;
    }
    let LoadedPercpuMaps { maps, progs } = load();
    maps.lru_sample.set_all(&4, &Sample::of(1)).unwrap();
    let fd = maps.lru_sample.as_fd().try_clone_to_owned().unwrap();
    let map = PerCpuMap::<u32, Sample>::from_fd(fd, "mine").unwrap();
    assert_eq!((map_info(&map).id, map.map().name()), (map_info(&maps.lru_sample).id, "mine"));
    drop(maps);
    assert_eq!(map.get(&4, map.cpus().last()).unwrap(), Some(Sample::of(1)));

    let program = progs.add_to_lru.fd().unwrap().try_clone_to_owned().unwrap();
    let error = PerCpuMap::<u32, Sample>::from_fd(program, "mine").unwrap_err().to_string();
    assert!(error.contains("mine: the descriptor is not a map's, but of anon_inode:bpf-prog"), "{error}");
}

#[test]
fn a_map_by_its_pin() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("percpu_map") else { return };
    let maps = load().maps;
    maps.hash_sample.map().pin(&pin.0).unwrap();
    maps.hash_sample.set_all(&4, &Sample::of(1)).unwrap();
    drop(maps);
    let map = PerCpuMap::<u32, Sample>::pinned(&pin.0).unwrap();
    map.set(&4, map.cpus().last(), &Sample::of(2)).unwrap();
    let again = PerCpuMap::<u32, Sample>::pinned(&pin.0).unwrap();
    assert_eq!(again.get(&4, map.cpus().last()).unwrap(), Some(Sample::of(2)));
    assert!(PerCpuMap::<u32, u32>::pinned(&pin.0).is_err());
    assert!(PerCpuMap::<u32, Sample>::pinned(pin.0.with_extension("absent")).is_err());
}

/// Writes and reads at `key`, and nowhere else, again and again.
fn use_one<K: Key, V: Example>(map: &PerCpuMap<K, V>, key: &K, start: u32) {
    for number in start..start + 100 {
        map.set_all(key, &V::of(number)).unwrap();
        for cpu in map.cpus().iter() {
            map.set(key, cpu, &V::of(number + cpu)).unwrap();
        }
        for (cpu, value) in map.values(key).unwrap().unwrap() {
            assert_eq!(value, V::of(number + cpu), "CPU {cpu}");
            assert_eq!(map.get(key, cpu).unwrap(), Some(value), "CPU {cpu}");
        }
        let one = map.iter_cpu(map.cpus().last()).unwrap().map(Result::unwrap).find(|(other, _)| other == key);
        assert_eq!(one.unwrap().1, V::of(number + map.cpus().last()));
    }
}

/// Two keys, each used by a thread of its own, by two handles.
fn use_two<K: Key, V: Example>(subject: &Subject<'_, K, V>, one: &PerCpuMap<K, V>, other: &PerCpuMap<K, V>) {
    let [first, second] = [&subject.keys[0], &subject.keys[1]];
    subject.fill();
    thread::scope(|scope| {
        scope.spawn(|| use_one(one, first, 1000));
        scope.spawn(|| use_one(other, second, 2000));
    });
    let mut expected = subject.filled();
    for (key, values) in &mut expected {
        let start = match &*key {
            key if key == first => 1099,
            key if key == second => 2099,
            _ => continue,
        };
        values.iter_mut().for_each(|(cpu, value)| *value = V::of(start + cpu));
    }
    assert_eq!(subject.elements(), expected);
}

in_kinds! {
    [array hash lru] of Setup::of(16);

    fn threads_share_a_handle(subject) {
        use_two(&subject, subject.map, subject.map);
    }

    fn threads_have_handles_of_their_own(subject) {
        let other = PerCpuMap::new(subject.bytes().try_clone().unwrap()).unwrap();
        use_two(&subject, subject.map, &other);
    }
}

in_kinds! {
    [array hash lru cgroup] of Setup::of(16);

    fn two_handles_are_of_one_map(subject) {
        let (map, key) = (subject.map, &subject.keys[0]);
        let other = PerCpuMap::<K, V>::new(subject.bytes().try_clone().unwrap()).unwrap();
        subject.fill();
        for cpu in map.cpus().iter() {
            assert_eq!(other.get(key, cpu).unwrap(), Some(subject.value(0, cpu)));
            other.set(key, cpu, &V::of(5)).unwrap();
            assert_eq!(map.get(key, cpu).unwrap(), Some(V::of(5)));
        }
        map.set_all(key, &V::of(6)).unwrap();
        assert_eq!(other.values(key).unwrap(), Some(subject.same(V::of(6))));
    }
}

fn can_be_sent_and_shared<T: Send + Sync + 'static>() {}

#[test]
fn handles_can_be_sent_and_shared() {
    can_be_sent_and_shared::<PerCpuMap<u32, Sample>>();
    can_be_sent_and_shared::<skelgen_runtime::PerCpuValues<Sample>>();
}
