//! One map in the kernel, held by both.

use std::iter;

use libbpf_rs::libbpf_sys::{self, bpf_map_create_opts};
use libbpf_rs::{MapCore, MapHandle, MapType, num_possible_cpus};
use skelgen_runtime::Map;
use skelgen_tests::random::Random;

/// Sizes of values, a multiple of 8 bytes and not.
pub(crate) const VALUE_SIZES: [u32; 5] = [1, 4, 13, 16, 72];

/// One map in the kernel, which libbpf made.
pub(crate) struct Both {
    pub(crate) ours: Map,
    pub(crate) libbpf: MapHandle,
    /// Keys that it can have.
    pub(crate) keys: Vec<Vec<u8>>,
}

impl Both {
    pub(crate) fn new(map_type: MapType, [key, value, entries]: [u32; 3], keys: Vec<Vec<u8>>) -> Both {
        let needs_no_prealloc = map_type == MapType::LpmTrie;
        let opts = bpf_map_create_opts {
            sz: size_of::<bpf_map_create_opts>() as libbpf_sys::size_t,
            map_flags: if needs_no_prealloc { libbpf_sys::BPF_F_NO_PREALLOC } else { 0 },
            ..Default::default()
        };
        let libbpf = MapHandle::create(map_type, Some("both"), key, value, entries, &opts).unwrap();
        let ours = Map::try_from(&libbpf).unwrap();
        assert_eq!(ours.name(), "both");
        Both { ours, libbpf, keys }
    }

    /// An array of `entries`.
    pub(crate) fn array(map_type: MapType, value_size: u32, entries: u32) -> Both {
        let keys = (0..entries).map(|key| key.to_ne_bytes().to_vec()).collect();
        Both::new(map_type, [4, value_size, entries], keys)
    }

    /// A hash with room for more than its keys: one that evicts may do so before it is full.
    pub(crate) fn hash(map_type: MapType, [key_size, value_size]: [u32; 2], random: &mut Random) -> Both {
        let keys = random.keys(16, key_size as usize);
        Both::new(map_type, [key_size, value_size, 512], keys)
    }

    /// Random values, one for each possible CPU.
    pub(crate) fn values(&self, random: &mut Random) -> Vec<Vec<u8>> {
        iter::repeat_with(|| random.bytes(self.ours.value_size())).take(num_possible_cpus().unwrap()).collect()
    }

    /// The keys that each finds in the map, sorted, which must be the same.
    pub(crate) fn keys_found(&self) -> Vec<Vec<u8>> {
        let mut ours: Vec<_> = self.ours.keys().map(Result::unwrap).collect();
        let mut libbpfs: Vec<_> = self.libbpf.keys().collect();
        ours.sort();
        libbpfs.sort();
        assert_eq!(ours, libbpfs);
        ours
    }
}

/// The values of all CPUs as the kernel takes them: each in a whole number of 8 bytes.
pub(crate) fn joined(values: &[Vec<u8>]) -> Vec<u8> {
    let slot = |value: &Vec<u8>| {
        let mut slot = value.clone();
        slot.resize(value.len().next_multiple_of(8), 0);
        slot
    };
    values.iter().flat_map(slot).collect()
}

/// As [`joined`], back.
pub(crate) fn split(joined: &[u8], value_size: usize) -> Vec<Vec<u8>> {
    joined.chunks(value_size.next_multiple_of(8)).map(|slot| slot[..value_size].to_vec()).collect()
}

/// The bytes as a type that keys and values can have.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
}
