//! Types to bytes, as `BPF_BTF_LOAD` takes them.

use super::{Btf, Composite, Enum, Kind, StrOff, Type, TypeId};
use crate::Endian;
use crate::uapi::{BTF_MAGIC, BTF_VERSION, btf_info};

pub(super) const HEADER_LEN: usize = 24;
/// `BTF_MAX_VLEN`: how many members, values, parameters or variables a type has at most.
pub(super) const MAX_VLEN: usize = 0xffff;

impl Btf {
    /// The bytes of `.BTF`.
    ///
    /// ```text
    /// header (24)   magic 0xeb9f, version 1, flags 0, header length, offset and length of types and of strings
    /// types         one record after the other, the first being id 1
    /// strings
    /// ```
    pub fn encode(&self, endian: Endian) -> Vec<u8> {
        let mut out = Writer { endian, bytes: Vec::new() };
        for (_, ty) in self.types() {
            out.ty(ty);
        }
        let types = out.bytes;
        let strings = self.strings.as_bytes();
        let mut bytes = Vec::with_capacity(HEADER_LEN + types.len() + strings.len());
        endian.put_u16(&mut bytes, BTF_MAGIC);
        bytes.extend_from_slice(&[BTF_VERSION, 0]);
        for word in [HEADER_LEN, 0, types.len(), types.len(), strings.len()] {
            endian.put_u32(&mut bytes, word as u32);
        }
        bytes.extend_from_slice(&types);
        bytes.extend_from_slice(strings);
        bytes
    }
}

struct Writer {
    endian: Endian,
    bytes: Vec<u8>,
}

impl Writer {
    fn word(&mut self, word: u32) {
        self.endian.put_u32(&mut self.bytes, word);
    }

    /// `struct btf_type`.
    fn head(&mut self, name: StrOff, kind: Kind, flag: bool, vlen: usize, size_or_type: u32) {
        self.word(name.0);
        self.word(btf_info(kind.into(), flag, vlen.min(MAX_VLEN) as u32));
        self.word(size_or_type);
    }

    fn reference(&mut self, name: StrOff, kind: Kind, flag: bool, ty: TypeId) {
        self.head(name, kind, flag, 0, ty.0);
    }

    fn ty(&mut self, ty: &Type) {
        match ty {
            Type::Void => {}
            Type::Int(int) => {
                self.head(int.name, Kind::Int, false, 0, int.size);
                self.word(u32::from(int.encoding) << 24 | u32::from(int.offset) << 16 | u32::from(int.bits));
            }
            Type::Ptr(to) => self.reference(StrOff(0), Kind::Ptr, false, *to),
            Type::Volatile(to) => self.reference(StrOff(0), Kind::Volatile, false, *to),
            Type::Const(to) => self.reference(StrOff(0), Kind::Const, false, *to),
            Type::Restrict(to) => self.reference(StrOff(0), Kind::Restrict, false, *to),
            Type::Typedef(def) => self.reference(def.name, Kind::Typedef, false, def.ty),
            Type::TypeTag(tag) => self.reference(tag.name, Kind::TypeTag, tag.attribute, tag.ty),
            Type::Array(array) => {
                self.head(StrOff(0), Kind::Array, false, 0, 0);
                self.word(array.elem.0);
                self.word(array.index.0);
                self.word(array.len);
            }
            Type::Struct(composite) => self.composite(Kind::Struct, composite),
            Type::Union(composite) => self.composite(Kind::Union, composite),
            Type::Enum(values) => self.values(Kind::Enum, values),
            Type::Enum64(values) => self.values(Kind::Enum64, values),
            Type::Fwd(fwd) => self.head(fwd.name, Kind::Fwd, fwd.union, 0, 0),
            Type::Func(func) => self.head(func.name, Kind::Func, false, func.linkage as usize, func.proto.0),
            Type::FuncProto(proto) => {
                self.head(StrOff(0), Kind::FuncProto, false, proto.params.len(), proto.ret.0);
                for param in proto.params.iter().take(MAX_VLEN) {
                    self.word(param.name.0);
                    self.word(param.ty.0);
                }
            }
            Type::Var(var) => {
                self.head(var.name, Kind::Var, false, 0, var.ty.0);
                self.word(var.linkage as u32);
            }
            Type::Datasec(datasec) => {
                self.head(datasec.name, Kind::Datasec, false, datasec.vars.len(), datasec.size);
                for var in datasec.vars.iter().take(MAX_VLEN) {
                    self.word(var.ty.0);
                    self.word(var.offset);
                    self.word(var.size);
                }
            }
            Type::Float(float) => self.head(float.name, Kind::Float, false, 0, float.size),
            Type::DeclTag(tag) => {
                self.reference(tag.name, Kind::DeclTag, tag.attribute, tag.ty);
                self.word(tag.component.cast_unsigned());
            }
        }
    }

    fn composite(&mut self, kind: Kind, ty: &Composite) {
        self.head(ty.name, kind, ty.has_bitfields, ty.members.len(), ty.size);
        for member in ty.members.iter().take(MAX_VLEN) {
            self.word(member.name.0);
            self.word(member.ty.0);
            self.word(if ty.has_bitfields {
                u32::from(member.bitfield_size) << 24 | member.bit_offset & 0x00ff_ffff
            } else {
                member.bit_offset
            });
        }
    }

    fn values(&mut self, kind: Kind, ty: &Enum) {
        self.head(ty.name, kind, ty.signed, ty.values.len(), ty.size);
        for value in ty.values.iter().take(MAX_VLEN) {
            self.word(value.name.0);
            self.word(value.value as u32);
            if kind == Kind::Enum64 {
                self.word((value.value >> 32) as u32);
            }
        }
    }
}
