//! The members of `union bpf_attr`: one struct for each bpf(2) command, with the kernel's field names.
//!
//! A pointer is a `u64`, as in the kernel's header. Each struct consists of whole fields without padding, which is asserted at
//! compile time with the struct's size. [`place!`](crate::place) is a field's offset, `encode` writes a struct's bytes in
//! the byte order of any machine, and `decode` reads them. `Default` is all zeroes: the kernel accepts an attr that is
//! shorter or longer than its own if the fields that it does not know are zero.
//!
//! ```
//! use skelgen_abi::attr::MapCreate;
//! use skelgen_abi::uapi::BPF_MAP_TYPE_ARRAY;
//! use skelgen_abi::{Endian, place};
//!
//! let attr = MapCreate { map_type: BPF_MAP_TYPE_ARRAY, max_entries: 7, ..MapCreate::default() };
//! let bytes = attr.encode(Endian::Big);
//! assert_eq!(bytes[place!(MapCreate.max_entries) as usize..][..4], [0, 0, 0, 7]);
//! assert_eq!(MapCreate::decode(&bytes, Endian::Big).max_entries, 7);
//! ```

mod info;
mod layout;
mod link;
mod records;

pub use info::*;
use layout::structs;
pub use link::*;
pub use records::*;

pub use crate::place;
use crate::uapi::{AttachType, BPF_OBJ_NAME_LEN, MapFlags, MapType, ProgFlags, ProgType};

structs! {
    /// `BPF_MAP_CREATE`.
    MapCreate: 96 {
        map_type: MapType,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: MapFlags,
        inner_map_fd: u32,
        numa_node: u32,
        map_name: [u8; BPF_OBJ_NAME_LEN],
        map_ifindex: u32,
        btf_fd: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_value_type_id: u32,
        map_extra: u64,
        value_type_btf_obj_fd: u32,
        map_token_fd: u32,
        excl_prog_hash: u64,
        excl_prog_hash_size: u32,
        pad: u32,
    }

    /// `BPF_MAP_*_ELEM` and `BPF_MAP_GET_NEXT_KEY`, whose `next_key` is `value`.
    MapElem: 32 {
        map_fd: u32,
        pad: u32,
        key: u64,
        value: u64,
        flags: u64,
    }

    /// `BPF_MAP_FREEZE`.
    MapFreeze: 4 {
        map_fd: u32,
    }

    /// `BPF_MAP_*_BATCH`.
    MapBatch: 56 {
        in_batch: u64,
        out_batch: u64,
        keys: u64,
        values: u64,
        count: u32,
        map_fd: u32,
        elem_flags: u64,
        flags: u64,
    }

    /// `BPF_PROG_LOAD`, up to `fd_array_cnt`; `attach_btf_obj_fd` is `attach_prog_fd` too.
    ProgLoad: 152 {
        prog_type: ProgType,
        insn_cnt: u32,
        insns: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log_buf: u64,
        kern_version: u32,
        prog_flags: ProgFlags,
        prog_name: [u8; BPF_OBJ_NAME_LEN],
        prog_ifindex: u32,
        expected_attach_type: AttachType,
        prog_btf_fd: u32,
        func_info_rec_size: u32,
        func_info: u64,
        func_info_cnt: u32,
        line_info_rec_size: u32,
        line_info: u64,
        line_info_cnt: u32,
        attach_btf_id: u32,
        attach_btf_obj_fd: u32,
        core_relo_cnt: u32,
        fd_array: u64,
        core_relos: u64,
        core_relo_rec_size: u32,
        log_true_size: u32,
        prog_token_fd: u32,
        fd_array_cnt: u32,
    }

    /// `BPF_BTF_LOAD`.
    BtfLoad: 40 {
        btf: u64,
        btf_log_buf: u64,
        btf_size: u32,
        btf_log_size: u32,
        btf_log_level: u32,
        btf_log_true_size: u32,
        btf_flags: u32,
        btf_token_fd: u32,
    }

    /// `BPF_OBJ_PIN` and `BPF_OBJ_GET`.
    Obj: 16 {
        pathname: u64,
        bpf_fd: u32,
        file_flags: u32,
    }

    /// `BPF_PROG_TEST_RUN`.
    TestRun: 80 {
        prog_fd: u32,
        retval: u32,
        data_size_in: u32,
        data_size_out: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration: u32,
        ctx_size_in: u32,
        ctx_size_out: u32,
        ctx_in: u64,
        ctx_out: u64,
        flags: u32,
        cpu: u32,
        batch_size: u32,
        pad: u32,
    }

    /// `BPF_OBJ_GET_INFO_BY_FD`.
    Info: 16 {
        bpf_fd: u32,
        info_len: u32,
        info: u64,
    }

    /// `BPF_*_GET_FD_BY_ID`.
    GetFdById: 12 {
        id: u32,
        next_id: u32,
        open_flags: u32,
    }

    /// `BPF_RAW_TRACEPOINT_OPEN`.
    RawTracepoint: 16 {
        name: u64,
        prog_fd: u32,
        pad: u32,
    }

    /// `BPF_ITER_CREATE`.
    IterCreate: 8 {
        link_fd: u32,
        flags: u32,
    }

    /// `BPF_PROG_BIND_MAP`.
    ProgBindMap: 12 {
        prog_fd: u32,
        map_fd: u32,
        flags: u32,
    }

    /// `BPF_TOKEN_CREATE`.
    TokenCreate: 8 {
        flags: u32,
        bpffs_fd: u32,
    }
}

impl MapCreate {
    /// Bytes of this attr in an image. The fields after them are pointers into the process that loads the image.
    pub const AT_REST: usize = place!(MapCreate.excl_prog_hash) as usize;

    /// The same with the types of the BTF that has this file descriptor.
    #[must_use]
    pub fn with_btf(self, btf_fd: u32) -> MapCreate {
        MapCreate { btf_fd, ..self }
    }

    /// The same without types.
    #[must_use]
    pub fn untyped(self) -> MapCreate {
        MapCreate { btf_fd: 0, btf_key_type_id: 0, btf_value_type_id: 0, ..self }
    }

    /// Whether it has a type for the key or the value.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.btf_key_type_id != 0 || self.btf_value_type_id != 0
    }
}

#[cfg(test)]
mod tests;
