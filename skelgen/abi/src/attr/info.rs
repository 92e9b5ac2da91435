//! What `BPF_OBJ_GET_INFO_BY_FD` tells of maps, programs and BTF.

use super::layout::structs;
use crate::uapi::{BPF_OBJ_NAME_LEN, MapFlags, MapType, ProgType};

structs! {
    /// `struct bpf_map_info`, up to `map_extra`.
    MapInfo: 88 {
        r#type: MapType,
        id: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: MapFlags,
        name: [u8; BPF_OBJ_NAME_LEN],
        ifindex: u32,
        btf_vmlinux_value_type_id: u32,
        netns_dev: u64,
        netns_ino: u64,
        btf_id: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_id: u32,
        map_extra: u64,
    }

    /// `struct bpf_prog_info`, up to `func_info_rec_size`.
    ProgInfo: 136 {
        r#type: ProgType,
        id: u32,
        tag: u64,
        jited_prog_len: u32,
        xlated_prog_len: u32,
        jited_prog_insns: u64,
        xlated_prog_insns: u64,
        load_time: u64,
        created_by_uid: u32,
        nr_map_ids: u32,
        map_ids: u64,
        name: [u8; BPF_OBJ_NAME_LEN],
        ifindex: u32,
        gpl_compatible: u32,
        netns_dev: u64,
        netns_ino: u64,
        nr_jited_ksyms: u32,
        nr_jited_func_lens: u32,
        jited_ksyms: u64,
        jited_func_lens: u64,
        btf_id: u32,
        func_info_rec_size: u32,
    }

    /// `struct bpf_btf_info`.
    BtfInfo: 32 {
        btf: u64,
        btf_size: u32,
        id: u32,
        name: u64,
        name_len: u32,
        kernel_btf: u32,
    }
}
