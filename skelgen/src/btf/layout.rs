//! Where things lie: sizes, alignments, bit-fields, and types behind their other names.

use std::collections::BTreeMap;

use super::{Btf, Member, Type, TypeId};
use crate::{Error, Result};

/// How deep types nest whose alignment is asked for; the kernel's own limit (`MAX_RESOLVE_DEPTH`) for what it looks into
/// is 32.
pub(super) const MAX_DEPTH: usize = 64;

/// The longest chain of typedefs and qualifiers, or of arrays of arrays, before a type; the kernel allows 32.
const MAX_CHAIN: usize = 256;

/// Every pointer of a BPF program.
const POINTER_SIZE: u32 = 8;

/// Where a bit-field lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bitfield {
    /// Bits from the start of the struct, counted in each byte from the lowest on little-endian machines and from
    /// the highest on big-endian ones.
    pub offset: u32,
    /// In bits; at least 1.
    pub width: u8,
}

impl Btf {
    /// The type behind typedefs, qualifiers and type tags; `void` behind more than 256 of them.
    pub fn resolve(&self, mut id: TypeId) -> TypeId {
        // Bounded: `get_mut` can make a cycle that `parse` did not see, and many variables can share one long chain.
        for _ in 0..=MAX_CHAIN {
            match self.get(id) {
                Type::Typedef(def) => id = def.ty,
                Type::TypeTag(tag) => id = tag.ty,
                Type::Volatile(ty) | Type::Const(ty) | Type::Restrict(ty) => id = *ty,
                _ => return id,
            }
        }
        TypeId(0)
    }

    /// [`get`](Btf::get) of [`resolve`](Btf::resolve).
    pub fn get_resolved(&self, id: TypeId) -> &Type {
        self.get(self.resolve(id))
    }

    /// The size of a value of the type, in bytes; of a `DATASEC`, its own.
    pub fn size_of(&self, id: TypeId) -> Result<u32> {
        let mut count = 1u32;
        let mut at = id;
        for _ in 0..=MAX_CHAIN {
            let size = match self.get_resolved(at) {
                Type::Array(array) => {
                    count = count.checked_mul(array.len).ok_or_else(|| self.too_large(id))?;
                    at = array.elem;
                    continue;
                }
                Type::Var(var) => {
                    at = var.ty;
                    continue;
                }
                Type::Int(ty) => ty.size,
                Type::Float(ty) => ty.size,
                Type::Enum(ty) | Type::Enum64(ty) => ty.size,
                Type::Struct(ty) | Type::Union(ty) => ty.size,
                Type::Datasec(ty) => ty.size,
                Type::Ptr(_) => POINTER_SIZE,
                _ => return Err(Error::unresolved(format!("`{}` has no size", self.c_type(id)))),
            };
            return count.checked_mul(size).ok_or_else(|| self.too_large(id));
        }
        Err(Error::malformed(format!("type {} nests too deep", id.0)))
    }

    /// The alignment of the type, as a BPF compiler has it; of packed structs, 1.
    pub fn align_of(&self, id: TypeId) -> Result<u32> {
        self.align_at(id, 0, &mut BTreeMap::new())
    }

    /// `known` keeps the walk from taking each path to a type that is reached by many.
    fn align_at(&self, id: TypeId, depth: usize, known: &mut BTreeMap<TypeId, u32>) -> Result<u32> {
        let id = self.resolve(id);
        if let Some(align) = known.get(&id) {
            return Ok(*align);
        }
        if depth > MAX_DEPTH {
            return Err(Error::malformed(format!("type {} nests too deep", id.0)));
        }
        let align = match self.get(id) {
            Type::Int(ty) => scalar_align(ty.size),
            Type::Float(ty) => scalar_align(ty.size),
            Type::Enum(ty) | Type::Enum64(ty) => scalar_align(ty.size),
            Type::Ptr(_) => POINTER_SIZE,
            Type::Array(array) => self.align_at(array.elem, depth + 1, known)?,
            Type::Var(var) => self.align_at(var.ty, depth + 1, known)?,
            Type::Struct(ty) | Type::Union(ty) => {
                let mut align = 1;
                let mut packed = false;
                for member in &ty.members {
                    let wants = self.align_at(member.ty, depth + 1, known)?;
                    packed |=
                        self.bitfield(member).is_none() && u64::from(member.bit_offset) % (8 * u64::from(wants)) != 0;
                    align = wants.max(align);
                }
                // BTF does not say that a struct is packed; only that it is shows.
                if packed || ty.size % align != 0 { 1 } else { align }
            }
            _ => return Err(Error::unresolved(format!("`{}` has no alignment", self.c_type(id)))),
        };
        known.insert(id, align);
        Ok(align)
    }

    /// Where the member lies if it is a bit-field, in either of BTF's two notations.
    pub fn bitfield(&self, member: &Member) -> Option<Bitfield> {
        if member.bitfield_size != 0 {
            return Some(Bitfield { offset: member.bit_offset, width: member.bitfield_size });
        }
        let Type::Int(int) = self.get_resolved(member.ty) else { return None };
        let whole =
            int.offset == 0 && u32::from(int.bits) == int.size.saturating_mul(8) && member.bit_offset.is_multiple_of(8);
        let offset = member.bit_offset.checked_add(u32::from(int.offset))?;
        (!whole && int.bits != 0).then_some(Bitfield { offset, width: int.bits })
    }

    fn too_large(&self, id: TypeId) -> Error {
        Error::too_large(format!("`{}` is larger than 4 GiB", self.c_type(id)))
    }
}

/// The largest power of two that divides the size, up to that of `__int128`.
fn scalar_align(size: u32) -> u32 {
    if size == 0 { 1 } else { 1 << size.trailing_zeros().min(4) }
}
