//! What the flags do, by `PerCpuMap`: the same on every kernel.

use super::{VALUE, impossible};
use crate::kinds::{Setup, by_key, in_kinds, sorted};

in_kinds! {
    [array hash lru cgroup] of Setup::by_cpus();

    fn one_cpu_among_all(subject) {
        let map = subject.map;
        for cpu in map.cpus().iter() {
            for key in &subject.keys {
                map.set_all(key, &V::zeroed()).unwrap();
            }
            for key in &subject.keys {
                map.set(key, cpu, &V::of(VALUE)).unwrap();
                for other in map.cpus().iter() {
                    let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                    assert_eq!(map.get(key, other).unwrap(), Some(expected), "CPU {other}, set for CPU {cpu}");
                }
            }
        }
    }

    fn an_impossible_cpu_is_refused(subject) {
        let (map, key, cpu) = (subject.map, subject.keys[0], impossible());
        map.set_all(&key, &V::of(VALUE)).unwrap();
        for error in [
            map.set(&key, cpu, &V::zeroed()).unwrap_err(),
            map.get(&key, cpu).unwrap_err(),
            map.set_batch(cpu, &[(key, V::zeroed())]).unwrap_err(),
            map.iter_cpu(cpu).unwrap_err(),
        ] {
            let words = format!("the CPU is not possible; the possible CPUs are {:?}", map.cpus());
            assert_eq!((error.reason(), error.subject_name()), (Some(&*words), Some(map.map().name())));
            assert!(error.operation().contains(&format!("the value of CPU {cpu} ")), "{error}");
        }
        assert_eq!(map.values(&key).unwrap(), Some(subject.same(V::of(VALUE))));
    }

    /// In upstream's test all maps but the cgroup's storage; here that as well, element by element.
    fn batches_of_one_cpu_and_of_all(subject) {
        let map = subject.map;
        let elements = |value| sorted(subject.keys.iter().map(|key| (*key, value)).collect::<Vec<(K, V)>>());
        // An array has twice as many, the others none but these.
        let used = |(key, _): &(K, _)| subject.keys.contains(key);
        for cpu in map.cpus().iter() {
            map.set_all_batch(&elements(V::zeroed())).unwrap();
            map.set_batch(cpu, &elements(V::of(VALUE))).unwrap();
            for other in map.cpus().iter() {
                let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                let mut found = by_key(map.iter_cpu(other).unwrap());
                found.retain(|(key, _)| subject.keys.contains(key));
                assert_eq!(found, elements(expected), "CPU {other}, set for CPU {cpu}");
            }
            let mut all = subject.elements();
            all.retain(used);
            assert_eq!(all.len(), subject.keys.len());
            for (key, values) in all {
                for (other, value) in values {
                    let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                    assert_eq!(value, expected, "key {key:?}, CPU {other}, set for CPU {cpu}");
                }
            }
        }
    }
}
