//! The attrs that the loader's records refer to, one function for each command.
//!
//! Each attr has everything that is known when the skeleton is generated. Pointers and file descriptors are zero until the
//! loader fills them in, at the [`place!`](skelgen_abi::place) of their field. Fields that Linux 6.1 does not know are zero
//! too, which it accepts: the runtime fills in the file descriptors of tokens (Linux 6.9).

use skelgen_abi::attr::{BtfLoad, CoreRelo, FuncInfo, LineInfo, MapCreate, MapElem, MapFreeze, ProgLoad};

use crate::btf::TypeId;
use crate::object::{MapDef, SecDef};
use crate::uapi::object_name;

/// `map_fd` of an attr until the loader has copied the map's file descriptor there: 0 is a file descriptor.
const NO_MAP: u32 = u32::MAX;

/// `BPF_MAP_CREATE`. `typed`: with the BTF IDs of the key's and the value's type.
pub(crate) fn map_create(name: &str, def: &MapDef, typed: bool) -> MapCreate {
    let id = |id: Option<TypeId>| if typed { id.map_or(0, |id| id.0) } else { 0 };
    MapCreate {
        map_type: def.map_type,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        map_flags: def.map_flags,
        numa_node: def.numa_node,
        map_name: object_name(name),
        btf_key_type_id: id(def.key_type),
        btf_value_type_id: id(def.value_type),
        map_extra: def.map_extra,
        ..MapCreate::default()
    }
}

/// `BPF_MAP_UPDATE_ELEM`.
pub(crate) fn map_update_elem(flags: u64) -> MapElem {
    MapElem { map_fd: NO_MAP, flags, ..MapElem::default() }
}

/// `BPF_MAP_FREEZE`.
pub(crate) fn map_freeze() -> MapFreeze {
    MapFreeze { map_fd: NO_MAP }
}

/// `BPF_BTF_LOAD`. The fields of the log are for the runtime to fill in.
pub(crate) fn btf_load(size: usize) -> BtfLoad {
    BtfLoad { btf_size: size as u32, ..BtfLoad::default() }
}

/// The lengths of what a `BPF_PROG_LOAD` points to.
pub(crate) struct ProgLens {
    /// Instruction slots.
    pub(crate) insns: usize,
    /// [`FuncInfo`] records.
    pub(crate) func_info: usize,
    /// [`LineInfo`] records.
    pub(crate) line_info: usize,
    /// [`CoreRelo`] records.
    pub(crate) core_relos: usize,
}

/// `BPF_PROG_LOAD`. The kernel takes no record size where there are no records.
pub(crate) fn prog_load(name: &str, sec: &SecDef, lens: &ProgLens) -> ProgLoad {
    let rec = |size: usize, count: usize| if count == 0 { 0 } else { size as u32 };
    ProgLoad {
        prog_type: sec.prog_type,
        insn_cnt: lens.insns as u32,
        prog_flags: sec.prog_flags(),
        prog_name: object_name(name),
        expected_attach_type: sec.expected_attach_type,
        func_info_rec_size: rec(size_of::<FuncInfo>(), lens.func_info),
        func_info_cnt: lens.func_info as u32,
        line_info_rec_size: rec(size_of::<LineInfo>(), lens.line_info),
        line_info_cnt: lens.line_info as u32,
        core_relo_cnt: lens.core_relos as u32,
        core_relo_rec_size: rec(size_of::<CoreRelo>(), lens.core_relos),
        ..ProgLoad::default()
    }
}
