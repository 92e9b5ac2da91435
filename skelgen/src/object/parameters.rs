//! Names for the parameters that have none, without which the kernel takes no function's type (`btf_func_check` in
//! `kernel/bpf/btf.c`).
//!
//! Clang leaves them out where a function is only declared, as kfuncs are, and where one is naked.

use crate::Result;
use crate::btf::{Btf, StrOff, Type, TypeId};

/// Calls those of every function in `btf` that have no name `arg0`, `arg1` and so on, by their place.
pub(super) fn name(btf: &mut Btf) -> Result<()> {
    let protos: Vec<TypeId> = btf.types().filter_map(|(_, ty)| Some(ty.as_func()?.proto)).collect();
    for id in protos {
        let Type::FuncProto(proto) = btf.get(id) else { continue };
        // A `void` at the end stands for `...`, and must not have one.
        let nameless = |index: &usize| proto.params[*index].name == StrOff(0) && proto.params[*index].ty != TypeId(0);
        let nameless: Vec<usize> = (0..proto.params.len()).filter(nameless).collect();
        for index in nameless {
            let name = btf.add_str(&format!("arg{index}"))?;
            if let Some(Type::FuncProto(proto)) = btf.get_mut(id) {
                proto.params[index].name = name;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::build::Builder;
    use crate::btf::{Int, Linkage};

    #[test]
    fn parameters_without_a_name_get_one() {
        let mut b = Builder::default();
        let int = b.int("int", 4, Int::SIGNED);
        let func = b.func("f", Linkage::Global, int, &[("ctx", int), ("", int), ("", TypeId(0))]);
        name(&mut b.0).unwrap();
        let Type::FuncProto(proto) = b.0.get(b.0.get(func).as_func().unwrap().proto) else { unreachable!() };
        let names: Vec<&str> = proto.params.iter().map(|param| b.0.name(param.name)).collect();
        assert_eq!(names, ["ctx", "arg1", ""]);
    }

    #[test]
    fn those_of_pointers_to_functions_need_none() {
        let mut b = Builder::default();
        let int = b.int("int", 4, Int::SIGNED);
        let func = b.func("f", Linkage::Global, int, &[("", int)]);
        let proto = b.0.get(func).as_func().unwrap().proto;
        *b.0.get_mut(func).unwrap() = Type::Ptr(proto);
        let before = b.0.clone();
        name(&mut b.0).unwrap();
        assert_eq!(b.0, before);
    }
}
