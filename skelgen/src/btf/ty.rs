//! A type of any kind, and the one traversal of what it refers to.

use super::kinds::*;
use super::{StrOff, TypeId};

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
