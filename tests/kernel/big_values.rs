//! Values that are larger than a thread's stack: read and written on the heap.

use std::fmt::Debug;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::thread;

use skelgen_abi::attr::MapCreate;
use skelgen_runtime::uapi::{
    BPF_F_MMAPABLE, BPF_MAP_CREATE, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_BLOOM_FILTER, BPF_MAP_TYPE_HASH,
    BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK, MapFlags, MapType,
};
use skelgen_runtime::{BloomFilter, Map, Mapped, Plain, Queue, TypedMap, Unmapped, Update, Value};
use skelgen_tests::may_load;

skelgen_runtime::plain! {
    /// As in C: a number, and 1 MiB of text.
    struct Big { number: u64, text: [u8; 1 << 20] }

    /// The largest value in a hash: with the kernel's own part, an element has at most 4 MiB.
    struct Largest { number: u64, text: [[u64; 1 << 10]; 511] }
}

/// The stack size of the threads here.
const STACK: usize = 64 << 10;

/// Runs `f` on a thread with a small stack.
fn on_a_small_stack<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, f).unwrap();
        thread.join().unwrap()
    })
}

fn create<V>(map_type: MapType, key_size: u32, map_flags: MapFlags) -> Map {
    let max_entries = if map_type == BPF_MAP_TYPE_LRU_HASH { 8 } else { 2 };
    let value_size = size_of::<V>() as u32;
    let attr = MapCreate { map_type, key_size, value_size, max_entries, map_flags, ..MapCreate::default() };
    // SAFETY: the attr has the given size and no addresses.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE.0, &raw const attr, size_of_val(&attr)) };
    assert!(fd >= 0, "{map_type}: {}", io::Error::last_os_error());
    // SAFETY: the kernel just opened it, and nothing else owns it.
    Map::from_fd(unsafe { OwnedFd::from_raw_fd(fd as i32) }, "big").unwrap()
}

/// A value with these bytes.
fn filled<V: Plain>(byte: u8) -> Box<V> {
    let mut value = V::boxed_zeroed();
    value.as_bytes_mut().fill(byte);
    value
}

fn same<V: Plain>(found: Option<&V>, byte: u8) {
    let found = found.expect("it is there");
    assert!(found.as_bytes().iter().all(|&is| is == byte), "not all bytes are {byte}");
}

fn elements_are_boxed<V: Plain>(map_type: MapType) {
    let map = TypedMap::<u32, V>::new(create::<V>(map_type, 4, MapFlags(0))).unwrap();
    map.insert(&0, &filled::<V>(1)).unwrap();
    map.update(&1, &filled::<V>(2), Update::Any).unwrap();
    same(map.get_boxed(&0).unwrap().as_deref(), 1);
    same(map.get_boxed(&1).unwrap().as_deref(), 2);
    assert!(map.get_boxed(&9).unwrap().is_none());
    let mut found: Vec<_> = map.iter().boxed().map(|element| element.unwrap()).collect();
    found.sort_by_key(|(key, _)| *key);
    assert_eq!(found.len(), 2);
    found.iter().for_each(|(key, value)| same(Some(&**value), *key as u8 + 1));
    if map_type != BPF_MAP_TYPE_ARRAY {
        same(map.take_boxed(&0).unwrap().as_deref(), 1);
        assert!(map.take_boxed(&0).unwrap().is_none());
        assert_eq!(map.drain().unwrap().boxed().map(|element| element.unwrap().0).collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn elements() {
    if !may_load() {
        return;
    }
    on_a_small_stack(|| {
        [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH].into_iter().for_each(elements_are_boxed::<Big>);
        elements_are_boxed::<[u64; 1 << 15]>(BPF_MAP_TYPE_HASH);
        elements_are_boxed::<Largest>(BPF_MAP_TYPE_ARRAY);
        elements_are_boxed::<Largest>(BPF_MAP_TYPE_HASH);
    });
}

#[test]
fn queues_and_filters() {
    if !may_load() {
        return;
    }
    on_a_small_stack(|| {
        for map_type in [BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK] {
            let queue = Queue::<Big>::new(create::<Big>(map_type, 0, MapFlags(0))).unwrap();
            queue.push(&filled(3)).unwrap();
            same(queue.peek_boxed().unwrap().as_deref(), 3);
            same(queue.pop_boxed().unwrap().as_deref(), 3);
            assert!(queue.pop_boxed().unwrap().is_none() && queue.peek_boxed().unwrap().is_none());
        }
        let filter = BloomFilter::<Big>::new(create::<Big>(BPF_MAP_TYPE_BLOOM_FILTER, 0, MapFlags(0))).unwrap();
        filter.insert(&filled(5)).unwrap();
        assert!(filter.may_contain(&filled(5)).unwrap());
    });
}

#[test]
fn sections() {
    if !may_load() {
        return;
    }
    on_a_small_stack(|| {
        let map = create::<Big>(BPF_MAP_TYPE_ARRAY, 4, BPF_F_MMAPABLE);
        let unmapped = Unmapped::<Big>::new(map.try_clone().unwrap()).unwrap();
        let mapped = Mapped::<Big>::new(map).unwrap();
        mapped.set(&filled(6));
        same(Some(&*mapped.get_boxed()), 6);
        mapped.update(|value| value.text.fill(7));
        same(Some(&*mapped.read_boxed::<[u8; 1 << 20]>(8).unwrap()), 7);
        unmapped.set(&filled(8)).unwrap();
        same(Some(&*unmapped.get().unwrap()), 8);
        assert!(mapped.read_boxed::<Big>(8).is_err());
    });
}

#[test]
fn types_read_into_boxes() {
    fn read<V: Value + Debug + PartialEq>(size: usize) -> Box<V> {
        V::read_boxed(&vec![1; size])
    }
    on_a_small_stack(|| {
        same(Some(&*read::<Big>(size_of::<Big>())), 1);
        // No `Plain` type.
        assert!(read::<[[bool; 1 << 10]; 1 << 10]>(1 << 20).iter().flatten().all(|&set| set));
    });
}
