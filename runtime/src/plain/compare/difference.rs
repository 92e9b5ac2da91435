//! Whether a Rust type and a C type are the same.
//!
//! | C | Rust |
//! |---|---|
//! | integer, enum, pointer | an integer of its size and sign |
//! | `char` | `u8`, `i8` |
//! | `bool` | `bool`, `Bool`, `u8` |
//! | `float`, `double` | `f32`, `f64` |
//! | array | an array of its length, the elements the same |
//! | struct | a struct of its size, see `members`; `[u8; SIZE]` |
//! | union, numbers of odd sizes | a struct of its size; `[u8; SIZE]` |

use super::c::CType;
use crate::plain::TypeLayout;

/// What is not the same of two types.
#[derive(Clone, Copy)]
pub(super) enum Difference {
    None,
    Size,
    Sign,
    Length,
    /// They are of different kinds.
    Type,
    Several,
}

/// What is not the same; of two structs only the size is looked at.
pub(super) const fn difference(rust: &TypeLayout, c: &CType) -> Difference {
    match (rust, c) {
        (TypeLayout::Int { bytes, signed }, CType::Int { bytes: c_bytes, signed: c_signed }) => {
            let same_sign = match c_signed {
                Some(c_signed) => *signed == *c_signed,
                None => true,
            };
            match (*bytes == *c_bytes, same_sign) {
                (true, true) => Difference::None,
                (false, true) => Difference::Size,
                (true, false) => Difference::Sign,
                (false, false) => Difference::Several,
            }
        }
        (TypeLayout::Bool | TypeLayout::Int { bytes: 1, signed: false }, CType::Bool) => Difference::None,
        (TypeLayout::Float { bytes }, CType::Float { bytes: c_bytes }) => size(*bytes, *c_bytes),
        (TypeLayout::Array { len, of }, CType::Array { len: c_len, of: c_of }) => {
            match (*len == *c_len, difference(of, c_of)) {
                (true, difference) => difference,
                (false, Difference::None) => Difference::Length,
                (false, _) => Difference::Several,
            }
        }
        (TypeLayout::Struct { bytes, .. }, CType::Struct { bytes: c_bytes, .. } | CType::Opaque { bytes: c_bytes }) => {
            size(*bytes, *c_bytes)
        }
        (TypeLayout::Array { len, of }, CType::Struct { bytes, .. } | CType::Opaque { bytes }) if is_byte(of) => {
            size(*len, *bytes)
        }
        _ => Difference::Type,
    }
}

const fn size(rust: usize, c: usize) -> Difference {
    if rust == c { Difference::None } else { Difference::Size }
}

const fn is_byte(rust: &TypeLayout) -> bool {
    matches!(rust, TypeLayout::Int { bytes: 1, signed: false })
}
