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

/// One type of each kind, at least.
pub(crate) fn everything() -> Btf {
    let mut b = Builder::default();
    let int = b.int("int", 4, Int::SIGNED);
    let char = b.int("char", 1, Int::SIGNED | Int::CHAR);
    let u64_ = b.int("unsigned long long", 8, 0);
    let u64_ = b.typedef("__u64", u64_);
    let comm = b.array(char, 16);
    let color = b.enumeration("color", 4, true, &[("RED", 0), ("BLUE", -1)]);
    let big = b.enumeration("big", 8, false, &[("HUGE", -1), ("SMALL", 1 << 40)]);
    let name = b.str("task_struct");
    let fwd = b.add(Type::Fwd(Fwd { name, union: false }));
    let task = b.add(Type::Ptr(fwd));
    let event = b.structure("event", 56, &[("comm", comm, 0, 0), ("task", task, 128, 0), ("ts", u64_, 192, 0)]);
    let bits = b.structure("bits", 4, &[("a", int, 0, 3), ("b", int, 3, 29)]);
    let both =
        b.union("", 56, &[("event", event, 0, 0), ("bits", bits, 0, 0), ("color", color, 0, 0), ("", big, 0, 0)]);
    let both = b.add(Type::Const(both));
    let both = b.add(Type::Volatile(both));
    let name = b.str("rcu");
    let tagged = b.add(Type::TypeTag(TypeTag { name, ty: int, attribute: false }));
    let restrict = b.add(Type::Ptr(tagged));
    let restrict = b.add(Type::Restrict(restrict));
    let func = b.func("on_exec", Linkage::Global, int, &[("ctx", restrict), ("", TypeId(0))]);
    let name = b.str("tag");
    b.add(Type::DeclTag(DeclTag { name, ty: func, component: 1, attribute: true }));
    b.add(Type::DeclTag(DeclTag { name, ty: func, component: -1, attribute: false }));
    let name = b.str("double");
    let double = b.add(Type::Float(Float { name, size: 8 }));
    let vars = [("hits", u64_), ("all", both), ("ratio", double)].map(|(name, ty)| b.var(name, ty));
    let name = b.str(".percpu");
    let vars = vars.map(|ty| DatasecVar { ty, offset: 0, size: 8 }).to_vec();
    b.add(Type::Datasec(Datasec { name, size: 0, vars }));
    b.0
}
