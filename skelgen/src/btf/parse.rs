//! Bytes to types. What passes is whole: lengths fit, names are text, ids exist, and nothing contains itself.

use super::encode::{HEADER_LEN, MAX_VLEN};
use super::kinds::*;
use super::strings::Strings;
use super::{Btf, StrOff, Type, TypeId};
use crate::text::MAX_NAME;
use crate::uapi::{
    BTF_MAGIC, BTF_VERSION, btf_info_kflag, btf_info_kind, btf_info_vlen, btf_int_bits, btf_int_encoding,
    btf_int_offset, btf_member_bit_offset, btf_member_bitfield_size,
};
use crate::{Endian, Error, Result};

impl Btf {
    /// Parses the bytes of `.BTF`.
    pub fn parse(bytes: &[u8], endian: Endian) -> Result<Btf> {
        parse(bytes, endian).map_err(|error| error.in_section(".BTF"))
    }
}

fn parse(bytes: &[u8], endian: Endian) -> Result<Btf> {
    let header = header_len(bytes, endian, HEADER_LEN)?;
    let field = |i: usize| endian.u32_at(bytes, 8 + 4 * i).unwrap_or(0);
    let types = part(bytes, header, field(0), field(1)).ok_or_else(|| Error::malformed("types end past the end"))?;
    let strings =
        part(bytes, header, field(2), field(3)).ok_or_else(|| Error::malformed("strings end past the end"))?;
    let strings = Strings::parse(strings).ok_or_else(|| Error::malformed("strings do not begin and end with a NUL"))?;

    let mut btf = Btf { types: vec![Type::Void], strings };
    let mut reader = Reader { bytes: types, endian, at: 0 };
    while reader.at < types.len() {
        let id = btf.types.len();
        let ty = reader.ty().map_err(|what| Error::malformed(format!("type {id}: {what}")))?;
        btf.types.push(ty);
    }
    check_references(&btf)?;
    check_circles(&btf)?;
    Ok(btf)
}

/// Checks the start that `.BTF` and `.BTF.ext` share; the length of the header, which is at least `min` and fits.
pub(super) fn header_len(bytes: &[u8], endian: Endian, min: usize) -> Result<usize> {
    let magic = endian.u16_at(bytes, 0).ok_or_else(|| Error::malformed("shorter than its header"))?;
    if magic != BTF_MAGIC {
        return Err(Error::malformed(format!("magic {magic:#06x}, not {BTF_MAGIC:#06x}")));
    }
    match bytes.get(2) {
        Some(&BTF_VERSION) => {}
        Some(version) => return Err(Error::unsupported(format!("version {version}, not {BTF_VERSION}"))),
        None => return Err(Error::malformed("shorter than its header")),
    }
    let header = endian.u32_at(bytes, 4).map_or(0, |len| len as usize);
    if header < min || header > bytes.len() {
        return Err(Error::malformed(format!("a header of {header} bytes")));
    }
    Ok(header)
}

/// The part of `bytes` that a header of `header` bytes puts at `offset` behind itself.
pub(super) fn part(bytes: &[u8], header: usize, offset: u32, len: u32) -> Option<&[u8]> {
    let start = header.checked_add(offset as usize)?;
    bytes.get(start..start.checked_add(len as usize)?)
}

/// Kinds had 5 bits before Linux 7.1.
const MAX_KIND: u32 = 0x1f;

struct Reader<'a> {
    bytes: &'a [u8],
    endian: Endian,
    at: usize,
}

type Parsed<T> = Result<T, String>;

