//! The [shape](skelgen_abi::shape) of a type of the object.

use skelgen_abi::shape::{Part, shape};

use super::{Btf, Type, TypeId};

impl Btf {
    /// The type's shape; `None` if it has a part that equals no other, or nests too deep.
    pub fn shape(&self, id: TypeId) -> Option<String> {
        shape(id, &|id| {
            Some(match self.get_resolved(id) {
                Type::Void => Part::Void,
                Type::Int(int) if int.offset == 0 => Part::Int,
                Type::Ptr(to) => Part::Ptr(*to),
                Type::Array(array) => Part::Array(array.elem),
                Type::Struct(_) => Part::Struct,
                Type::Union(_) => Part::Union,
                Type::Enum(_) | Type::Enum64(_) => Part::Enum,
                Type::Fwd(_) => Part::Fwd,
                Type::FuncProto(proto) => {
                    Part::FuncProto(proto.params.iter().map(|param| param.ty).collect(), proto.ret)
                }
                _ => return None,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::build::{Builder, everything};
    use crate::btf::{Int, Kind, Linkage};
    use skelgen_abi::shape::MAX_DEPTH;

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
