//! A program as `BPF_PROG_LOAD` takes it: one run of instructions and what BTF says of them.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::btf::{StrOff, TypeId};
use crate::fds::FdSlot;
use crate::insn::Insn;
use crate::insn::limits::MAX_USED_MAPS;
use crate::object::{FuncIdx, KsymIdx};
use crate::{Error, Result};

/// An entry program and, behind it, the functions it reaches.
///
/// Every index and offset here counts instruction slots from the start of [`insns`](Program::insns). Calls and
/// function addresses hold the final distance in `imm`; map references are `BPF_PSEUDO_MAP_IDX` and
/// `BPF_PSEUDO_MAP_IDX_VALUE` whose `imm` is the index of the map in the object; jump tables follow the object's maps.
/// What refers to the kernel is `BPF_PSEUDO_KFUNC_CALL` and `BPF_PSEUDO_BTF_ID` with the index of the ksym in `imm`, for
/// the loader to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The entry function's name.
    pub name: String,
    /// The functions, the entry first; together they cover all of `insns`.
    pub functions: Vec<Function>,
    /// All slots.
    pub insns: Vec<Insn>,
    /// `func_info`, one of each function, in order; empty if the object has none.
    pub func_info: Vec<FuncInfo>,
    /// `line_info`, in order.
    pub line_info: Vec<LineInfo>,
    /// `core_relos`, in order.
    pub core_relos: Vec<CoreRelo>,
    /// References to the kernel, in order.
    pub ksym_refs: Vec<KsymRef>,
    /// The tables that it jumps through, each a map that no other program may use.
    pub jump_tables: Vec<JumpTable>,
}

impl Program {
    /// Bytes of its instructions, `func_info`, `line_info` and `core_relos`.
    pub(crate) fn bytes(&self) -> usize {
        8 * self.insns.len() + 8 * self.func_info.len() + 16 * (self.line_info.len() + self.core_relos.len())
    }

    /// Refuses a program that refers to more maps than the kernel takes. Each image is counted by itself: a lowered one
    /// may use maps that stand in for `.percpu` sections.
    pub(crate) fn check_maps(&self) -> Result<()> {
        let slots = self.insns.iter().filter_map(|&insn| FdSlot::referred_to_by(insn));
        let used = slots.collect::<BTreeSet<_>>().len();
        if used > MAX_USED_MAPS {
            let what = format!("the program uses {used} maps; the kernel takes {MAX_USED_MAPS}");
            return Err(Error::too_large(what).in_symbol(self.name.as_str()));
        }
        Ok(())
    }
}

/// One function's place in its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Which of the object's functions it is.
    pub index: FuncIdx,
    /// The symbol's name.
    pub name: String,
    /// The function's slots.
    pub span: Range<usize>,
    /// Whether the verifier checks it by itself, with arguments as its BTF prototype has them (`BTF_FUNC_GLOBAL`).
    pub global: bool,
}

/// A jump table: a map of type `BPF_MAP_TYPE_INSN_ARRAY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JumpTable {
    /// The map's slot.
    pub slot: FdSlot,
    /// The slots that its entries lead to.
    pub targets: Vec<u32>,
}

/// `struct bpf_func_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// The function's first slot.
    pub insn: usize,
    /// Its `BTF_KIND_FUNC`.
    pub type_id: TypeId,
}

/// `struct bpf_line_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// The first slot that the line made.
    pub insn: usize,
    /// The source file's name.
    pub file: StrOff,
    /// The source line's text.
    pub line: StrOff,
    /// Line number << 10 | column.
    pub line_col: u32,
}

/// `struct bpf_core_relo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreRelo {
    /// The slot to patch.
    pub insn: usize,
    /// The root type of the access.
    pub type_id: TypeId,
    /// The access, as in `0:1:2`.
    pub access: StrOff,
    /// `enum bpf_core_relo_kind`.
    pub kind: u32,
}

/// A reference to something in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KsymRef {
    /// The call, or the first slot of the `ld_imm64`.
    pub insn: usize,
    /// What to.
    pub ksym: KsymIdx,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::build::{R1, ld_imm64};
    use crate::uapi::{BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE};

    #[test]
    fn each_map_counts_once_and_the_65th_is_refused() {
        let using = |maps: i32| Program {
            name: "greedy".to_owned(),
            functions: Vec::new(),
            // Every map by itself and by its value.
            insns: (0..maps)
                .flat_map(|map| [BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE].map(|src| ld_imm64(R1, src, map, 0)))
                .flatten()
                .collect(),
            func_info: Vec::new(),
            line_info: Vec::new(),
            core_relos: Vec::new(),
            ksym_refs: Vec::new(),
            jump_tables: Vec::new(),
        };
        assert_eq!(using(64).check_maps(), Ok(()));
        let error = using(65).check_maps().unwrap_err().to_string();
        assert_eq!(error, "greedy: the program uses 65 maps; the kernel takes 64");
    }
}
