//! Elements that a write of one CPU's value makes: the other CPUs' values are zeroes, whatever the memory held before.
//!
//! Of one element, so that a second one can only be in the memory of the first; and on one CPU, as memory that was not
//! allocated beforehand is kept by the CPU that freed it.

use skelgen_runtime::uapi::{BPF_F_ALL_CPUS, BPF_F_CPU};
use skelgen_runtime::{PerCpuMap, Update};
use skelgen_tests::{allowed_cpus, kernel_version, matrix, on_cpu};

use crate::kinds::{Setup, in_kinds, list};
use crate::raw_elem::{lookup, update};

const STALE: u32 = 0xdead_c0de;
const FRESH: u32 = 0x00c0_ffee;

/// A place to write: a CPU that is not the one that writes, if there is one.
fn places<K: crate::kinds::Key, V: crate::kinds::Example>(map: &PerCpuMap<K, V>) -> (u32, u32) {
    let here = allowed_cpus().unwrap()[0];
    (here, map.cpus().iter().find(|&cpu| cpu != here).unwrap_or(here))
}

in_kinds! {
    [hash lru] of Setup::one();

    fn set_makes_clean_elements(subject) {
        let map = subject.map;
        let (here, cpu) = places(map);
        let zeroes_but_one = {
            let mut values = subject.same(V::zeroed());
            values[cpu] = V::of(FRESH);
            values
        };
        on_cpu(here, || {
            for (round, how) in [Update::Any, Update::New, Update::Any, Update::New].into_iter().enumerate() {
                let stale = &subject.keys[0];
                map.set_all(stale, &V::of(STALE)).unwrap();
                assert!(map.delete(stale).unwrap());
                map.update(&subject.absent, cpu, &V::of(FRESH), how).unwrap();
                let found = map.values(&subject.absent).unwrap().unwrap();
                assert_eq!(found, zeroes_but_one, "round {round}, {how:?}: {}", list(&found));
                assert!(map.delete(&subject.absent).unwrap());
                // In a batch as well.
                map.set_all(stale, &V::of(STALE)).unwrap();
                assert!(map.delete(stale).unwrap());
                map.set_batch(cpu, &[(subject.absent, V::of(FRESH))]).unwrap();
                assert_eq!(map.values(&subject.absent).unwrap().unwrap(), zeroes_but_one, "round {round}, in a batch");
                assert!(map.delete(&subject.absent).unwrap());
            }
        })
        .unwrap();
    }
}

in_kinds! {
    [hash lru] of Setup::one().with_flags();

    /// Linux 7.0 and 7.1 leave in it what was there.
    fn the_kernel_makes_elements(subject) {
        let map = subject.bytes();
        let (here, cpu) = places(subject.map);
        let one = |cpu: u32| BPF_F_CPU | u64::from(cpu) << 32;
        let read = |cpu| lookup(map, subject.absent.as_bytes(), one(cpu)).unwrap()[..size_of::<V>()].to_vec();
        on_cpu(here, || {
            update(map, subject.keys[0].as_bytes(), V::of(STALE).as_bytes(), BPF_F_ALL_CPUS).unwrap();
            assert!(subject.map.delete(&subject.keys[0]).unwrap());
            update(map, subject.absent.as_bytes(), V::of(FRESH).as_bytes(), one(cpu)).unwrap();
        })
        .unwrap();
        assert_eq!(read(cpu), V::of(FRESH).as_bytes());
        // The mend may have come to kernels that are not in the matrix.
        if matrix().is_none() {
            return;
        }
        let left = if kernel_version() < (7, 2) { V::of(STALE) } else { V::zeroed() };
        for other in subject.map.cpus().iter().filter(|&other| other != cpu) {
            assert_eq!(read(other), left.as_bytes(), "CPU {other}");
        }
    }
}
