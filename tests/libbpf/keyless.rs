//! Maps without keys: queues, stacks, bloom filters.

use libbpf_rs::{MapCore, MapFlags, MapType};
use skelgen_runtime::{BloomFilter, Queue};
use skelgen_tests::may_load;
use skelgen_tests::random::Random;

use crate::both::{Both, array};

#[test]
fn queues_and_stacks() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    for map_type in [MapType::Queue, MapType::Stack] {
        pushed_and_popped::<1>(map_type, &mut random);
        pushed_and_popped::<4>(map_type, &mut random);
        pushed_and_popped::<13>(map_type, &mut random);
        pushed_and_popped::<16>(map_type, &mut random);
        pushed_and_popped::<72>(map_type, &mut random);
    }
}

/// Each pushes half of the values, and pops half of them.
fn pushed_and_popped<const N: usize>(map_type: MapType, random: &mut Random) {
    let Both { ours, libbpf, .. } = Both::new(map_type, [0, N as u32, 32], Vec::new());
    let queue: Queue<[u8; N]> = Queue::new(ours).unwrap();
    let mut pushed = Vec::new();
    for nth in 0..32 {
        let value = array(&random.bytes(N));
        if nth % 2 == 0 {
            queue.push(&value).unwrap();
        } else {
            libbpf.update(&[], &value, MapFlags::ANY).unwrap();
        }
        pushed.push(value);
    }
    if map_type == MapType::Stack {
        pushed.reverse();
    }
    for (nth, value) in pushed.into_iter().enumerate() {
        assert_eq!(queue.peek().unwrap(), Some(value));
        assert_eq!(libbpf.lookup(&[], MapFlags::ANY).unwrap(), Some(value.to_vec()));
        if nth % 3 == 0 {
            assert_eq!(queue.pop().unwrap(), Some(value));
        } else {
            assert_eq!(libbpf.lookup_and_delete(&[]).unwrap(), Some(value.to_vec()));
        }
    }
    assert_eq!((queue.peek().unwrap(), libbpf.lookup(&[], MapFlags::ANY).unwrap()), (None, None));
}

#[test]
fn bloom_filters() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    let Both { ours, libbpf, .. } = Both::new(MapType::BloomFilter, [0, 13, 128], Vec::new());
    let filter: BloomFilter<[u8; 13]> = BloomFilter::new(ours).unwrap();
    let values = random.keys(128, 13);
    let (inserted, others) = values.split_at(64);
    for (nth, value) in inserted.iter().enumerate() {
        if nth % 2 == 0 {
            filter.insert(&array(value)).unwrap();
        } else {
            libbpf.update(&[], value, MapFlags::ANY).unwrap();
        }
    }
    let answers = |values: &[Vec<u8>]| -> Vec<bool> {
        let ours: Vec<_> = values.iter().map(|value| filter.may_contain(&array(value)).unwrap()).collect();
        let libbpfs: Vec<_> = values.iter().map(|value| libbpf.lookup_bloom_filter(value).unwrap()).collect();
        assert_eq!(ours, libbpfs);
        ours
    };
    assert!(answers(inserted).iter().all(|&is_there| is_there));
    // It may say yes where it should not, but not always.
    assert!(answers(others).iter().any(|&is_there| !is_there));
}
