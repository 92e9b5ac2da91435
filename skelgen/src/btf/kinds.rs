//! The kinds of types: one small value each.

use super::{StrOff, TypeId};

/// `BTF_KIND_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the kernel's")]
pub enum Kind {
    Int = 1,
    Ptr = 2,
    Array = 3,
    Struct = 4,
    Union = 5,
    Enum = 6,
    Fwd = 7,
    Typedef = 8,
    Volatile = 9,
    Const = 10,
    Restrict = 11,
    Func = 12,
    FuncProto = 13,
    Var = 14,
    Datasec = 15,
    Float = 16,
    DeclTag = 17,
    TypeTag = 18,
    Enum64 = 19,
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

/// One type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `void`, which has no record: id 0.
    Void,
    /// `BTF_KIND_INT`.
    Int(Int),
    /// `BTF_KIND_PTR`: a pointer to the type.
    Ptr(TypeId),
    /// `BTF_KIND_ARRAY`.
    Array(Array),
    /// `BTF_KIND_STRUCT`.
    Struct(Composite),
    /// `BTF_KIND_UNION`.
    Union(Composite),
    /// `BTF_KIND_ENUM`: an enum of at most 32 bits.
    Enum(Enum),
    /// `BTF_KIND_ENUM64`.
    Enum64(Enum),
    /// `BTF_KIND_FWD`.
    Fwd(Fwd),
    /// `BTF_KIND_TYPEDEF`.
    Typedef(Typedef),
    /// `BTF_KIND_VOLATILE`: `volatile` and the type.
    Volatile(TypeId),
    /// `BTF_KIND_CONST`: `const` and the type.
    Const(TypeId),
    /// `BTF_KIND_RESTRICT`: `restrict` and the type.
    Restrict(TypeId),
    /// `BTF_KIND_FUNC`.
    Func(Func),
    /// `BTF_KIND_FUNC_PROTO`.
    FuncProto(FuncProto),
    /// `BTF_KIND_VAR`.
    Var(Var),
    /// `BTF_KIND_DATASEC`.
    Datasec(Datasec),
    /// `BTF_KIND_FLOAT`.
    Float(Float),
    /// `BTF_KIND_DECL_TAG`.
    DeclTag(DeclTag),
    /// `BTF_KIND_TYPE_TAG`.
    TypeTag(TypeTag),
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
    pub const SIGNED: u8 = 1;
    /// `BTF_INT_CHAR`.
    pub const CHAR: u8 = 2;
    /// `BTF_INT_BOOL`.
    pub const BOOL: u8 = 4;

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

impl Type {
    /// The kind; `None` for `void`.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Type::Void => return None,
            Type::Int(_) => Kind::Int,
            Type::Ptr(_) => Kind::Ptr,
            Type::Array(_) => Kind::Array,
            Type::Struct(_) => Kind::Struct,
            Type::Union(_) => Kind::Union,
            Type::Enum(_) => Kind::Enum,
            Type::Enum64(_) => Kind::Enum64,
            Type::Fwd(_) => Kind::Fwd,
            Type::Typedef(_) => Kind::Typedef,
            Type::Volatile(_) => Kind::Volatile,
            Type::Const(_) => Kind::Const,
            Type::Restrict(_) => Kind::Restrict,
            Type::Func(_) => Kind::Func,
            Type::FuncProto(_) => Kind::FuncProto,
            Type::Var(_) => Kind::Var,
            Type::Datasec(_) => Kind::Datasec,
            Type::Float(_) => Kind::Float,
            Type::DeclTag(_) => Kind::DeclTag,
            Type::TypeTag(_) => Kind::TypeTag,
        })
    }

    /// The type's own name; empty for kinds that have none.
    pub fn name(&self) -> StrOff {
        match self {
            Type::Int(ty) => ty.name,
            Type::Struct(ty) | Type::Union(ty) => ty.name,
            Type::Enum(ty) | Type::Enum64(ty) => ty.name,
            Type::Fwd(ty) => ty.name,
            Type::Typedef(ty) => ty.name,
            Type::Func(ty) => ty.name,
            Type::Var(ty) => ty.name,
            Type::Datasec(ty) => ty.name,
            Type::Float(ty) => ty.name,
            Type::DeclTag(ty) => ty.name,
            Type::TypeTag(ty) => ty.name,
            Type::Void | Type::Ptr(_) | Type::Array(_) | Type::FuncProto(_) => StrOff(0),
            Type::Volatile(_) | Type::Const(_) | Type::Restrict(_) => StrOff(0),
        }
    }

    /// All types that this one refers to, in order, as often as it does.
    pub fn children(&self) -> Vec<TypeId> {
        match self {
            Type::Void | Type::Int(_) | Type::Enum(_) | Type::Enum64(_) | Type::Fwd(_) | Type::Float(_) => Vec::new(),
            Type::Ptr(ty) | Type::Volatile(ty) | Type::Const(ty) | Type::Restrict(ty) => vec![*ty],
            Type::Array(array) => vec![array.elem, array.index],
            Type::Struct(ty) | Type::Union(ty) => ty.members.iter().map(|member| member.ty).collect(),
            Type::Typedef(ty) => vec![ty.ty],
            Type::Func(ty) => vec![ty.proto],
            Type::FuncProto(ty) => std::iter::once(ty.ret).chain(ty.params.iter().map(|param| param.ty)).collect(),
            Type::Var(ty) => vec![ty.ty],
            Type::Datasec(ty) => ty.vars.iter().map(|var| var.ty).collect(),
            Type::DeclTag(ty) => vec![ty.ty],
            Type::TypeTag(ty) => vec![ty.ty],
        }
    }

    /// The struct or union.
    pub fn as_composite(&self) -> Option<&Composite> {
        match self {
            Type::Struct(ty) | Type::Union(ty) => Some(ty),
            _ => None,
        }
    }

    /// The function.
    pub fn as_func(&self) -> Option<&Func> {
        match self {
            Type::Func(ty) => Some(ty),
            _ => None,
        }
    }

    /// The variable.
    pub fn as_var(&self) -> Option<&Var> {
        match self {
            Type::Var(ty) => Some(ty),
            _ => None,
        }
    }

    /// The section.
    pub fn as_datasec(&self) -> Option<&Datasec> {
        match self {
            Type::Datasec(ty) => Some(ty),
            _ => None,
        }
    }
}
