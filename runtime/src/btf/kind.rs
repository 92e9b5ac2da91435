//! `BTF_KIND_*`, and the `info` word of a type's record (`include/uapi/linux/btf.h`).

use crate::sys::uapi::*;

pub(crate) const INT: u32 = BTF_KIND_INT.0;
pub(crate) const PTR: u32 = BTF_KIND_PTR.0;
pub(crate) const ARRAY: u32 = BTF_KIND_ARRAY.0;
pub(crate) const STRUCT: u32 = BTF_KIND_STRUCT.0;
pub(crate) const UNION: u32 = BTF_KIND_UNION.0;
pub(crate) const ENUM: u32 = BTF_KIND_ENUM.0;
pub(crate) const FWD: u32 = BTF_KIND_FWD.0;
pub(crate) const TYPEDEF: u32 = BTF_KIND_TYPEDEF.0;
pub(crate) const VOLATILE: u32 = BTF_KIND_VOLATILE.0;
pub(crate) const CONST: u32 = BTF_KIND_CONST.0;
pub(crate) const RESTRICT: u32 = BTF_KIND_RESTRICT.0;
pub(crate) const FUNC: u32 = BTF_KIND_FUNC.0;
pub(crate) const FUNC_PROTO: u32 = BTF_KIND_FUNC_PROTO.0;
pub(crate) const VAR: u32 = BTF_KIND_VAR.0;
pub(crate) const DATASEC: u32 = BTF_KIND_DATASEC.0;
pub(crate) const FLOAT: u32 = BTF_KIND_FLOAT.0;
pub(crate) const DECL_TAG: u32 = BTF_KIND_DECL_TAG.0;
pub(crate) const TYPE_TAG: u32 = BTF_KIND_TYPE_TAG.0;
pub(crate) const ENUM64: u32 = BTF_KIND_ENUM64.0;

/// The kind in a record's `info`.
pub(crate) fn of(info: u32) -> u32 {
    btf_info_kind(info).0
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

/// The number of elements in a record's `info`.
pub(crate) fn elements(info: u32) -> u32 {
    btf_info_vlen(info)
}
