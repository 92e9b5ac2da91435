//! BTF, the types of an object (`Documentation/bpf/btf.rst`).
//!
//! In: the bytes of `.BTF` and `.BTF.ext`. Out: [`Btf`], an arena of small values that index each other, and
//! [`BtfExt`], what the compiler says of each instruction. The kernel's counterpart is `kernel/bpf/btf.c`.
//!
//! ```text
//! parse      bytes to arena; whatever passes is whole: names are text, ids exist, nothing contains itself
//! layout     sizes, alignments, bit-fields, types behind typedefs and qualifiers
//! display    a type as C would write it
//! core_relo  what a CO-RE relocation asks for, as C has it
//! encode     arena to bytes, for BPF_BTF_LOAD
//! shape      what a type is made of, to compare with the kernel's
//! ext        .BTF.ext: func_info, line_info, core_relo
//! ```

mod core_relo;
mod display;
mod encode;
mod ext;
mod kinds;
mod layout;
mod parse;
mod shape;
mod strings;
mod ty;

#[cfg(test)]
pub(crate) mod build;
#[cfg(test)]
mod tests;

pub use ext::{BtfExt, CoreReloRecord, FuncRecord, LineRecord, SectionExt};
pub use kinds::{
    Array, Composite, Datasec, DatasecVar, DeclTag, Enum, Enumerator, Float, Func, FuncProto, Fwd, Int, Kind, Linkage,
    Member, Param, TypeTag, Typedef, Var,
};
pub use layout::Bitfield;
pub use ty::Type;

use crate::{Error, Result};
use strings::Strings;

/// A type's index; 0 is `void`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TypeId(pub u32);

/// An offset into BTF's strings; 0 is the empty string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StrOff(pub u32);

/// All types of an object, and their strings.
///
/// A [`TypeId`] is an index, a [`StrOff`] an offset into strings that are kept as they came: both stay what they are
/// when types and strings are added, as `.BTF.ext` and relocations refer to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Btf {
    /// The first is [`Type::Void`].
    types: Vec<Type>,
    strings: Strings,
}

impl Default for Btf {
    fn default() -> Self {
        Btf { types: vec![Type::Void], strings: Strings::default() }
    }
}

impl Btf {
    /// The type; [`Type::Void`] if there is none with this id.
    pub fn get(&self, id: TypeId) -> &Type {
        self.types.get(id.0 as usize).unwrap_or(&Type::Void)
    }

    /// The type, to change; `None` for `void` and for ids that do not exist.
    ///
    /// Ids of other types put into it should exist; lookups of those that do not find `void`.
    pub fn get_mut(&mut self, id: TypeId) -> Option<&mut Type> {
        self.types.get_mut(id.0 as usize).filter(|_| id.0 != 0)
    }

    /// Whether there is a type with this id; there always is one with id 0.
    pub fn contains(&self, id: TypeId) -> bool {
        (id.0 as usize) < self.types.len()
    }

    /// Whether there are no types but `void`.
    pub fn is_empty(&self) -> bool {
        self.types.len() == 1
    }

    /// All types but `void`, in order.
    pub fn types(&self) -> impl Iterator<Item = (TypeId, &Type)> {
        (0..).map(TypeId).zip(&self.types).skip(1)
    }

    /// The string; empty if there is none at this offset or it is not UTF-8.
    pub fn name(&self, at: StrOff) -> &str {
        self.strings.get(at).unwrap_or("")
    }

    /// Whether the offset lies within the strings.
    pub fn has_str(&self, at: StrOff) -> bool {
        self.strings.contains(at)
    }

    /// The type's own name; empty if it has none.
    pub fn name_of(&self, id: TypeId) -> &str {
        self.name(self.get(id).name())
    }

    /// The first type of this kind and name.
    pub fn find(&self, kind: Kind, name: &str) -> Option<TypeId> {
        self.types().find(|(_, ty)| ty.kind() == Some(kind) && self.name(ty.name()) == name).map(|(id, _)| id)
    }

    /// All `DATASEC`s, in order.
    pub fn datasecs(&self) -> impl Iterator<Item = (TypeId, &Datasec)> {
        self.types().filter_map(|(id, ty)| Some((id, ty.as_datasec()?)))
    }

    /// The `DATASEC`, to change: compilers leave its size and its variables' offsets 0 for the linker to fill in.
    pub fn datasec_mut(&mut self, id: TypeId) -> Option<&mut Datasec> {
        match self.get_mut(id)? {
            Type::Datasec(datasec) => Some(datasec),
            _ => None,
        }
    }

    /// The function, to change, say its linkage.
    pub fn func_mut(&mut self, id: TypeId) -> Option<&mut Func> {
        match self.get_mut(id)? {
            Type::Func(func) => Some(func),
            _ => None,
        }
    }

    /// The variable, to change, say its linkage.
    pub fn var_mut(&mut self, id: TypeId) -> Option<&mut Var> {
        match self.get_mut(id)? {
            Type::Var(var) => Some(var),
            _ => None,
        }
    }

    /// Appends a type.
    pub fn add_type(&mut self, ty: Type) -> TypeId {
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(ty);
        id
    }

    /// The offset of a string (up to its first NUL), which is appended unless it is there.
    pub fn add_str(&mut self, text: &str) -> Result<StrOff> {
        self.strings.add(text).ok_or_else(|| Error::too_large(format!("BTF has no room for the string {text:?}")))
    }
}
