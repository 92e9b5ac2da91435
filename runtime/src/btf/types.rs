//! Types to look at: by name, by id, member by member.

use super::blob::{Blob, Record, TypeId, u32_at};
use super::kind;
use crate::sys::uapi::{
    BTF_INT_SIGNED, btf_info_kflag, btf_int_encoding, btf_member_bit_offset, btf_member_bitfield_size,
};

/// How many typedefs, qualifiers and arrays a type may stand behind.
pub(super) const MAX_DEPTH: usize = 32;

/// Bytes of a pointer of the kernel's.
const POINTER_SIZE: u32 = size_of::<usize>() as u32;

/// vmlinux's types, or a module's on top of them.
#[derive(Clone, Copy)]
pub(crate) struct Types<'a> {
    base: &'a Blob<'a>,
    split: Option<&'a Blob<'a>>,
}

/// One type.
#[derive(Clone, Copy)]
pub(crate) struct Type<'a>(Record<'a>);

/// A member of a struct or union.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    /// Its place among the members.
    pub(crate) index: u32,
    /// Empty for anonymous structs and unions.
    pub(crate) name: &'a [u8],
    pub(crate) ty: TypeId,
    /// From the start of the struct, in bits.
    pub(crate) bit_offset: u32,
    /// How many bits a bit-field has; 0 if it is none.
    pub(crate) bitfield_size: u32,
}

impl<'a> Types<'a> {
    pub(crate) fn new(base: &'a Blob<'a>, split: Option<&'a Blob<'a>>) -> Types<'a> {
        Types { base, split }
    }

    /// The first type of this kind and name. It takes a look at all of them.
    pub(crate) fn find(self, kind: u32, name: &str) -> Option<TypeId> {
        self.find_in(self.base, kind, name).or_else(|| self.find_in(self.split?, kind, name))
    }

    /// As [`find`](Self::find), without a module's base.
    pub(crate) fn find_own(self, kind: u32, name: &str) -> Option<TypeId> {
        self.find_in(self.split.unwrap_or(self.base), kind, name)
    }

    /// For each kind and name, the first type of a module's own, or of vmlinux's. It takes one look at all of them.
    pub(crate) fn find_all(self, wanted: &[(u32, &str)]) -> Vec<Option<TypeId>> {
        let blob = self.split.unwrap_or(self.base);
        let mut found = vec![None; wanted.len()];
        let mut missing = wanted.len();
        // Most types are told apart by their kind and the first bytes of their names.
        let first = |name: &[u8]| name.first_chunk::<4>().copied();
        let kinds = wanted.iter().fold(0u32, |kinds, &(kind, _)| kinds | 1u32.checked_shl(kind).unwrap_or(0));
        let starts: Vec<_> = wanted.iter().map(|(_, name)| first(name.as_bytes())).collect();
        for id in blob.ids() {
            if missing == 0 {
                break;
            }
            let Some(record) = blob.record(id) else { continue };
            let kind = kind::of(record.info);
            if kinds.checked_shr(kind).unwrap_or(0) & 1 == 0 {
                continue;
            }
            let start = self.bytes_at(record.name).and_then(first);
            for (index, &(wanted_kind, name)) in wanted.iter().enumerate() {
                let maybe = kind == wanted_kind && (starts[index].is_none() || starts[index] == start);
                if maybe && found[index].is_none() && self.string(record.name) == name.as_bytes() {
                    found[index] = Some(id);
                    missing -= 1;
                }
            }
        }
        found
    }

    /// The ids of a module's own types, or of vmlinux's.
    pub(crate) fn own_ids(self) -> impl Iterator<Item = TypeId> {
        self.split.unwrap_or(self.base).ids()
    }

    /// The type's own name; empty if it has none.
    pub(crate) fn name(self, ty: Type<'a>) -> &'a [u8] {
        self.string(ty.0.name)
    }

    fn find_in(self, blob: &'a Blob<'a>, kind: u32, name: &str) -> Option<TypeId> {
        blob.ids().find(|&id| {
            let is = |record: Record<'_>| kind::of(record.info) == kind && self.string(record.name) == name.as_bytes();
            blob.record(id).is_some_and(is)
        })
    }

    /// The type; `None` for `void` and for ids that do not exist.
    pub(crate) fn get(self, id: TypeId) -> Option<Type<'a>> {
        self.base.record(id).or_else(|| self.split?.record(id)).map(Type)
    }

    /// The type behind typedefs, qualifiers and tags.
    pub(crate) fn resolve(self, id: TypeId) -> Option<Type<'a>> {
        self.get(self.resolve_id(id)?)
    }

    /// The id of the type behind typedefs, qualifiers and tags.
    pub(crate) fn resolve_id(self, mut id: TypeId) -> Option<TypeId> {
        for _ in 0..MAX_DEPTH {
            match self.get(id) {
                Some(ty) if ty.is_alias() => id = ty.target(),
                _ => return Some(id),
            }
        }
        None
    }

    /// Bytes of a value of the type; `None` if it has none.
    pub(crate) fn size_of(self, mut id: TypeId) -> Option<u32> {
        let mut count = 1u32;
        for _ in 0..MAX_DEPTH {
            let ty = self.resolve(id)?;
            let size = match ty.kind() {
                kind::ARRAY => {
                    id = TypeId(u32_at(ty.0.rest, 0)?);
                    count = count.checked_mul(u32_at(ty.0.rest, 8)?)?;
                    continue;
                }
                kind::PTR => POINTER_SIZE,
                kind::INT | kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::FLOAT | kind::DATASEC => {
                    ty.size()
                }
                _ => return None,
            };
            return count.checked_mul(size);
        }
        None
    }

    /// The members, in order of declaration; none if it is no struct or union.
    pub(crate) fn members(self, ty: Type<'a>) -> impl Iterator<Item = Member<'a>> {
        let is_composite = matches!(ty.kind(), kind::STRUCT | kind::UNION);
        let count = if is_composite { kind::elements(ty.0.info) } else { 0 };
        let has_bitfields = btf_info_kflag(ty.0.info);
        (0..count).map_while(move |index| {
            let word = |word: usize| u32_at(ty.0.rest, index as usize * 12 + word * 4);
            let (name, id, offset) = (word(0)?, word(1)?, word(2)?);
            let (bit_offset, bitfield_size) = if has_bitfields {
                (btf_member_bit_offset(offset), btf_member_bitfield_size(offset))
            } else {
                (offset, 0)
            };
            Some(Member { index, name: self.string(name), ty: TypeId(id), bit_offset, bitfield_size })
        })
    }

    /// All strings from this offset on.
    fn bytes_at(self, offset: u32) -> Option<&'a [u8]> {
        self.base.strings_from(offset).or_else(|| self.split?.strings_from(offset))
    }

    /// The names of an enum's values, in order of declaration; none if it is no enum.
    pub(crate) fn enumerators(self, ty: Type<'a>) -> impl Iterator<Item = &'a [u8]> {
        let size = match ty.kind() {
            kind::ENUM => 8,
            kind::ENUM64 => 12,
            _ => usize::MAX,
        };
        ty.0.rest.chunks_exact(size).map(move |value| self.string(u32_at(value, 0).unwrap_or_default()))
    }

    /// The string; empty if there is none at this offset.
    pub(crate) fn string(self, offset: u32) -> &'a [u8] {
        // A module's strings begin where those of vmlinux end.
        self.base.string(offset).or_else(|| self.split?.string(offset)).unwrap_or_default()
    }
}

