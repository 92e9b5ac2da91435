//! `Update`: the three ways of writing an element, with what there must be before, or must not.

use skelgen_runtime::{Errno, PerCpuMap, PerCpuValues, Result, Update};

use crate::kinds::{Example, Key, Setup, in_kinds};

/// A way of writing.
type Way<K, V> = fn(&PerCpuMap<K, V>, &K, &V, Update) -> Result<()>;

/// By name: for the last CPU, for all, for each its own (the same).
fn ways<K: Key, V: Example>() -> [(&'static str, Way<K, V>); 3] {
    [
        ("update", |map, key, value, how| map.update(key, map.cpus().last(), value, how)),
        ("update_all", |map, key, value, how| map.update_all(key, value, how)),
        ("update_values", |map, key, value, how| {
            map.update_values(key, &PerCpuValues::from_fn(map.cpus(), |_| *value), how)
        }),
    ]
}

/// What an element is after `way` wrote `value` to it.
fn after<K: Key, V: Example>(map: &PerCpuMap<K, V>, way: &str, before: V, value: V) -> PerCpuValues<V> {
    let one = way == "update";
    PerCpuValues::from_fn(map.cpus(), |cpu| if one && cpu != map.cpus().last() { before } else { value })
}

const HOWS: [Update; 3] = [Update::Any, Update::New, Update::Existing];

in_kinds! {
    [hash lru] of Setup::of(16);

    fn new_makes_an_element_once(subject) {
        let (map, key) = (subject.map, &subject.keys[0]);
        for (way, write) in ways() {
            write(map, key, &V::of(1), Update::New).unwrap();
            assert_eq!(map.values(key).unwrap(), Some(after(map, way, V::zeroed(), V::of(1))), "{way}");
            let error = write(map, key, &V::of(2), Update::New).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::EEXIST), "{way}");
            assert_eq!(map.values(key).unwrap(), Some(after(map, way, V::zeroed(), V::of(1))), "{way}");
            assert!(map.delete(key).unwrap());
        }
    }

    fn existing_makes_none(subject) {
        let (map, key) = (subject.map, &subject.keys[0]);
        for (way, write) in ways() {
            let error = write(map, key, &V::of(1), Update::Existing).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::ENOENT), "{way}");
            assert_eq!((map.values(key).unwrap(), subject.elements().len()), (None, 0), "{way}");
            map.set_all(key, &V::of(1)).unwrap();
            write(map, key, &V::of(2), Update::Existing).unwrap();
            assert_eq!(map.values(key).unwrap(), Some(after(map, way, V::of(1), V::of(2))), "{way}");
            assert!(map.delete(key).unwrap());
        }
    }

    fn any_makes_and_changes(subject) {
        let (map, key) = (subject.map, &subject.keys[0]);
        for (way, write) in ways() {
            write(map, key, &V::of(1), Update::Any).unwrap();
            assert_eq!(map.values(key).unwrap(), Some(after(map, way, V::zeroed(), V::of(1))), "{way}");
            write(map, key, &V::of(2), Update::Any).unwrap();
            assert_eq!(map.values(key).unwrap(), Some(after(map, way, V::zeroed(), V::of(2))), "{way}");
            assert!(map.delete(key).unwrap());
        }
    }
}

in_kinds! {
    [hash] of Setup::of(16);

    fn a_full_map_takes_no_more(subject) {
        let (map, absent) = (subject.map, &subject.absent);
        subject.fill();
        for (way, write) in ways() {
            for how in HOWS {
                let errno = if how == Update::Existing { Errno::ENOENT } else { Errno::E2BIG };
                assert_eq!(write(map, absent, &V::of(1), how).unwrap_err().errno(), Some(errno), "{way} {how:?}");
                assert_eq!(map.values(absent).unwrap(), None);
            }
            // What is there can be changed all the same.
            write(map, &subject.keys[15], &V::of(9), Update::Existing).unwrap();
            write(map, &subject.keys[15], &V::of(9), Update::Any).unwrap();
            map.set_values(&subject.keys[15], &subject.values(15)).unwrap();
        }
        assert_eq!(subject.elements(), subject.filled());
    }
}

in_kinds! {
    [array] of Setup::of(16);

    fn an_array_has_all_its_elements(subject) {
        let (map, key) = (subject.map, &subject.keys[15]);
        subject.fill();
        for (way, write) in ways() {
            assert_eq!(write(map, key, &V::of(1), Update::New).unwrap_err().errno(), Some(Errno::EEXIST), "{way}");
            for how in HOWS {
                let error = write(map, &subject.absent, &V::of(1), how).unwrap_err();
                assert_eq!(error.errno(), Some(Errno::E2BIG), "{way} {how:?}");
            }
            assert_eq!(subject.elements(), subject.filled(), "{way}");
            for how in [Update::Any, Update::Existing] {
                map.set_all(key, &V::of(1)).unwrap();
                write(map, key, &V::of(2), how).unwrap();
                assert_eq!(map.values(key).unwrap(), Some(after(map, way, V::of(1), V::of(2))), "{way} {how:?}");
            }
            map.set_values(key, &subject.values(15)).unwrap();
        }
    }
}

in_kinds! {
    [cgroup] of Setup::of(16);

    fn a_cgroup_has_its_element_or_not(subject) {
        let (map, key) = (subject.map, &subject.keys[0]);
        subject.fill();
        for (way, write) in ways() {
            for key in [key, &subject.absent] {
                let error = write(map, key, &V::of(1), Update::New).unwrap_err();
                assert_eq!(error.errno(), None, "{way}");
                assert!(error.reason().is_some_and(|why| why.contains("made by attaching a program")), "{error}");
            }
            for how in [Update::Any, Update::Existing] {
                let error = write(map, &subject.absent, &V::of(1), how).unwrap_err();
                assert_eq!(error.errno(), Some(Errno::ENOENT), "{way} {how:?}");
            }
            assert_eq!(subject.elements(), subject.filled(), "{way}");
            for how in [Update::Any, Update::Existing] {
                map.set_all(key, &V::of(1)).unwrap();
                write(map, key, &V::of(2), how).unwrap();
                assert_eq!(map.values(key).unwrap(), Some(after(map, way, V::of(1), V::of(2))), "{way} {how:?}");
            }
            subject.fill();
        }
    }
}
