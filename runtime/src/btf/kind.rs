//! `BTF_KIND_*`, and the `info` word of a type's record (`include/uapi/linux/btf.h`).

pub(crate) const INT: u32 = 1;
pub(crate) const PTR: u32 = 2;
pub(crate) const ARRAY: u32 = 3;
pub(crate) const STRUCT: u32 = 4;
pub(crate) const UNION: u32 = 5;
pub(crate) const ENUM: u32 = 6;
pub(crate) const FWD: u32 = 7;
pub(crate) const TYPEDEF: u32 = 8;
pub(crate) const VOLATILE: u32 = 9;
pub(crate) const CONST: u32 = 10;
pub(crate) const RESTRICT: u32 = 11;
pub(crate) const FUNC: u32 = 12;
pub(crate) const FUNC_PROTO: u32 = 13;
pub(crate) const VAR: u32 = 14;
pub(crate) const DATASEC: u32 = 15;
pub(crate) const FLOAT: u32 = 16;
pub(crate) const DECL_TAG: u32 = 17;
pub(crate) const TYPE_TAG: u32 = 18;
pub(crate) const ENUM64: u32 = 19;

/// The kind in a record's `info`.
pub(crate) fn of(info: u32) -> u32 {
    info >> 24 & 0x7f
}

/// The kind in words.
pub(crate) fn name(kind: u32) -> &'static str {
    match kind {
        INT => "an integer",
        PTR => "a pointer",
        ARRAY => "an array",
        STRUCT => "a struct",
        UNION => "a union",
        ENUM | ENUM64 => "an enum",
        FLOAT => "a float",
        _ => "of another kind",
    }
}

/// The number of elements in a record's `info`. Before Linux 7.1 it had 16 bits, and the next 8 were 0.
pub(crate) fn elements(info: u32) -> u32 {
    info & 0xff_ffff
}
