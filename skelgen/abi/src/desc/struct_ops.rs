//! Struct_ops maps.

use core::fmt;

use super::Bytes;

/// A struct_ops map's value: a struct of the kernel's, made of values and programs, as the object lays it out.
#[derive(Clone, Copy)]
pub struct StructOpsDesc<'a> {
    /// The struct's name in the kernel.
    pub type_name: &'a str,
    /// Whether the map is created unless told otherwise: not in section `?.struct_ops`.
    pub autocreate: bool,
    /// The first value; 0 where it has programs. As long as [`MapDesc::value_size`](super::MapDesc::value_size).
    pub init: &'a [u8],
    /// The members.
    pub members: &'a [MemberDesc<'a>],
}

/// A member of a struct_ops map's struct.
#[derive(Clone, Copy, Debug)]
pub struct MemberDesc<'a> {
    /// The C name.
    pub name: &'a str,
    /// Bytes from the struct's start.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// `BTF_KIND_*` of its type, behind typedefs and qualifiers.
    pub kind: u32,
    /// Whether it is a bit-field.
    pub bitfield: bool,
    /// Whether it is a pointer to a function, in whose place a program can stand.
    pub function: bool,
    /// The program that the object has there: an index into [`ObjectDesc::progs`](super::ObjectDesc::progs).
    pub program: Option<usize>,
}

impl fmt::Debug for StructOpsDesc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StructOpsDesc { type_name, autocreate, init, members } = self;
        f.debug_struct("StructOpsDesc")
            .field("type_name", type_name)
            .field("autocreate", autocreate)
            .field("init", &Bytes(init))
            .field("members", members)
            .finish()
    }
}