impl Reader<'_> {
    fn word(&mut self) -> Parsed<u32> {
        let word = self.endian.u32_at(self.bytes, self.at).ok_or("ends past the end")?;
        self.at += 4;
        Ok(word)
    }

    fn id(&mut self) -> Parsed<TypeId> {
        self.word().map(TypeId)
    }

    fn name(&mut self) -> Parsed<StrOff> {
        self.word().map(StrOff)
    }

    fn list<T>(&mut self, len: u32, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        // Grows as items are found: the length is not to be trusted with memory.
        (0..len).map(|_| item(self)).collect()
    }

    fn ty(&mut self) -> Parsed<Type> {
        let name = self.name()?;
        let info = self.word()?;
        let size = self.word()?;
        let ty = TypeId(size);
        let (flag, kind, vlen) = (btf_info_kflag(info), btf_info_kind(info), btf_info_vlen(info));
        if kind.0 > MAX_KIND || vlen > MAX_VLEN as u32 {
            return Err(format!("unknown bits in {info:#010x}"));
        }
        let kind = Kind::from_number(kind.0).ok_or_else(|| format!("unknown kind {}", kind.0))?;
        use Kind as K;
        if flag && !matches!(kind, K::Struct | K::Union | K::Enum | K::Enum64 | K::Fwd | K::DeclTag | K::TypeTag) {
            return Err(format!("a kind_flag on {kind:?}"));
        }
        let listed = matches!(kind, K::Struct | K::Union | K::Enum | K::Enum64 | K::Func | K::FuncProto | K::Datasec);
        if vlen != 0 && !listed {
            return Err(format!("a length on {kind:?}"));
        }
        let linkage = |number| Linkage::from_number(number).ok_or_else(|| format!("unknown linkage {number}"));
        Ok(match kind {
            K::Int => {
                let data = self.word()?;
                if data & 0xf000_ff00 != 0 {
                    return Err(format!("unknown bits in {data:#010x}"));
                }
                Type::Int(Int {
                    name,
                    size,
                    encoding: btf_int_encoding(data),
                    offset: btf_int_offset(data),
                    bits: btf_int_bits(data),
                })
            }
            K::Ptr => Type::Ptr(ty),
            K::Array => Type::Array(Array { elem: self.id()?, index: self.id()?, len: self.word()? }),
            K::Struct => Type::Struct(self.composite(name, size, flag, vlen)?),
            K::Union => Type::Union(self.composite(name, size, flag, vlen)?),
            K::Enum => {
                let values = self.list(vlen, |reader| {
                    let (name, raw) = (reader.name()?, reader.word()?);
                    Ok(Enumerator { name, value: if flag { raw.cast_signed().into() } else { raw.into() } })
                })?;
                Type::Enum(Enum { name, size, signed: flag, values })
            }
            K::Enum64 => {
                let values = self.list(vlen, |reader| {
                    let (name, low, high) = (reader.name()?, reader.word()?, reader.word()?);
                    Ok(Enumerator { name, value: (u64::from(high) << 32 | u64::from(low)).cast_signed() })
                })?;
                Type::Enum64(Enum { name, size, signed: flag, values })
            }
            K::Fwd => Type::Fwd(Fwd { name, union: flag }),
            K::Typedef => Type::Typedef(Typedef { name, ty }),
            K::Volatile => Type::Volatile(ty),
            K::Const => Type::Const(ty),
            K::Restrict => Type::Restrict(ty),
            K::Func => Type::Func(Func { name, proto: ty, linkage: linkage(vlen)? }),
            K::FuncProto => {
                let params = self.list(vlen, |reader| Ok(Param { name: reader.name()?, ty: reader.id()? }))?;
                Type::FuncProto(FuncProto { ret: ty, params })
            }
            K::Var => Type::Var(Var { name, ty, linkage: linkage(self.word()?)? }),
            K::Datasec => {
                let vars = self.list(vlen, |reader| {
                    Ok(DatasecVar { ty: reader.id()?, offset: reader.word()?, size: reader.word()? })
                })?;
                Type::Datasec(Datasec { name, size, vars })
            }
            K::Float => Type::Float(Float { name, size }),
            K::DeclTag => Type::DeclTag(DeclTag { name, ty, component: self.word()?.cast_signed(), attribute: flag }),
            K::TypeTag => Type::TypeTag(TypeTag { name, ty, attribute: flag }),
        })
    }

    fn composite(&mut self, name: StrOff, size: u32, has_bitfields: bool, vlen: u32) -> Parsed<Composite> {
        let members = self.list(vlen, |reader| {
            let (name, ty, offset) = (reader.name()?, reader.id()?, reader.word()?);
            Ok(if has_bitfields {
                Member {
                    name,
                    ty,
                    bit_offset: btf_member_bit_offset(offset),
                    bitfield_size: btf_member_bitfield_size(offset) as u8,
                }
            } else {
                Member { name, ty, bit_offset: offset, bitfield_size: 0 }
            })
        })?;
        Ok(Composite { name, size, has_bitfields, members })
    }
}

/// Every name is text and every id exists.
fn check_references(btf: &Btf) -> Result<()> {
    for (id, ty) in btf.types() {
        let at = |what: String| Error::malformed(format!("type {}: {what}", id.0));
        let inner: Vec<StrOff> = match ty {
            Type::Struct(ty) | Type::Union(ty) => ty.members.iter().map(|member| member.name).collect(),
            Type::Enum(ty) | Type::Enum64(ty) => ty.values.iter().map(|value| value.name).collect(),
            Type::FuncProto(ty) => ty.params.iter().map(|param| param.name).collect(),
            _ => Vec::new(),
        };
        for name in std::iter::once(ty.name()).chain(inner) {
            match btf.strings.get(name) {
                Some(name) if name.len() <= MAX_NAME => {}
                Some(_) => return Err(at(format!("a name of more than {MAX_NAME} bytes"))),
                None => return Err(at(format!("no name at {}", name.0))),
            }
        }
        if let Some(child) = ty.children().into_iter().find(|child| !btf.contains(*child)) {
            return Err(at(format!("refers to type {}, which does not exist", child.0)));
        }
    }
    Ok(())
}

/// What a value of the type is made of, which therefore cannot be the type itself.
fn parts(ty: &Type) -> Vec<TypeId> {
    match ty {
        Type::Ptr(_) | Type::Func(_) | Type::FuncProto(_) | Type::DeclTag(_) => Vec::new(),
        Type::Array(array) => vec![array.elem],
        _ => ty.children(),
    }
}

/// No type contains itself. Walks with a stack of its own: types may nest as deep as they like, as long as nobody asks for
/// what only shallow ones have ([`MAX_DEPTH`](super::layout::MAX_DEPTH)).
fn check_circles(btf: &Btf) -> Result<()> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        /// On the stack.
        Open,
        Whole,
    }
    let mut seen = vec![Seen::No; btf.types.len()];
    for (root, _) in btf.types() {
        if seen[root.0 as usize] != Seen::No {
            continue;
        }
        seen[root.0 as usize] = Seen::Open;
        let mut stack = vec![(root, parts(btf.get(root)))];
        while let Some((id, todo)) = stack.last_mut() {
            let Some(part) = todo.pop() else {
                seen[id.0 as usize] = Seen::Whole;
                stack.pop();
                continue;
            };
            match seen[part.0 as usize] {
                Seen::Open => return Err(Error::malformed(format!("type {}: contains itself", part.0))),
                Seen::No => {
                    seen[part.0 as usize] = Seen::Open;
                    stack.push((part, parts(btf.get(part))));
                }
                Seen::Whole => {}
            }
        }
    }
    Ok(())
}
