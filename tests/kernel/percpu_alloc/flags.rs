//! Keys and values as bytes, with the kernel's own flags: what a kernel that has them does, and what is refused before.

use skelgen_runtime::{ElemFlags, Map, Result, features};
use skelgen_tests::may_load;

use super::{VALUE, impossible};
use crate::kinds::{Setup, in_kinds};
use crate::maps;

const ALL_CPUS: ElemFlags = ElemFlags::ALL_CPUS;

/// What each call with flags says; `None` where it takes them.
fn said(map: &Map, key: &[u8], value: &[u8], flags: ElemFlags) -> [(&'static str, Option<String>); 4] {
    fn words<T>(map: &Map, result: Result<T>) -> Option<String> {
        let error = result.err()?;
        // The kernel was not asked.
        assert_eq!((error.errno(), error.subject_name()), (None, Some(map.name())), "{error}");
        Some(error.reason().unwrap_or_default().to_owned())
    }
    [
        ("lookup", words(map, map.lookup_flags(key, flags))),
        ("update", words(map, map.update_flags(key, value, flags))),
        ("elements", words(map, map.elements(flags).map(drop))),
        ("update_elements", words(map, map.update_elements(&[(key, value)], flags))),
    ]
}

/// What each call says if none takes the flags.
fn all_say(map: &Map, key: &[u8], value: &[u8], flags: ElemFlags, reason: &str) {
    for (call, words) in said(map, key, value, flags) {
        assert!(words.as_ref().is_some_and(|words| words.contains(reason)), "{call} {flags:?}: {words:?}");
    }
}

in_kinds! {
    [array hash lru cgroup] of Setup::by_cpus();

    /// On all kernels: the words do not depend on it.
    fn refusals_are_in_words(subject) {
        let (map, key) = (subject.bytes(), subject.keys[0].as_bytes());
        let before = subject.same(V::of(VALUE));
        subject.map.set_values(&subject.keys[0], &before).unwrap();
        let value = V::zeroed();
        let value = value.as_bytes();
        let one = ElemFlags::cpu(0);
        let both = "BPF_F_CPU is for one CPU and BPF_F_ALL_CPUS for all: not both at once";
        all_say(map, key, value, one | ALL_CPUS, both);
        for locked in [one | ElemFlags::LOCK, ALL_CPUS | ElemFlags::LOCK, ElemFlags::LOCK] {
            all_say(map, key, value, locked, "has no locks");
        }
        let cpu = impossible();
        let words = format!("CPU {cpu} is not possible; the possible CPUs are {:?}", subject.map.cpus());
        all_say(map, key, value, ElemFlags::cpu(cpu), &words);
        all_say(map, key, value, ElemFlags::from_bits(1 << 32), "the upper 32 bits are a CPU's number (1)");
        all_say(map, key, value, ElemFlags::from_bits(32), "0x20 are flags that no operation on an element has");
        for how in [ElemFlags::NOEXIST, ElemFlags::EXIST] {
            for flags in [one | how, ALL_CPUS | how] {
                for (call, words) in said(map, key, value, flags) {
                    assert!(words.is_some(), "{call} {flags:?}");
                }
            }
        }
        for how in [ElemFlags::NOEXIST, ElemFlags::EXIST] {
            let error = map.update_elements(&[(key, &vec![0; map.full_value_size()])], how).unwrap_err();
            assert_eq!(error.errno(), None, "{error}");
        }
        assert_eq!(subject.map.values(&subject.keys[0]).unwrap(), Some(before.clone()));

        let all_cpus = said(map, key, value, ALL_CPUS);
        for (call, words) in all_cpus {
            let expected = match call {
                "lookup" | "elements" => {
                    Some("BPF_F_ALL_CPUS is for updates; without flags, the values of all CPUs are read")
                }
                _ if features::probe().unwrap().all_cpus => None,
                _ => Some("this kernel has no BPF_F_ALL_CPUS, which came with Linux 7.0"),
            };
            assert_eq!(words.as_deref(), expected, "{call}");
        }
        let after = if features::probe().unwrap().all_cpus { subject.same(V::zeroed()) } else { before };
        assert_eq!(subject.map.values(&subject.keys[0]).unwrap(), Some(after));
    }
}

#[test]
fn maps_with_one_value_for_all_cpus() {
    if !may_load() {
        return;
    }
    let maps = maps::load().maps;
    for (map, name) in [(maps.array.map(), "BPF_MAP_TYPE_ARRAY"), (maps.half_typed.map(), "BPF_MAP_TYPE_HASH")] {
        let (key, value) = (vec![0; map.key_size()], vec![7; map.value_size()]);
        for (flags, shown) in [(ALL_CPUS, "BPF_F_ALL_CPUS"), (ElemFlags::cpu(0), "BPF_F_CPU(0)")] {
            all_say(map, &key, &value, flags, &format!("{shown} is for per-CPU maps, and this is a {name}"));
        }
        assert!(map.elements(ElemFlags::ANY).unwrap().all(|element| element.unwrap().1 != value));
    }
}

in_kinds! {
    [array hash lru cgroup] of Setup::by_cpus().with_flags();

    fn one_cpu_among_all(subject) {
        let map = subject.bytes();
        for cpu in subject.map.cpus().iter() {
            for key in &subject.keys {
                map.update_flags(key.as_bytes(), V::zeroed().as_bytes(), ALL_CPUS).unwrap();
            }
            for key in &subject.keys {
                map.update_flags(key.as_bytes(), V::of(VALUE).as_bytes(), ElemFlags::cpu(cpu)).unwrap();
                for other in subject.map.cpus().iter() {
                    let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                    let found = map.lookup_flags(key.as_bytes(), ElemFlags::cpu(other)).unwrap();
                    assert_eq!(found.as_deref(), Some(expected.as_bytes()), "CPU {other}, set for CPU {cpu}");
                }
            }
        }
        // Both flags take one value, whatever the CPUs.
        for flags in [ALL_CPUS, ElemFlags::cpu(0)] {
            let error = map.update_flags(subject.keys[0].as_bytes(), &[1; 99], flags).unwrap_err();
            let words = format!("the value has 99 bytes, the map's have {}", size_of::<V>());
            assert_eq!(error.reason(), Some(&*words));
        }
    }

    /// Here also of the cgroup's storage, for which the kernel has no batches.
    fn batches_of_one_cpu_and_of_all(subject) {
        let map = subject.bytes();
        let keys = subject.keys.iter().map(K::as_bytes);
        let used = |key: &[u8]| subject.keys.iter().any(|used| used.as_bytes() == key);
        let write = |value: V, flags| {
            let elements: Vec<_> = keys.clone().map(|key| (key, value.as_bytes())).collect();
            map.update_elements(&elements, flags).unwrap();
        };
        for cpu in subject.map.cpus().iter() {
            write(V::zeroed(), ALL_CPUS);
            write(V::of(VALUE), ElemFlags::cpu(cpu));
            for other in subject.map.cpus().iter() {
                let elements = map.elements(ElemFlags::cpu(other)).unwrap().map(Result::unwrap);
                let found: Vec<_> = elements.filter(|(key, _)| used(key)).collect();
                assert_eq!(found.len(), subject.keys.len());
                let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                assert!(found.iter().all(|(_, value)| value == expected.as_bytes()), "CPU {other}, set for CPU {cpu}");
            }
            // Without flags: all CPUs' values, in whole words.
            let slot = size_of::<V>().next_multiple_of(8);
            let all = map.elements(ElemFlags::ANY).unwrap().map(Result::unwrap).filter(|(key, _)| used(key));
            for (_, values) in all {
                for (other, slot) in subject.map.cpus().iter().zip(values.chunks(slot)) {
                    let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                    assert_eq!(&slot[..size_of::<V>()], expected.as_bytes(), "CPU {other}, set for CPU {cpu}");
                }
            }
        }
    }
}
