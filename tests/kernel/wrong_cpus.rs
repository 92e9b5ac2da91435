//! A wrong file mounted over `/sys/devices/system/cpu/possible`: every read and write then fails or is right, and the kernel
//! writes no memory outside the buffers.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd};
use std::{env, fs, io, process};

use skelgen_abi::attr::MapElem;
use skelgen_runtime::uapi::{BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_UPDATE_ELEM};
use skelgen_runtime::{self as rt, ElemFlags, Errno, Map, PerCpuMap, PerCpuValues, PossibleCpus, Update, cpus};
use skelgen_tests::namespaces::{away_from_the_machine, mount};
use skelgen_tests::not_on_this_kernel;
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::percpu_maps::{LoadedPercpuMaps, PercpuMaps};

const POSSIBLE: &CStr = c"/sys/devices/system/cpu/possible";

/// One of the fixture's maps, by its values' bytes.
type Triples = PerCpuMap<u32, [u32; 3]>;

/// Runs `f` where a file of sysfs lists `wrong(n)` CPUs on a machine with `n`. `f` gets `n`.
fn where_so_many_are_listed(wrong: fn(usize) -> usize, f: impl FnOnce(&LoadedPercpuMaps, usize)) {
    away_from_the_machine(|| {
        let there = PossibleCpus::parse(&fs::read_to_string(POSSIBLE.to_str().unwrap()).unwrap()).unwrap().count();
        let wrong = wrong(there);
        if wrong == 0 {
            return not_on_this_kernel("fewer CPUs than one cannot be listed");
        }
        // A file of sysfs that holds any text, and that no other network namespace has.
        let text = c"/sys/devices/virtual/net/lo/ifalias";
        fs::write(text.to_str().unwrap(), format!("0-{}", wrong - 1)).unwrap();
        mount(text, POSSIBLE, c"none", libc::MS_BIND).unwrap();
        assert_eq!(cpus::possible().unwrap().count(), wrong);
        f(&PercpuMaps::open().unwrap().load().unwrap(), there);
    });
}

fn triples(map: &Map) -> Triples {
    PerCpuMap::new(map.try_clone().unwrap()).unwrap()
}

/// Each error says that the kernel has another number of CPUs.
fn is_told<T: std::fmt::Debug>(result: rt::Result<T>) {
    let error = result.unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EFAULT), "{error}");
    assert!(error.hint_text().unwrap().contains("the kernel has another number of them"), "{error}");
}

/// Every way to read the values of all CPUs. Key 1 has an element, key 2 has none.
fn reads_are_refused(map: &Triples) {
    let mut values = PerCpuValues::from_fn(map.cpus(), |_| [0; 3]);
    for _ in 0..2 {
        is_told(map.values(&1));
        is_told(map.values_into(&1, &mut values));
        is_told(map.map().lookup(&1u32.to_ne_bytes()));
        is_told(map.iter().collect::<rt::Result<Vec<_>>>());
        is_told(map.map().elements(ElemFlags::ANY).unwrap().collect::<rt::Result<Vec<_>>>());
    }
    if map.map().map_type() != BPF_MAP_TYPE_PERCPU_ARRAY {
        assert!(map.values(&2).unwrap().is_none());
        is_told(map.take(&1));
        is_told(map.drain().unwrap().collect::<rt::Result<Vec<_>>>());
        // Nothing was taken.
        is_told(map.values(&1));
    }
}

#[test]
fn too_few() {
    where_so_many_are_listed(
        |there| there - 1,
        |skel, there| {
            for map in
                [&skel.maps.array_triple, &skel.maps.hash_triple, &skel.maps.malloc_triple, &skel.maps.lru_triple]
            {
                let map = triples(map.map());
                put(map.map(), there);
                reads_are_refused(&map);
                let values = PerCpuValues::from_fn(map.cpus(), |cpu| [cpu; 3]);
                is_told(map.update_values(&1, &values, Update::Any));
                is_told(map.set_values_batch(&[(1, values.clone()), (2, values)]));
                // It can be written only with BPF_F_ALL_CPUS.
                if !rt::features::probe().unwrap().all_cpus {
                    is_told(map.set(&1, 0, &[7; 3]));
                    is_told(map.update_all(&1, &[7; 3], Update::Existing));
                    is_told(map.set_all(&1, &[7; 3]));
                    is_told(map.set_all_batch(&[(1, [7; 3]), (2, [7; 3])]));
                    is_told(map.get(&1, 0));
                    is_told(map.iter_cpu(0).unwrap().collect::<rt::Result<Vec<_>>>());
                }
            }
            let loaded = Counters::open().unwrap().load().and_then(|skel| skel.percpu.values());
            is_told(loaded);
        },
    );
}

#[test]
fn too_many() {
    where_so_many_are_listed(
        |there| there + 3,
        |skel, there| {
            for map in
                [&skel.maps.array_triple, &skel.maps.hash_triple, &skel.maps.malloc_triple, &skel.maps.lru_triple]
            {
                let map = triples(map.map());
                let values = PerCpuValues::from_fn(map.cpus(), |cpu| [cpu; 3]);
                is_told(map.update_values(&1, &values, Update::Any));
                is_told(map.set_values(&1, &values));
                is_told(map.set_values_batch(&[(1, values)]));
                put(map.map(), there);
                reads_are_refused(&map);
            }
            let loaded = Counters::open().unwrap().load().and_then(|skel| skel.percpu.values());
            is_told(loaded);
        },
    );
}

/// Puts an element at key 1, with a bpf(2) command of its own.
fn put(map: &Map, there: usize) {
    let mut value = vec![0u8; 16 * there];
    let key = 1u32;
    let attr = MapElem {
        map_fd: map.as_fd().as_raw_fd().cast_unsigned(),
        key: (&raw const key).expose_provenance() as u64,
        value: value.as_mut_ptr().expose_provenance() as u64,
        ..MapElem::default()
    };
    let (command, size) = (BPF_MAP_UPDATE_ELEM.0, size_of_val(&attr));
    // SAFETY: the attr has the given size, and the value as many bytes as the kernel reads.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw const attr, size) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

#[test]
fn a_file_that_is_not_of_sysfs() {
    away_from_the_machine(|| {
        let list = env::temp_dir().join(format!("skelgen-possible-{}", process::id()));
        fs::write(&list, "0-3\n").unwrap();
        let source = CString::new(list.to_str().unwrap()).unwrap();
        mount(&source, POSSIBLE, c"none", libc::MS_BIND).unwrap();
        fs::remove_file(&list).unwrap();
        let says = |error: rt::Error| {
            assert_eq!((error.operation(), error.subject_name()), ("count the possible CPUs", POSSIBLE.to_str().ok()));
            assert!(error.reason().unwrap().starts_with("the file is not in sysfs, but in a file system"), "{error}");
        };
        says(cpus::possible().unwrap_err());
        says(rt::features::probe().unwrap_err());
        says(Counters::open().unwrap().load().unwrap_err());
    });
}
