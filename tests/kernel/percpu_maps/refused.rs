//! Errors, and what they name: the operation, the map, the key, the CPU.

use skelgen_runtime::{Errno, PerCpuMap, TypedMap, Update};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::percpu_maps::{LoadedPercpuMaps, PercpuMaps};

use crate::kinds::{Setup, in_kinds};
use crate::maps;

fn load() -> LoadedPercpuMaps {
    PercpuMaps::open().unwrap().load().unwrap()
}

#[test]
fn errors_name_operation_map_key_and_cpu() {
    if !may_load() {
        return;
    }
    let maps = load().maps;
    let (map, cpu) = (&maps.array_word, maps.array_word.cpus().last());
    let too_big = "E2BIG: Argument list too long\n  hint: the array has 16 elements, whose indexes begin with 0";
    let exists = "EEXIST: File exists\n  hint: an array has all its elements from the start";
    for (result, words) in [
        (map.set(&16, cpu, &0), format!("write the value of CPU {cpu} in per-CPU map array_word at key 16: {too_big}")),
        (map.set_all(&16, &0), format!("write to per-CPU map array_word at key 16: {too_big}")),
        (map.set_values_batch(&[]), String::new()),
        (map.set_all_batch(&[(16, 0)]), format!("write to per-CPU map array_word at key 16: {too_big}")),
        (
            map.update(&3, cpu, &0, Update::New),
            format!("write the value of CPU {cpu} in per-CPU map array_word at key 3: {exists}"),
        ),
        (map.update_all(&3, &0, Update::New), format!("write to per-CPU map array_word at key 3: {exists}")),
        (
            map.set(&3, cpu + 1, &0),
            format!(
                "write the value of CPU {} in per-CPU map array_word at key 3: the CPU is not possible; the possible CPUs are {:?}",
                cpu + 1,
                map.cpus()
            ),
        ),
        (
            map.take(&3).map(drop),
            "take an element of per-CPU map array_word: only hash maps support this, not a \
             BPF_MAP_TYPE_PERCPU_ARRAY"
                .into(),
        ),
    ] {
        assert_eq!(result.err().map(|error| error.to_string()).unwrap_or_default(), words);
    }
    // A key of several fields is shown by them.
    let error = maps.cgroup_word.set_all(&Default::default(), &0).unwrap_err();
    assert_eq!((error.key(), error.errno()), (Some("CgroupKey { cgroup: 0, attach_type: 0 }"), Some(Errno::ENOENT)));
}

in_kinds! {
    [array hash lru cgroup] of Setup::of(16);

    fn a_cpu_that_is_not_possible(subject) {
        let (map, key) = (subject.map, subject.keys[0]);
        subject.fill();
        for cpu in [map.cpus().last() + 1, 1 << 16, u32::MAX] {
            let value = V::of(1);
            let hows = [Update::Any, Update::New, Update::Existing].map(|how| map.update(&key, cpu, &value, how));
            let others = [
                map.get(&key, cpu).map(drop),
                map.iter_cpu(cpu).map(drop),
                map.set_batch(cpu, &[(key, value)]),
                map.set_batch(cpu, &[]),
            ];
            for error in hows.into_iter().chain(others).map(Result::unwrap_err) {
                let words = error.to_string();
                let named = format!("the value of CPU {cpu} in per-CPU map {}", map.map().name());
                assert!(words.contains(&named), "{words}");
                assert!(words.contains(&format!("the possible CPUs are {:?}", map.cpus())), "{words}");
            }
        }
        assert_eq!(subject.elements(), subject.filled());
    }

    /// What remains for the kernel to refuse.
    fn a_frozen_map_is_only_read(subject) {
        let (map, key) = (subject.map, subject.keys[0]);
        subject.fill();
        subject.bytes().freeze().unwrap();
        let (cpu, value, values) = (map.cpus().last(), V::of(1), subject.same(V::of(1)));
        let mut refused = vec![
            map.set(&key, cpu, &value),
            map.update(&key, cpu, &value, Update::Existing),
            map.set_all(&key, &value),
            map.update_all(&key, &value, Update::Existing),
            map.set_values(&key, &values),
            map.set_batch(cpu, &[(key, value)]),
            map.set_all_batch(&[(key, value)]),
            map.set_values_batch(&[(key, values)]),
        ];
        if subject.is_hash() {
            refused.extend([map.delete(&key).map(drop), map.take(&key).map(drop), map.delete_batch(&[key])]);
            let error = map.drain().unwrap().next().unwrap().unwrap_err();
            assert_eq!((error.errno(), error.subject_name()), (Some(Errno::EPERM), Some(map.map().name())));
        }
        for error in refused.into_iter().map(Result::unwrap_err) {
            assert_eq!((error.errno(), error.subject_name()), (Some(Errno::EPERM), Some(map.map().name())), "{error}");
            assert_eq!(error.key(), Some(&*format!("{key:?}")), "{error}");
        }
        assert_eq!(subject.elements(), subject.filled());
        assert_eq!(map.get(&key, cpu).unwrap(), Some(subject.value(0, cpu)));
    }

    fn types_of_another_size(subject) {
        let map = || subject.bytes().try_clone().unwrap();
        let (key, value, name) = (size_of::<K>(), size_of::<V>(), subject.bytes().name());
        let error = PerCpuMap::<u16, V>::new(map()).unwrap_err().to_string();
        assert_eq!(error, format!("give types to map {name}: the key's type has 2 bytes, the map's {key}"));
        let error = PerCpuMap::<K, [u8; 17]>::new(map()).unwrap_err().to_string();
        assert_eq!(error, format!("give types to map {name}: the value's type has 17 bytes, the map's {value}"));
        let error = TypedMap::<K, V>::new(map()).unwrap_err().to_string();
        assert_eq!(error, format!("give types to map {name}: each CPU has its own value: use PerCpuMap"));
    }
}

#[test]
fn maps_with_one_value_for_all_cpus() {
    if !may_load() {
        return;
    }
    let maps = maps::load().maps;
    let array = PerCpuMap::<u32, [u8; 16]>::new(maps.array.map().try_clone().unwrap());
    let hash = PerCpuMap::<[u8; 12], [u8; 16]>::new(maps.typed.map().try_clone().unwrap());
    for (error, words) in [
        (array.unwrap_err(), "array: it is a BPF_MAP_TYPE_ARRAY, which has one value for all CPUs"),
        (hash.unwrap_err(), "typed: it is a BPF_MAP_TYPE_HASH, which has one value for all CPUs"),
    ] {
        assert_eq!(error.to_string(), format!("use per-CPU map {words}"));
    }
}
