//! BTF: the kinds of types, and the layout of their records (`include/uapi/linux/btf.h`).

use super::number::numbers;

numbers! {
    /// The kind of a BTF type.
    BtfKind, "BTF kind", "BTF_KIND_" {
        BTF_KIND_UNKN = 0,
        BTF_KIND_INT = 1,
        BTF_KIND_PTR = 2,
        BTF_KIND_ARRAY = 3,
        BTF_KIND_STRUCT = 4,
        BTF_KIND_UNION = 5,
        BTF_KIND_ENUM = 6,
        BTF_KIND_FWD = 7,
        BTF_KIND_TYPEDEF = 8,
        BTF_KIND_VOLATILE = 9,
        BTF_KIND_CONST = 10,
        BTF_KIND_RESTRICT = 11,
        BTF_KIND_FUNC = 12,
        BTF_KIND_FUNC_PROTO = 13,
        BTF_KIND_VAR = 14,
        BTF_KIND_DATASEC = 15,
        BTF_KIND_FLOAT = 16,
        BTF_KIND_DECL_TAG = 17,
        BTF_KIND_TYPE_TAG = 18,
        BTF_KIND_ENUM64 = 19,
    }
}

/// `magic` of a BTF header.
pub const BTF_MAGIC: u16 = 0xeb9f;
/// `version` of a BTF header.
pub const BTF_VERSION: u8 = 1;

/// `encoding` of an integer: it has a sign.
pub const BTF_INT_SIGNED: u8 = 1;
/// `encoding` of an integer: it is a `char`.
pub const BTF_INT_CHAR: u8 = 2;
/// `encoding` of an integer: it is a `_Bool`.
pub const BTF_INT_BOOL: u8 = 4;

/// `BTF_INFO_KIND`: the kind in the `info` of a `struct btf_type`.
#[must_use]
pub const fn btf_info_kind(info: u32) -> BtfKind {
    BtfKind(info >> 24 & 0x7f)
}

/// `BTF_INFO_VLEN`: the number of members, values, parameters or variables in the `info` of a `struct btf_type`. Before Linux
/// 7.1 it had 16 bits, and the next 8 were zero.
#[must_use]
pub const fn btf_info_vlen(info: u32) -> u32 {
    info & 0xff_ffff
}

/// `BTF_INFO_KFLAG`: the `kind_flag` in the `info` of a `struct btf_type`.
#[must_use]
pub const fn btf_info_kflag(info: u32) -> bool {
    info >> 31 != 0
}

/// The `info` of a `struct btf_type`.
#[must_use]
pub const fn btf_info(kind: BtfKind, kflag: bool, vlen: u32) -> u32 {
    (kflag as u32) << 31 | kind.0 << 24 | vlen
}

/// `BTF_MEMBER_BIT_OFFSET`: the first bit of a member of a struct with `kind_flag`.
#[must_use]
pub const fn btf_member_bit_offset(offset: u32) -> u32 {
    offset & 0xff_ffff
}

/// `BTF_MEMBER_BITFIELD_SIZE`: the bits of a member of a struct with `kind_flag`; 0 for a member that is not a bit-field.
#[must_use]
pub const fn btf_member_bitfield_size(offset: u32) -> u32 {
    offset >> 24
}

/// `BTF_INT_ENCODING`: the encoding in the data of an integer.
#[must_use]
pub const fn btf_int_encoding(data: u32) -> u8 {
    (data >> 24) as u8 & 0xf
}

/// `BTF_INT_OFFSET`: the first bit of an integer that is a bit-field of the old style.
#[must_use]
pub const fn btf_int_offset(data: u32) -> u8 {
    (data >> 16) as u8
}

/// `BTF_INT_BITS`: the bits of an integer.
#[must_use]
pub const fn btf_int_bits(data: u32) -> u8 {
    data as u8
}
