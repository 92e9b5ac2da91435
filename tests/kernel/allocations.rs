//! Calls that are made again and again allocate nothing, once the first one has made room: on kernels that have
//! `BPF_F_CPU`, and on those where all CPUs' values go through a buffer.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use skelgen_runtime::{PerCpu, Update};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::counters::Counters;

use crate::kinds::{Setup, in_kinds};

thread_local! {
    /// What this thread asked for, of all that run tests here.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    // A thread that ends may have none any more.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: all is left to the system's allocator, and counting allocates nothing and does not unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

/// How often `f` allocates.
fn allocations(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

/// Checks that `call` allocates nothing from the second time on.
fn none(what: &str, mut call: impl FnMut()) {
    call();
    assert_eq!(allocations(|| (0..10).for_each(|_| call())), 0, "{what}");
}

#[test]
fn allocations_are_counted() {
    let mut vec = Vec::with_capacity(1);
    assert_eq!(allocations(|| vec.extend(black_box([1, 2]))), 1);
    assert_eq!(allocations(|| drop(black_box((Box::new(1), vec![0; 9])))), 2);
    assert_eq!(allocations(|| drop(black_box(vec))), 0);
}

in_kinds! {
    [array hash lru cgroup] of Setup::of(16);

    fn of_a_map(subject) {
        let (map, key, value) = (subject.map, &subject.keys[0], V::of(1));
        let (last, mut values) = (map.cpus().last(), subject.values(0));
        map.set_values(key, &values).unwrap();
        none("set", || map.set(key, last, &value).unwrap());
        none("update", || map.update(key, last, &value, Update::Existing).unwrap());
        none("get", || assert_eq!(map.get(key, last).unwrap(), Some(value)));
        none("get of what is not there", || assert_eq!(map.get(&subject.absent, last).unwrap(), None));
        none("set_values", || map.set_values(key, &values).unwrap());
        none("values_into", || assert!(map.values_into(key, &mut values).unwrap()));
        none("set_all", || map.set_all(key, &value).unwrap());
        none("update_all", || map.update_all(key, &value, Update::Existing).unwrap());
    }
}

in_kinds! {
    [hash lru] of Setup::of(16);

    fn of_a_map_whose_elements_come_and_go(subject) {
        let (map, key, value) = (subject.map, &subject.keys[0], V::of(1));
        none("set", || {
            map.set(key, map.cpus().last(), &value).unwrap();
            assert!(map.delete(key).unwrap() && !map.delete(key).unwrap());
        });
        none("update", || {
            map.update(key, map.cpus().last(), &value, Update::New).unwrap();
            assert!(map.delete(key).unwrap());
            map.update_all(key, &value, Update::New).unwrap();
            assert!(map.delete(key).unwrap());
        });
    }
}

#[test]
fn of_a_section() {
    if !may_load() {
        return;
    }
    let skel = Counters::open().unwrap().load().unwrap();
    let percpu = &skel.percpu;
    let (last, value) = (percpu.cpus().last(), percpu.get(0).unwrap());
    let mut values = percpu.values().unwrap();
    none("set", || percpu.set(last, &value).unwrap());
    none("get", || assert_eq!(percpu.get(last).unwrap(), value));
    none("set_all", || percpu.set_all(&value).unwrap());
    none("values_into", || percpu.values_into(&mut values).unwrap());

    // A type that is shorter than the section.
    let first: PerCpu<u64> = percpu.as_type().unwrap();
    none("set", || first.set(last, &7).unwrap());
    none("get", || assert_eq!(first.get(last).unwrap(), 7));
    none("read_at and write_at", || first.write_at(last, 8, &first.read_at::<u32>(last, 0).unwrap()).unwrap());
}