impl<'a> Type<'a> {
    /// What its kind has behind the record.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0.rest
    }

    /// The flag in its record: of a forward declaration, that it is of a union.
    pub(crate) fn is_flagged(&self) -> bool {
        btf_info_kflag(self.0.info)
    }

    /// Whether it is another type by another name, or qualified.
    fn is_alias(&self) -> bool {
        matches!(self.kind(), kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG)
    }

    /// `BTF_KIND_*`.
    pub(crate) fn kind(&self) -> u32 {
        kind::of(self.0.info)
    }

    /// Bytes of a struct, or of another kind that says it.
    pub(crate) fn size(&self) -> u32 {
        self.0.size_or_type
    }

    /// How many elements it has: members, values, parameters.
    pub(crate) fn elements(&self) -> u32 {
        kind::elements(self.0.info)
    }

    /// Whether an integer has a sign.
    pub(crate) fn is_signed(&self) -> bool {
        btf_int_encoding(self.int_data()) & BTF_INT_SIGNED != 0
    }

    /// At which bit an integer begins: not 0 for bit-fields of old.
    pub(crate) fn int_offset(&self) -> u32 {
        self.int_data() >> 16 & 0xff
    }

    fn int_data(&self) -> u32 {
        u32_at(self.0.rest, 0).unwrap_or_default()
    }

    /// What an array is of, and how many.
    pub(crate) fn array(&self) -> Option<(TypeId, u32)> {
        Some((TypeId(u32_at(self.0.rest, 0)?), u32_at(self.0.rest, 8)?))
    }

    /// The types of a prototype's parameters.
    pub(crate) fn params(&self) -> impl ExactSizeIterator<Item = TypeId> + use<'a> {
        self.0.rest.chunks_exact(8).map(|param| TypeId(u32_at(param, 4).unwrap_or_default()))
    }

    /// What a pointer, typedef or qualifier is of.
    pub(crate) fn target(&self) -> TypeId {
        TypeId(self.0.size_or_type)
    }
}
