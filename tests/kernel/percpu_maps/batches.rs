//! Many elements at a time.

use skelgen_runtime::{Errno, PerCpuValues, PossibleCpus, Result};

use crate::kinds::{Example, Key, Setup, Subject, by_key, in_kinds, sorted};

/// Elements of which 64 KiB, and so one command, cannot have all: if they are samples, not even for one CPU.
const MANY: u32 = 3500;

impl<K: Key, V: Example> Subject<'_, K, V> {
    /// A value for each key, which tells the key and a CPU.
    fn of_cpu(&self, cpu: u32) -> Vec<(K, V)> {
        self.keys.iter().enumerate().map(|(index, key)| (*key, self.value(index, cpu))).collect()
    }

    /// The values of all CPUs at each key.
    fn of_all(&self) -> Vec<(K, PerCpuValues<V>)> {
        self.keys.iter().enumerate().map(|(index, key)| (*key, self.values(index))).collect()
    }

    /// Checks that each CPU's values are as `expected` says, read at once and CPU by CPU.
    fn check(&self, expected: impl Fn(u32) -> Vec<(K, V)>, size: Option<usize>) {
        let all = self.map.iter();
        let all = by_key(if let Some(size) = size { all.batch_size(size) } else { all });
        for cpu in self.map.cpus().iter() {
            let expected = sorted(expected(cpu));
            let one = self.map.iter_cpu(cpu).unwrap();
            let one = by_key(if let Some(size) = size { one.batch_size(size) } else { one });
            assert!(one == expected, "CPU {cpu}, by {size:?}");
            let of_all: Vec<_> = all.iter().map(|(key, values)| (*key, values[cpu])).collect();
            assert!(of_all == expected, "CPU {cpu} of all, by {size:?}");
        }
    }
}

in_kinds! {
    [array hash lru cgroup] of Setup::of(16);

    fn by_any_number_at_a_time(subject) {
        let map = subject.map;
        map.set_values_batch(&subject.of_all()).unwrap();
        // Fewer than one bucket of a hash may have, and more than there are.
        for size in [0, 1, 2, 7, 1000] {
            subject.check(|cpu| subject.of_cpu(cpu), Some(size));
        }
        map.set_all_batch(&subject.of_cpu(7)).unwrap();
        subject.check(|_| subject.of_cpu(7), None);
        for writer in map.cpus().iter() {
            map.set_batch(writer, &subject.of_cpu(9)).unwrap();
            subject.check(|cpu| subject.of_cpu(if cpu <= writer { 9 } else { 7 }), None);
        }
        // None at all.
        map.set_batch(map.cpus().last(), &[]).unwrap();
        map.set_all_batch(&[]).unwrap();
        map.set_values_batch(&[]).unwrap();
        assert_eq!(map.into_iter().count(), subject.keys.len());
    }

    fn values_of_other_cpus_are_refused_before_any_is_written(subject) {
        let other = Box::leak(Box::new(PossibleCpus::parse("1000-1003").unwrap()));
        let foreign = PerCpuValues::from_fn(other, |_| V::of(9));
        subject.fill();
        let elements = [(subject.keys[0], subject.same(V::of(1))), (subject.absent, foreign.clone())];
        let key = subject.keys[0];
        for (key, result) in [
            (subject.absent, subject.map.set_values_batch(&elements)),
            (key, subject.map.set_values(&key, &foreign)),
        ] {
            let error = result.unwrap_err();
            let words = format!("the values are of CPUs 1000-1003; the possible CPUs are {:?}", subject.map.cpus());
            assert_eq!((error.reason(), error.key()), (Some(&*words), Some(&*format!("{key:?}"))));
        }
        assert_eq!(subject.elements(), subject.filled());
    }
}

in_kinds! {
    [array hash cgroup] of Setup::of(16);

    /// The element that cannot be written is named, and those before it are written.
    fn a_batch_stops_at_what_cannot_be_written(subject) {
        let map = subject.map;
        let (key, absent) = (subject.keys[0], subject.absent);
        let errno = if subject.keys.len() == 1 { Errno::ENOENT } else { Errno::E2BIG };
        let values = |number| subject.same(V::of(number));
        type Batch<'a, T> = &'a dyn Fn(&[(T, u32)]) -> Result<()>;
        let writers: [(&str, Batch<'_, K>); 3] = [
            ("set_batch", &|elements| {
                let elements: Vec<_> = elements.iter().map(|(key, number)| (*key, V::of(*number))).collect();
                map.set_batch(map.cpus().last(), &elements)
            }),
            ("set_all_batch", &|elements| {
                let elements: Vec<_> = elements.iter().map(|(key, number)| (*key, V::of(*number))).collect();
                map.set_all_batch(&elements)
            }),
            ("set_values_batch", &|elements| {
                let elements: Vec<_> = elements.iter().map(|(key, number)| (*key, values(*number))).collect();
                map.set_values_batch(&elements)
            }),
        ];
        for (name, write) in writers {
            subject.fill();
            let error = write(&[(key, 1), (absent, 2), (key, 3)]).unwrap_err();
            assert_eq!((error.errno(), error.subject_name()), (Some(errno), Some(map.map().name())), "{name}: {error}");
            assert_eq!(error.key(), Some(&*format!("{absent:?}")), "{name}");
            assert_eq!(error.reason(), Some("after 1 of 3 elements"), "{name}");
            assert_eq!(map.get(&key, map.cpus().last()).unwrap(), Some(V::of(1)), "{name}");
            assert_eq!(map.values(&absent).unwrap(), None);
            // At the first one, there is nothing to tell of others.
            let error = write(&[(absent, 2), (key, 3)]).unwrap_err();
            assert_eq!((error.errno(), error.reason()), (Some(errno), None), "{name}: {error}");
            assert_eq!(error.key(), Some(&*format!("{absent:?}")), "{name}");
            assert_eq!(map.get(&key, map.cpus().last()).unwrap(), Some(V::of(1)), "{name}");
        }
    }
}

in_kinds! {
    [array hash lru] of Setup::of(MANY);

    fn more_than_fit_in_one_command(subject) {
        let (map, last) = (subject.map, subject.map.cpus().last());
        map.set_all_batch(&subject.of_cpu(7)).unwrap();
        subject.check(|_| subject.of_cpu(7), None);
        map.set_batch(last, &subject.of_cpu(9)).unwrap();
        subject.check(|cpu| subject.of_cpu(if cpu == last { 9 } else { 7 }), Some(1000));
        map.set_values_batch(&subject.of_all()).unwrap();
        subject.check(|cpu| subject.of_cpu(cpu), Some(100_000));
    }
}

in_kinds! {
    [hash lru] of Setup::of(MANY);

    fn many_are_made_for_one_cpu_and_taken_out(subject) {
        let (map, last) = (subject.map, subject.map.cpus().last());
        // In memory that held something else.
        map.set_all_batch(&subject.of_cpu(7)).unwrap();
        map.delete_batch(&subject.keys).unwrap();
        assert_eq!(map.keys().count(), 0);
        map.set_batch(last, &subject.of_cpu(9)).unwrap();
        let zeroes = || subject.keys.iter().map(|key| (*key, V::zeroed())).collect();
        subject.check(|cpu| if cpu == last { subject.of_cpu(9) } else { zeroes() }, None);
        map.set_values_batch(&subject.of_all()).unwrap();
        assert!(by_key(map.drain().unwrap()) == subject.filled());
        assert_eq!(map.keys().count(), 0);
    }
}
