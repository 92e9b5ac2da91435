//! The shape of a type: what it consists of, without names and sizes, as a word.
//!
//! ```text
//! v void    i int    *T pointer    [T array    s struct    u union    e enum    f declared only    (TT)T function
//! ```
//!
//! Two functions or variables are compatible if their shapes are equal: `(i*s)v` is a function of an integer and a pointer to a
//! struct that returns nothing. libbpf compares declarations the same way (`__bpf_core_types_are_compat` in
//! `tools/lib/bpf/relo_core.c`). The generator writes the shapes of the functions and variables that an object declares into
//! the image, and the runtime compares them with the shapes of what it finds in the kernel. Each of them has its own reader of
//! BTF, and gives [`shape`] a closure that says what a type consists of.

use alloc::string::String;
use alloc::vec::Vec;

/// How deep pointers, arrays and functions may nest.
pub const MAX_DEPTH: usize = 32;

/// What a type consists of, behind typedefs and qualifiers; `I` identifies a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<I> {
    /// `void`.
    Void,
    /// An integer that is not a bit-field of the old style.
    Int,
    /// A pointer to a type.
    Ptr(I),
    /// An array of a type.
    Array(I),
    /// A struct.
    Struct,
    /// A union.
    Union,
    /// An enum of any size.
    Enum,
    /// A struct or union that is only declared.
    Fwd,
    /// A function's parameters and result.
    FuncProto(Vec<I>, I),
}

/// The shape of type `id`; `None` if the type nests deeper than [`MAX_DEPTH`], or if `part` returns `None` for a part of it,
/// because that part equals no other.
pub fn shape<I>(id: I, part: &impl Fn(I) -> Option<Part<I>>) -> Option<String> {
    let mut out = String::new();
    write(id, part, &mut out, MAX_DEPTH)?;
    Some(out)
}

fn write<I>(id: I, part: &impl Fn(I) -> Option<Part<I>>, out: &mut String, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match part(id)? {
        Part::Void => out.push('v'),
        Part::Int => out.push('i'),
        Part::Ptr(to) => {
            out.push('*');
            write(to, part, out, depth)?;
        }
        Part::Array(of) => {
            out.push('[');
            write(of, part, out, depth)?;
        }
        Part::Struct => out.push('s'),
        Part::Union => out.push('u'),
        Part::Enum => out.push('e'),
        Part::Fwd => out.push('f'),
        Part::FuncProto(params, ret) => {
            out.push('(');
            for param in params {
                write(param, part, out, depth)?;
            }
            out.push(')');
            write(ret, part, out, depth)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn each_part_has_its_letter() {
        let part = |id: u32| {
            Some(match id {
                0 => Part::Void,
                1 => Part::Int,
                2 => Part::Ptr(3),
                3 => Part::Struct,
                4 => Part::Array(5),
                5 => Part::Union,
                6 => Part::Ptr(7),
                7 => Part::FuncProto(vec![1, 4, 2], 0),
                8 => Part::FuncProto(vec![8], 0),
                9 => Part::Enum,
                10 => Part::FuncProto(vec![9, 11], 12),
                11 => Part::Fwd,
                _ => return None,
            })
        };
        let shape = |id| shape(id, &part);
        assert_eq!(shape(6).unwrap(), "*(i[u*s)v");
        assert_eq!((shape(9).unwrap().as_str(), shape(11).unwrap().as_str()), ("e", "f"));
        // A part that equals no other, and a type that contains itself.
        assert_eq!((shape(10), shape(8)), (None, None));
    }
}
