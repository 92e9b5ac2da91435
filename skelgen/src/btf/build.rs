//! Types put together by hand, for tests.

use super::*;

/// Puts types together.
#[derive(Default)]
pub(crate) struct Builder(pub(crate) Btf);

impl Builder {
    pub(crate) fn str(&mut self, text: &str) -> StrOff {
        self.0.add_str(text).unwrap()
    }

    pub(crate) fn add(&mut self, ty: Type) -> TypeId {
        self.0.add_type(ty)
    }

    pub(crate) fn int(&mut self, name: &str, size: u32, encoding: u8) -> TypeId {
        let name = self.str(name);
        self.add(Type::Int(Int { name, size, encoding, offset: 0, bits: (size * 8) as u8 }))
    }

    pub(crate) fn array(&mut self, elem: TypeId, len: u32) -> TypeId {
        self.add(Type::Array(Array { elem, index: elem, len }))
    }

    pub(crate) fn typedef(&mut self, name: &str, ty: TypeId) -> TypeId {
        let name = self.str(name);
        self.add(Type::Typedef(Typedef { name, ty }))
    }

    /// Members are name, type, offset in bits and size of the bit-field.
    pub(crate) fn composite(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32, u8)]) -> Composite {
        let has_bitfields = members.iter().any(|member| member.3 != 0);
        let members = members
            .iter()
            .map(|&(name, ty, bit_offset, bitfield_size)| Member {
                name: self.str(name),
                ty,
                bit_offset,
                bitfield_size,
            })
            .collect();
        Composite { name: self.str(name), size, has_bitfields, members }
    }

    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32, u8)]) -> TypeId {
        let composite = self.composite(name, size, members);
        self.add(Type::Struct(composite))
    }

    pub(crate) fn union(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32, u8)]) -> TypeId {
        let composite = self.composite(name, size, members);
        self.add(Type::Union(composite))
    }

    pub(crate) fn enumeration(&mut self, name: &str, size: u32, signed: bool, values: &[(&str, i64)]) -> TypeId {
        let values = values.iter().map(|&(name, value)| Enumerator { name: self.str(name), value }).collect();
        let ty = Enum { name: self.str(name), size, signed, values };
        self.add(if size == 8 { Type::Enum64(ty) } else { Type::Enum(ty) })
    }

    pub(crate) fn func(&mut self, name: &str, linkage: Linkage, ret: TypeId, params: &[(&str, TypeId)]) -> TypeId {
        let params = params.iter().map(|&(name, ty)| Param { name: self.str(name), ty }).collect();
        let proto = self.add(Type::FuncProto(FuncProto { ret, params }));
        let name = self.str(name);
        self.add(Type::Func(Func { name, proto, linkage }))
    }

    pub(crate) fn var(&mut self, name: &str, ty: TypeId) -> TypeId {
        let name = self.str(name);
        self.add(Type::Var(Var { name, ty, linkage: Linkage::Global }))
    }
}
