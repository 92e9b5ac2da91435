//! The kinds of types: one small value each.

use super::{StrOff, TypeId};
use crate::uapi::*;

/// `BTF_KIND_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the kernel's")]
pub enum Kind {
    Int = BTF_KIND_INT.0 as u8,
    Ptr = BTF_KIND_PTR.0 as u8,
    Array = BTF_KIND_ARRAY.0 as u8,
    Struct = BTF_KIND_STRUCT.0 as u8,
    Union = BTF_KIND_UNION.0 as u8,
    Enum = BTF_KIND_ENUM.0 as u8,
    Fwd = BTF_KIND_FWD.0 as u8,
    Typedef = BTF_KIND_TYPEDEF.0 as u8,
    Volatile = BTF_KIND_VOLATILE.0 as u8,
    Const = BTF_KIND_CONST.0 as u8,
    Restrict = BTF_KIND_RESTRICT.0 as u8,
    Func = BTF_KIND_FUNC.0 as u8,
    FuncProto = BTF_KIND_FUNC_PROTO.0 as u8,
    Var = BTF_KIND_VAR.0 as u8,
    Datasec = BTF_KIND_DATASEC.0 as u8,
    Float = BTF_KIND_FLOAT.0 as u8,
    DeclTag = BTF_KIND_DECL_TAG.0 as u8,
    TypeTag = BTF_KIND_TYPE_TAG.0 as u8,
    Enum64 = BTF_KIND_ENUM64.0 as u8,
}

impl Kind {
    /// All kinds, by number.
    pub const ALL: [Kind; 19] = {
        use Kind::*;
        [
            Int, Ptr, Array, Struct, Union, Enum, Fwd, Typedef, Volatile, Const, Restrict, Func, FuncProto, Var,
            Datasec, Float, DeclTag, TypeTag, Enum64,
        ]
    };

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get((number as usize).checked_sub(1)?).copied()
    }
}

impl From<Kind> for BtfKind {
    fn from(kind: Kind) -> Self {
        BtfKind(kind as u32)
    }
}

/// An integer, `char` and `_Bool` among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int {
    /// The C name.
    pub name: StrOff,
    /// In bytes.
    pub size: u32,
    /// `BTF_INT_SIGNED`, `BTF_INT_CHAR`, `BTF_INT_BOOL`.
    pub encoding: u8,
    /// Where the value begins, in bits; not 0 only in old-style bit-fields.
    pub offset: u8,
    /// How many bits have meaning; less than the size has only in old-style bit-fields.
    pub bits: u8,
}

impl Int {
    /// `BTF_INT_SIGNED`.
    pub const SIGNED: u8 = BTF_INT_SIGNED;
    /// `BTF_INT_CHAR`.
    pub const CHAR: u8 = BTF_INT_CHAR;
    /// `BTF_INT_BOOL`.
    pub const BOOL: u8 = BTF_INT_BOOL;

    /// Whether it has a sign.
    pub fn is_signed(&self) -> bool {
        self.encoding & Self::SIGNED != 0
    }

    /// Whether it is `_Bool`.
    pub fn is_bool(&self) -> bool {
        self.encoding & Self::BOOL != 0
    }
}

/// An array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// Of what.
    pub elem: TypeId,
    /// The type of an index, which says nothing of the array.
    pub index: TypeId,
    /// How many elements; 0 for flexible arrays.
    pub len: u32,
}

/// A struct or union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite {
    /// The tag; empty if there is none.
    pub name: StrOff,
    /// In bytes.
    pub size: u32,
    /// Whether members carry the size of their bit-field (`kind_flag`).
    pub has_bitfields: bool,
    /// In order of declaration.
    pub members: Vec<Member>,
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Empty for anonymous structs and unions.
    pub name: StrOff,
    /// Of what type.
    pub ty: TypeId,
    /// Where it begins, in bits from the start of the struct.
    pub bit_offset: u32,
    /// How many bits a bit-field has; 0 if it is none.
    pub bitfield_size: u8,
}

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// The tag; empty if there is none.
    pub name: StrOff,
    /// In bytes.
    pub size: u32,
    /// Whether values have a sign.
    pub signed: bool,
    /// The named values, in order of declaration; none for a forward declaration.
    pub values: Vec<Enumerator>,
}

/// A named value of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enumerator {
    /// The C name.
    pub name: StrOff,
    /// The value; the bits of the `u64` if the enum has no sign.
    pub value: i64,
}

/// A struct or union that is declared and not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fwd {
    /// The tag.
    pub name: StrOff,
    /// Whether it is a union.
    pub union: bool,
}

/// Another name of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typedef {
    /// The new name.
    pub name: StrOff,
    /// Of which type.
    pub ty: TypeId,
}

/// Who sees a function or variable (`BTF_FUNC_*`, `BTF_VAR_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Linkage {
    /// Its own file; the verifier checks such a function anew in each caller.
    Static = 0,
    /// All; the verifier checks such a function by itself.
    Global = 1,
    /// Defined elsewhere.
    Extern = 2,
}

impl Linkage {
    /// The linkage with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        [Linkage::Static, Linkage::Global, Linkage::Extern].get(number as usize).copied()
    }
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func {
    /// The symbol's name.
    pub name: StrOff,
    /// Its [`FuncProto`].
    pub proto: TypeId,
    /// Who sees it.
    pub linkage: Linkage,
}

/// What a function takes and returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncProto {
    /// What it returns.
    pub ret: TypeId,
    /// What it takes; a nameless `void` at the end stands for `...`.
    pub params: Vec<Param>,
}

/// A function's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// May be empty.
    pub name: StrOff,
    /// Of what type.
    pub ty: TypeId,
}

/// A global variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var {
    /// The symbol's name.
    pub name: StrOff,
    /// Of what type.
    pub ty: TypeId,
    /// Who sees it.
    pub linkage: Linkage,
}

/// An ELF section of variables, or one of `.ksyms` and `.kconfig`, which ELF does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datasec {
    /// The section's name.
    pub name: StrOff,
    /// In bytes; 0 as compilers leave it.
    pub size: u32,
    /// What lies in it. The kernel wants them by offset.
    pub vars: Vec<DatasecVar>,
}

/// Where a variable lies in its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasecVar {
    /// The [`Var`], or the [`Func`] in `.ksyms`.
    pub ty: TypeId,
    /// In bytes; 0 as compilers leave it.
    pub offset: u32,
    /// In bytes.
    pub size: u32,
}

/// A floating-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Float {
    /// The C name.
    pub name: StrOff,
    /// In bytes.
    pub size: u32,
}

/// `__attribute__((btf_decl_tag(..)))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclTag {
    /// The tag's text.
    pub name: StrOff,
    /// What is tagged.
    pub ty: TypeId,
    /// Which member or parameter of it; -1 for the whole.
    pub component: i32,
    /// Whether the text is an attribute of its own (`kind_flag`, since Linux 6.15).
    pub attribute: bool,
}

/// `__attribute__((btf_type_tag(..)))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeTag {
    /// The tag's text.
    pub name: StrOff,
    /// What is tagged.
    pub ty: TypeId,
    /// Whether the text is an attribute of its own (`kind_flag`, since Linux 6.15).
    pub attribute: bool,
}
