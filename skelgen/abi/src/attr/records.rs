//! Records that attrs point to, and the values of some map types.

use super::layout::structs;

structs! {
    /// `struct bpf_insn`, one slot of an instruction. `regs` holds `dst_reg` and `src_reg`, 4 bits each; which of them are the
    /// lower bits depends on the byte order.
    Insn: 8 {
        code: u8,
        regs: u8,
        off: u16,
        imm: u32,
    }

    /// `struct bpf_func_info`: where a function of a program begins, and its type.
    FuncInfo: 8 {
        insn_off: u32,
        type_id: u32,
    }

    /// `struct bpf_line_info`: the source line of an instruction.
    LineInfo: 16 {
        insn_off: u32,
        file_name_off: u32,
        line_off: u32,
        line_col: u32,
    }

    /// `struct bpf_core_relo`: a CO-RE relocation.
    CoreRelo: 16 {
        insn_off: u32,
        type_id: u32,
        access_str_off: u32,
        kind: u32,
    }

    /// `struct bpf_insn_array_value`: an entry of a `BPF_MAP_TYPE_INSN_ARRAY`.
    InsnArrayValue: 16 {
        orig_off: u32,
        xlated_off: u32,
        jitted_off: u32,
        pad: u32,
    }
}
