//! The members of `union bpf_attr` that the loader's records fill in, one function a command.
//!
//! Each returns the attr's bytes with everything that is known when the skeleton is made. Pointers and file
//! descriptors are zero; [`offset`] tells where they belong (`include/uapi/linux/bpf.h`). What a kernel is too old to know
//! is zero too, which it takes: descriptors of tokens (Linux 6.9) are the runtime's to fill in.

use crate::Endian;
use crate::object::{MapDef, SecDef};

/// Where pointers, file descriptors and ids stand in the attrs.
pub(crate) mod offset {
    pub(crate) mod map_create {
        pub(crate) const INNER_MAP_FD: u32 = 20;
        pub(crate) const BTF_FD: u32 = 48;
    }
    pub(crate) mod map_update_elem {
        pub(crate) const MAP_FD: u32 = 0;
        pub(crate) const KEY: u32 = 8;
        pub(crate) const VALUE: u32 = 16;
    }
    pub(crate) mod map_freeze {
        pub(crate) const MAP_FD: u32 = 0;
    }
    pub(crate) mod prog_load {
        pub(crate) const INSNS: u32 = 8;
        pub(crate) const LICENSE: u32 = 16;
        pub(crate) const PROG_BTF_FD: u32 = 72;
        pub(crate) const FUNC_INFO: u32 = 80;
        pub(crate) const LINE_INFO: u32 = 96;
        pub(crate) const ATTACH_BTF_ID: u32 = 108;
        pub(crate) const ATTACH_BTF_OBJ_FD: u32 = 112;
        pub(crate) const FD_ARRAY: u32 = 120;
        pub(crate) const CORE_RELOS: u32 = 128;
    }
    pub(crate) mod btf_load {
        pub(crate) const BTF: u32 = 0;
    }
}

/// Bytes of a name in an attr, the final zero included (`BPF_OBJ_NAME_LEN`).
const OBJ_NAME_LEN: usize = 16;

/// Fields of an attr, in order, with their gaps.
struct Attr {
    endian: Endian,
    bytes: Vec<u8>,
}

impl Attr {
    fn new(endian: Endian) -> Self {
        Attr { endian, bytes: Vec::with_capacity(152) }
    }

    fn u32(mut self, value: u32) -> Self {
        self.endian.put_u32(&mut self.bytes, value);
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.endian.put_u64(&mut self.bytes, value);
        self
    }

    /// A pointer that the loader fills in.
    fn pointer(self) -> Self {
        self.u64(0)
    }

    fn name(mut self, name: &str) -> Self {
        let end = self.bytes.len() + OBJ_NAME_LEN;
        self.bytes.extend(name.bytes().map(kernel_name_byte).take(OBJ_NAME_LEN - 1));
        self.bytes.resize(end, 0);
        self
    }
}

/// The kernel takes letters, digits, `_` and `.` in names.
fn kernel_name_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() || byte == b'.' { byte } else { b'_' }
}

/// `BPF_MAP_CREATE`. `typed`: with the ids of the key's and value's types.
pub(crate) fn map_create(endian: Endian, name: &str, def: &MapDef, typed: bool) -> Vec<u8> {
    let id = |id: Option<crate::btf::TypeId>| if typed { id.map_or(0, |id| id.0) } else { 0 };
    Attr::new(endian)
        .u32(def.map_type.0)
        .u32(def.key_size)
        .u32(def.value_size)
        .u32(def.max_entries)
        .u32(def.map_flags.0)
        .u32(0) // inner_map_fd
        .u32(def.numa_node)
        .name(name)
        .u32(0) // map_ifindex
        .u32(0) // btf_fd
        .u32(id(def.key_type))
        .u32(id(def.value_type))
        .u32(0) // btf_vmlinux_value_type_id
        .u64(def.map_extra)
        .u32(0) // value_type_btf_obj_fd
        .u32(0) // map_token_fd
        .bytes
}

/// `BPF_MAP_UPDATE_ELEM`, of no map until the loader fills that in: 0 is a descriptor.
pub(crate) fn map_update_elem(endian: Endian, flags: u64) -> Vec<u8> {
    Attr::new(endian).u32(u32::MAX).u32(0).pointer().pointer().u64(flags).bytes
}

/// `BPF_MAP_FREEZE`, and the other commands that take a map's fd alone; as for [`map_update_elem`].
pub(crate) fn map_fd(endian: Endian) -> Vec<u8> {
    Attr::new(endian).u32(u32::MAX).bytes
}

/// `BPF_BTF_LOAD`, with room for its log's fields, which the runtime fills in when it asks for one.
pub(crate) fn btf_load(endian: Endian, size: usize) -> Vec<u8> {
    Attr::new(endian)
        .pointer() // btf
        .pointer() // btf_log_buf
        .u32(size as u32)
        .u32(0) // btf_log_size
        .u32(0) // btf_log_level
        .u32(0) // btf_log_true_size
        .u32(0) // btf_flags
        .u32(0) // btf_token_fd
        .bytes
}

/// The lengths of what a `BPF_PROG_LOAD` points to.
pub(crate) struct ProgLens {
    /// Instruction slots.
    pub(crate) insns: usize,
    /// `struct bpf_func_info` records.
    pub(crate) func_info: usize,
    /// `struct bpf_line_info` records.
    pub(crate) line_info: usize,
    /// `struct bpf_core_relo` records.
    pub(crate) core_relos: usize,
}

/// Bytes of a `struct bpf_func_info`.
pub(crate) const FUNC_INFO_LEN: usize = 8;
/// Bytes of a `struct bpf_line_info`.
pub(crate) const LINE_INFO_LEN: usize = 16;
/// Bytes of a `struct bpf_core_relo`.
pub(crate) const CORE_RELO_LEN: usize = 16;

/// `BPF_PROG_LOAD`.
pub(crate) fn prog_load(endian: Endian, name: &str, sec: &SecDef, lens: &ProgLens) -> Vec<u8> {
    let rec = |size: usize, count: usize| if count == 0 { 0 } else { size as u32 };
    Attr::new(endian)
        .u32(sec.prog_type.0)
        .u32(lens.insns as u32)
        .pointer() // insns
        .pointer() // license
        .u32(0) // log_level
        .u32(0) // log_size
        .u64(0) // log_buf
        .u32(0) // kern_version
        .u32(sec.prog_flags().0)
        .name(name)
        .u32(0) // prog_ifindex
        .u32(sec.expected_attach_type.0)
        .u32(0) // prog_btf_fd
        .u32(rec(FUNC_INFO_LEN, lens.func_info))
        .pointer() // func_info
        .u32(lens.func_info as u32)
        .u32(rec(LINE_INFO_LEN, lens.line_info))
        .pointer() // line_info
        .u32(lens.line_info as u32)
        .u32(0) // attach_btf_id
        .u32(0) // attach_btf_obj_fd
        .u32(lens.core_relos as u32)
        .pointer() // fd_array
        .pointer() // core_relos
        .u32(rec(CORE_RELO_LEN, lens.core_relos))
        .u32(0) // log_true_size
        .u32(0) // prog_token_fd
        .u32(0) // fd_array_cnt
        .bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uapi::MapType;

    #[test]
    fn map_create_stands_as_in_the_uapi() {
        let def = MapDef { map_type: MapType(1), key_size: 2, value_size: 3, max_entries: 4, ..MapDef::default() };
        let attr = map_create(Endian::Little, "a-name.that_is_too_long", &def, true);
        assert_eq!(attr.len(), 80);
        assert_eq!(attr[..20], [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(attr[28..44], *b"a_name.that_is_\0");
    }
}
