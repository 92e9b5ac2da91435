//! The shape of a type: what it is made of, without names and sizes, as a word.
//!
//! ```text
//! v void    i int    *T pointer    [T array    s struct    u union    e enum    f declared only    (TT)T function
//! ```
//!
//! Two functions of the same shape take and return what is alike, as the kernel and libbpf have it
//! (`__bpf_core_types_are_compat` in `tools/lib/bpf/relo_core.c`). The runtime makes the same of the kernel's functions.

use super::layout::MAX_DEPTH;
use super::{Btf, Type, TypeId};

impl Btf {
    /// The type's shape; `None` if it has a part that is like no other's, or nests too deep.
    pub fn shape(&self, id: TypeId) -> Option<String> {
        let mut shape = String::new();
        self.write_shape(id, &mut shape, MAX_DEPTH)?;
        Some(shape)
    }

    fn write_shape(&self, id: TypeId, out: &mut String, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match self.get_resolved(id) {
            Type::Void => out.push('v'),
            Type::Int(int) if int.offset == 0 => out.push('i'),
            Type::Ptr(to) => {
                out.push('*');
                self.write_shape(*to, out, depth)?;
            }
            Type::Array(array) => {
                out.push('[');
                self.write_shape(array.elem, out, depth)?;
            }
            Type::Struct(_) => out.push('s'),
            Type::Union(_) => out.push('u'),
            Type::Enum(_) | Type::Enum64(_) => out.push('e'),
            Type::Fwd(_) => out.push('f'),
            Type::FuncProto(proto) => {
                out.push('(');
                for param in &proto.params {
                    self.write_shape(param.ty, out, depth)?;
                }
                out.push(')');
                self.write_shape(proto.ret, out, depth)?;
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::build::{Builder, everything};
    use crate::btf::{Int, Kind, Linkage};

    #[test]
    fn a_shape_has_no_names() {
        let mut b = Builder::default();
        let int = b.int("int", 4, Int::SIGNED);
        let long = b.int("long", 8, Int::SIGNED);
        let task = b.structure("task_struct", 0, &[]);
        let task = b.add(Type::Ptr(task));
        let typedef = b.typedef("s32", int);
        let constant = b.add(Type::Const(typedef));
        let array = b.array(constant, 2);
        let [one, two] = [("one", typedef, "pid"), ("two", long, "")]
            .map(|(name, ty, param)| b.func(name, Linkage::Extern, task, &[(param, ty), ("", array), ("", TypeId(0))]));
        for func in [one, two] {
            let proto = b.0.get(func).as_func().unwrap().proto;
            assert_eq!(b.0.shape(proto).unwrap(), "(i[iv)*s");
        }
        let callback = b.0.get(one).as_func().unwrap().proto;
        let callback = b.add(Type::Ptr(callback));
        assert_eq!(b.0.shape(callback).unwrap(), "*(i[iv)*s");
    }

    #[test]
    fn what_is_like_nothing_has_none() {
        let btf = everything();
        let shape = |kind, name| btf.shape(btf.find(kind, name).unwrap());
        assert_eq!(shape(Kind::Fwd, "task_struct").unwrap(), "f");
        assert_eq!(shape(Kind::Enum, "color"), shape(Kind::Enum64, "big"));
        assert_eq!(
            [shape(Kind::Float, "double"), shape(Kind::Func, "on_exec"), shape(Kind::Datasec, ".percpu")],
            [None, None, None]
        );
        let mut b = Builder::default();
        let mut pointer = TypeId(0);
        for _ in 0..MAX_DEPTH {
            pointer = b.add(Type::Ptr(pointer));
        }
        assert_eq!(b.0.shape(pointer), None);
    }
}
