//! Maps whose types the kernel refuses.

use skelgen_runtime::uapi::BPF_MAP_TYPE_LRU_HASH;
use skelgen_tests::skeletons::refused_map_types::RefusedMapTypes;
use skelgen_tests::{in_own_process, may_load, open_fds};

use crate::info::map_info;

#[test]
fn a_map_is_made_without_its_types() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let skel = RefusedMapTypes::open().unwrap().load().unwrap();
        let [lru, percpu, array] =
            [skel.maps.lock_in_lru.map(), skel.maps.lock_in_percpu_hash.map(), skel.maps.lock_in_array.map()]
                .map(map_info);
        assert_eq!((lru.btf_value_type_id, percpu.btf_value_type_id), (0, 0));
        assert_ne!(array.btf_value_type_id, 0, "the others keep theirs");
        assert_eq!((lru.map_type, lru.value_size, lru.max_entries), (BPF_MAP_TYPE_LRU_HASH, 8, 8));
        drop(skel);
        assert_eq!(open_fds(), before, "what the runs before the last one made is closed");
    });
}
