//! Static variables that the compiler shrank to a byte or split into pieces, while BTF keeps the type that C declares.
//!
//! Clang turns an `int` with only two possible values into a byte (`armed`, 1 byte, type `int`), and a struct whose
//! members are used separately into one variable for each member (`pair.0`, 4 bytes, type `struct pair`). The kernel
//! refuses BTF in which a variable is smaller than its type or has a type without a size (`btf_datasec_resolve` in
//! `kernel/bpf/btf.c`), and the object then loads without any types. This module changes the type of such a variable to
//! an array of bytes, as long as its entry in the `DATASEC`. Later stages and the kernel read this type.

use std::collections::HashMap;

use crate::Result;
use crate::btf::{Array, Btf, Int, Type, TypeId};

/// The variables that became byte arrays.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// The C declarations, by `VAR`.
    declarations: HashMap<TypeId, String>,
    /// The byte arrays, by length.
    arrays: HashMap<u32, TypeId>,
    /// The arrays' element type and index type.
    numbers: Option<(TypeId, TypeId)>,
}

impl Cut {
    /// The C declaration of a variable that became a byte array.
    pub(super) fn declaration(&self, var: TypeId) -> Option<&str> {
        self.declarations.get(&var).map(String::as_str)
    }

    /// Makes byte arrays of the variables of `datasec` that are smaller than their types, or whose types have no size.
    pub(super) fn fix(&mut self, btf: &mut Btf, datasec: TypeId) -> Result<()> {
        let Some(entries) = btf.get(datasec).as_datasec().map(|datasec| datasec.vars.clone()) else { return Ok(()) };
        for entry in entries {
            let Some(decl) = btf.get(entry.ty).as_var().copied() else { continue };
            if btf.size_of(decl.ty).is_ok_and(|size| size <= entry.size) {
                continue;
            }
            let declaration = btf.c_declaration(decl.ty, btf.name(decl.name));
            let ty = self.bytes(btf, entry.size)?;
            if let Some(decl) = btf.var_mut(entry.ty) {
                decl.ty = ty;
            }
            self.declarations.insert(entry.ty, declaration);
        }
        Ok(())
    }

    /// `unsigned char [len]`
    fn bytes(&mut self, btf: &mut Btf, len: u32) -> Result<TypeId> {
        if let Some(known) = self.arrays.get(&len) {
            return Ok(*known);
        }
        let (elem, index) = match self.numbers {
            Some(numbers) => numbers,
            None => (number(btf, "unsigned char", 1)?, number(btf, "__ARRAY_SIZE_TYPE__", 4)?),
        };
        self.numbers = Some((elem, index));
        let id = btf.add_type(Type::Array(Array { elem, index, len }));
        self.arrays.insert(len, id);
        Ok(id)
    }
}

/// The unsigned integer of this name and size.
fn number(btf: &mut Btf, name: &str, size: u32) -> Result<TypeId> {
    let wanted = Int { name: btf.add_str(name)?, size, encoding: 0, offset: 0, bits: (8 * size) as u8 };
    let is_wanted = |ty: &Type| matches!(ty, Type::Int(int) if Int { name: wanted.name, ..*int } == wanted && btf.name(int.name) == name);
    let known = btf.types().find(|(_, ty)| is_wanted(ty)).map(|(id, _)| id);
    Ok(known.unwrap_or_else(|| btf.add_type(Type::Int(wanted))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::build::Builder;
    use crate::btf::{Datasec, DatasecVar};

    /// The declarations of variables of these types and sizes before and after `fix`.
    fn cut(b: &mut Builder, vars: &[(&str, TypeId, u32)]) -> Vec<(Option<String>, String)> {
        let vars: Vec<_> = vars.iter().map(|&(name, ty, size)| (b.var(name, ty), size)).collect();
        let entries = vars.iter().map(|&(ty, size)| DatasecVar { ty, offset: 0, size }).collect();
        let name = b.str(".bss");
        let datasec = b.add(Type::Datasec(Datasec { name, size: 64, vars: entries }));
        let mut cut = Cut::default();
        cut.fix(&mut b.0, datasec).unwrap();
        let of = |&(id, _): &(TypeId, u32)| {
            let decl = b.0.get(id).as_var().unwrap();
            (cut.declaration(id).map(str::to_owned), b.0.c_declaration(decl.ty, b.0.name(decl.name)))
        };
        vars.iter().map(of).collect()
    }

    #[test]
    fn variables_smaller_than_their_types_become_bytes() {
        let mut b = Builder::default();
        let int = b.int("int", 4, Int::SIGNED);
        let pair = b.structure("pair", 16, &[("a", int, 0, 0), ("b", int, 64, 0)]);
        let vars = [("armed", int, 1), ("whole", int, 4), ("pair.0", pair, 4), ("pair.1", pair, 4), ("wide", int, 8)];
        let became = |c: &str, bytes: &str| (Some(c.to_owned()), bytes.to_owned());
        assert_eq!(
            cut(&mut b, &vars),
            [
                became("int armed", "unsigned char armed[1]"),
                (None, "int whole".to_owned()),
                became("struct pair pair.0", "unsigned char pair.0[4]"),
                became("struct pair pair.1", "unsigned char pair.1[4]"),
                (None, "int wide".to_owned()),
            ]
        );
        let added = b.0.types().filter(|(_, ty)| matches!(ty, Type::Array(_))).count();
        assert_eq!(added, 2, "one for each length");
    }

    /// Clang leaves variables with SEC() whole; another compiler may not.
    #[test]
    fn a_percpu_variable_can_be_cut() {
        let mut object = include_bytes!("../../../fixtures/counters.bpf.o").to_vec();
        let parsed = crate::object::Object::parse("counters.bpf.o", &object).unwrap();
        let (_, datasec) =
            parsed.btf.datasecs().find(|(_, datasec)| parsed.btf.name(datasec.name) == ".percpu").unwrap();
        let hits = datasec.vars.iter().find(|entry| parsed.btf.name_of(entry.ty) == "hits").unwrap();
        let entry = |size: u32| [hits.ty.0, 0, size].map(u32::to_le_bytes).concat();
        let at = object.windows(12).position(|bytes| bytes == entry(8)).unwrap();
        object[at..at + 12].copy_from_slice(&entry(2));
        let skeleton = crate::Skeleton::new("counters.bpf.o", &object).unwrap();
        let source = skeleton.source(&crate::emit::Options::default()).unwrap();
        assert!(source.contains("bytes that the compiler kept of `__u64 hits`"), "{source}");
        assert!(source.contains("pub hits: [u8; 2]"), "{source}");
        assert!(skeleton.plan.programs.iter().any(|program| program.lowered.is_some()));
    }

    #[test]
    fn types_without_a_size_become_bytes() {
        let mut b = Builder::default();
        let char = b.int("unsigned char", 1, 0);
        let nothing = b.typedef("nothing", TypeId(0));
        let types = b.0.types().count();
        let vars = [("lost", TypeId(0), 3), ("typedef", nothing, 3)];
        let cut = cut(&mut b, &vars);
        assert_eq!(
            cut.iter().map(|(_, now)| now.as_str()).collect::<Vec<_>>(),
            ["unsigned char lost[3]", "unsigned char typedef[3]"]
        );
        // Added: two variables, the section, an array and its index type. The element type is the object's.
        assert_eq!(b.0.types().count(), types + 5);
        let elem = |(_, ty): (TypeId, &Type)| matches!(ty, Type::Array(array) if array.elem == char).then_some(());
        assert_eq!(b.0.types().find_map(elem), Some(()));
    }
}
