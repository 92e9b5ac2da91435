//! Elements that go: from hashes. Arrays and storages keep theirs.

use skelgen_runtime::{Errno, Error};

use crate::kinds::{Setup, by_key, in_kinds};

in_kinds! {
    [hash lru] of Setup::of(16);

    fn an_element_is_deleted_once(subject) {
        let (map, key) = (subject.map, &subject.keys[3]);
        subject.fill();
        assert!(map.delete(key).unwrap() && !map.delete(key).unwrap());
        let mut expected = subject.filled();
        expected.retain(|(other, _)| other != key);
        assert_eq!(subject.elements(), expected);
        // There is room for it again, and what it was is forgotten.
        map.set(key, map.cpus().last(), &V::zeroed()).unwrap();
        assert_eq!(map.values(key).unwrap(), Some(subject.same(V::zeroed())));
    }

    fn an_element_is_taken_with_its_values(subject) {
        let map = subject.map;
        subject.fill();
        for (index, key) in subject.keys.iter().enumerate() {
            assert_eq!(map.take(key).unwrap(), Some(subject.values(index)));
            assert_eq!(map.take(key).unwrap(), None);
            assert_eq!(map.get(key, map.cpus().last()).unwrap(), None);
        }
        assert!(subject.elements().is_empty());
    }

    fn all_elements_are_drained(subject) {
        let map = subject.map;
        for size in [1, 2, 1000] {
            subject.fill();
            assert_eq!(by_key(map.drain().unwrap().batch_size(size)), subject.filled(), "by {size}");
            assert_eq!((map.keys().count(), map.iter().count(), map.drain().unwrap().count()), (0, 0, 0));
        }
        // What was not read stays.
        subject.fill();
        let taken = by_key(map.drain().unwrap().batch_size(1).take(1));
        assert_eq!(taken.len(), 1);
        let left = subject.elements();
        assert!(!left.is_empty() && left.iter().all(|element| *element != taken[0]));
    }

    fn elements_are_deleted_while_they_are_walked(subject) {
        let map = subject.map;
        subject.fill();
        let met = map.keys().filter(|key| map.delete(key.as_ref().unwrap()).unwrap()).count();
        assert_eq!((met, map.keys().count()), (16, 0));
    }

    fn many_are_deleted_up_to_one_that_is_not_there(subject) {
        let map = subject.map;
        subject.fill();
        map.delete_batch(&[]).unwrap();
        map.delete_batch(&subject.keys[..4]).unwrap();
        assert_eq!(map.keys().count(), 12);
        let error = map.delete_batch(&[subject.keys[4], subject.keys[0], subject.keys[5]]).unwrap_err();
        assert_eq!((error.errno(), error.subject_name()), (Some(Errno::ENOENT), Some(map.map().name())));
        assert_eq!(error.key(), Some(&*format!("{:?}", subject.keys[0])));
        assert_eq!(error.reason(), Some("after 1 of 3 elements"));
        assert_eq!(map.keys().count(), 11);
        map.delete_batch(&subject.keys[5..]).unwrap();
        assert_eq!(map.keys().count(), 0);
    }
}

in_kinds! {
    [array cgroup] of Setup::of(16);

    fn elements_that_stay(subject) {
        let (map, key) = (subject.map, subject.keys[0]);
        subject.fill();
        let refused: [Error; 4] = [
            map.delete(&key).unwrap_err(),
            map.take(&key).unwrap_err(),
            map.drain().unwrap_err(),
            map.delete_batch(&[key]).unwrap_err(),
        ];
        for error in refused {
            assert_eq!((error.errno(), error.subject_name()), (None, Some(map.map().name())), "{error}");
            let words = "only hash maps support this, not a BPF_MAP_TYPE_PERCPU_";
            assert!(error.reason().is_some_and(|why| why.starts_with(words)), "{error}");
        }
        assert_eq!(subject.elements(), subject.filled());
    }
}
