//! The objects. Each function takes the number of parts.

use skelgen::btf::{DeclTag, Func, FuncProto, Linkage, Param, StrOff, Type, TypeId};

use super::elf::*;

/// Functions with `n` parameters that have no name, 60,000 at most each.
pub(super) fn params(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    for at in 0..n.div_ceil(60_000) {
        object.func(&format!("f{at}"), (n - 60_000 * at).min(60_000));
    }
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` functions with four such parameters.
pub(super) fn params_of_many(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    for _ in 0..n {
        let params = vec![Param { name: StrOff(0), ty: int }; 4];
        let proto = object.add(Type::FuncProto(FuncProto { ret: int, params }));
        let name = object.btf.add_str("f").unwrap();
        object.add(Type::Func(Func { name, proto, linkage: Linkage::Global }));
    }
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` programs that share `n` functions, each of which calls the next.
pub(super) fn shared(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let mut code = Vec::new();
    let text = object.code(".text", Vec::new());
    let mut functions = Vec::new();
    for at in 0..n {
        functions.push(object.symbol(&format!("f{at}"), FUNC, text, code.len() as u64, 24));
        code.extend(CALL_INSN);
        code.extend(RETURN_0);
    }
    for at in 0..n {
        let to = functions[(at + 1).min(n - 1)];
        if at + 1 < n {
            object.relocate(text, 24 * at as u64, to, CALL);
        }
    }
    // The last does not call itself.
    let len = code.len();
    code[len - 24..len - 16].copy_from_slice(&[0xb7, 0, 0, 0, 0, 0, 0, 0]);
    object.fill(text, code);
    let mut programs = Vec::new();
    let section = object.code("raw_tp", Vec::new());
    for at in 0..n {
        object.symbol(&format!("p{at}"), FUNC, section, 24 * at as u64, 24);
        object.relocate(section, 24 * at as u64, functions[0], CALL);
        programs.extend(CALL_INSN);
        programs.extend(RETURN_0);
    }
    object.fill(section, programs);
    object.finish()
}

/// `n` programs in one section, with types and lines.
pub(super) fn programs(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let section = object.code("raw_tp", RETURN_0.repeat(n));
    for at in 0..n {
        object.symbol(&format!("p{at}"), FUNC, section, 16 * at as u64, 16);
    }
    let func = object.func("p", 0);
    (0..n).for_each(|at| object.func_info("raw_tp", func, 16 * at as u32));
    object.line_info("raw_tp", "text", 2 * n as u32);
    object.finish()
}

/// `n` programs with two names each.
pub(super) fn aliases(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let section = object.code("raw_tp", RETURN_0.repeat(n));
    for at in 0..n {
        object.symbol(&format!("p{at}"), FUNC, section, 16 * at as u64, 16);
        object.symbol(&format!("q{at}"), FUNC, section, 16 * at as u64, 16);
    }
    object.finish()
}

/// `n` programs in sections of their own.
pub(super) fn code_sections(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    for at in 0..n {
        object.program(&format!("raw_tp/s{at}"), &format!("p{at}"), RETURN_0.to_vec());
    }
    object.finish()
}

/// `n` variables in sections of their own.
pub(super) fn data_sections(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    for at in 0..n {
        let section = object.section(&format!(".data.s{at}"), vec![1; 4]);
        object.symbol(&format!("v{at}"), OBJECT, section, 0, 4);
        object.datasec(&format!(".data.s{at}"), &[(format!("v{at}"), int, 4)]);
    }
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` empty sections.
pub(super) fn empty_sections(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    for at in 0..n {
        object.section(&format!("s{at}"), Vec::new());
    }
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` maps.
pub(super) fn maps(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let [kind, four, one] = [2, 4, 1].map(|number| object.uint(int, number));
    let of = [("type", kind), ("key_size", four), ("value_size", four), ("max_entries", one)];
    let ty = object.structure("map", &of, 8);
    let vars: Vec<_> = (0..n).map(|at| (format!("m{at}"), ty, 32)).collect();
    let section = object.section(".maps", vec![0; 32 * n]);
    for at in 0..n {
        object.symbol(&format!("m{at}"), OBJECT, section, 32 * at as u64, 32);
    }
    object.datasec(".maps", &vars);
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` variables in one section.
pub(super) fn variables(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let vars: Vec<_> = (0..n).map(|at| (format!("v{at}"), int, 4)).collect();
    let section = object.section(".data", vec![1; 4 * n]);
    for at in 0..n {
        object.symbol(&format!("v{at}"), OBJECT, section, 4 * at as u64, 4);
    }
    object.datasec(".data", &vars);
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` variables that hold addresses.
pub(super) fn addresses(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let pointer = object.add(Type::Ptr(int));
    let vars: Vec<_> = (0..n).map(|at| (format!("v{at}"), pointer, 8)).collect();
    let section = object.section(".data", vec![0; 8 * n]);
    for at in 0..n {
        let symbol = object.symbol(&format!("v{at}"), OBJECT, section, 8 * at as u64, 8);
        object.relocate(section, 8 * at as u64, symbol, ABS64);
    }
    object.datasec(".data", &vars);
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` references to one variable.
pub(super) fn references(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let section = object.section(".data", vec![1; 4]);
    let symbol = object.symbol("v", OBJECT, section, 0, 4);
    object.datasec(".data", &[("v".to_owned(), int, 4)]);
    let mut code = [[0x18, 1, 0, 0, 0, 0, 0, 0], [0; 8]].concat().repeat(n);
    code.extend(RETURN_0);
    let section = object.program("raw_tp", "main_program", code);
    for at in 0..n {
        object.relocate(section, 16 * at as u64, symbol, IMM64);
    }
    object.finish()
}

/// A chain of `n / 2` typedefs, and as many variables of the last.
pub(super) fn typedefs(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let mut ty = object.int();
    for at in 0..n / 2 {
        ty = object.typedef(&format!("t{at}"), ty);
    }
    let vars: Vec<_> = (0..n / 2).map(|at| (format!("v{at}"), ty, 4)).collect();
    let section = object.section(".data", vec![1; 2 * n]);
    for at in 0..n / 2 {
        object.symbol(&format!("v{at}"), OBJECT, section, 4 * at as u64, 4);
    }
    object.datasec(".data", &vars);
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// A struct of `n` members.
pub(super) fn members(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let names: Vec<_> = (0..n).map(|at| format!("m{at}")).collect();
    let members: Vec<_> = names.iter().map(|name| (name.as_str(), int)).collect();
    let ty = object.structure("s", &members, 4);
    let section = object.section(".data", vec![1; 4 * n]);
    object.symbol("v", OBJECT, section, 0, 4 * n as u64);
    object.datasec(".data", &[("v".to_owned(), ty, 4 * n as u32)]);
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// A struct of `n` members, all of one name.
pub(super) fn namesakes(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let ty = object.structure("s", &vec![("same", int); n], 4);
    let section = object.section(".data", vec![1; 4 * n]);
    object.symbol("v", OBJECT, section, 0, 4 * n as u64);
    object.datasec(".data", &[("v".to_owned(), ty, 4 * n as u32)]);
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    object.finish()
}

/// `n` programs that call one global function each, whose argument is tagged as the context.
pub(super) fn contexts(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let pointer = object.add(Type::Ptr(TypeId(0)));
    let text = object.code(".text", RETURN_0.repeat(n));
    let section = object.code("raw_tp", [&CALL_INSN[..], &RETURN_0].concat().repeat(n));
    let tag = object.btf.add_str("arg:ctx").unwrap();
    for at in 0..n {
        let name = format!("f{at}");
        let callee = object.symbol(&name, FUNC, text, 16 * at as u64, 16);
        object.symbol(&format!("p{at}"), FUNC, section, 24 * at as u64, 24);
        object.relocate(section, 24 * at as u64, callee, CALL);
        let params = vec![Param { name: object.btf.add_str("ctx").unwrap(), ty: pointer }];
        let proto = object.add(Type::FuncProto(FuncProto { ret: int, params }));
        let name = object.btf.add_str(&name).unwrap();
        let func = object.add(Type::Func(Func { name, proto, linkage: Linkage::Global }));
        object.add(Type::DeclTag(DeclTag { name: tag, ty: func, component: 0, attribute: false }));
        object.func_info(".text", func, 16 * at as u32);
    }
    let main = object.func("p", 0);
    (0..n).for_each(|at| object.func_info("raw_tp", main, 24 * at as u32));
    object.finish()
}

/// `n` symbols whose names are ends of one name of `n` bytes.
pub(super) fn long_names(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let section = object.section(".data", vec![1; 4]);
    object.symbol(&"x".repeat(n), OBJECT, section, 0, 4);
    object.program("raw_tp", "main_program", RETURN_0.to_vec());
    (0..n).for_each(|at| object.symbol_named(2 + at as u32, OBJECT, section));
    object.finish()
}

/// One program of which `n` instructions read a per-CPU variable, in functions of their own.
pub(super) fn lowered(n: usize) -> Vec<u8> {
    let mut object = ObjectWriter::new();
    let int = object.int();
    let data = object.section(".percpu", vec![0; 4]);
    let variable = object.symbol("v", OBJECT, data, 0, 4);
    object.datasec(".percpu", &[("v".to_owned(), int, 4)]);
    let read = [&[0x18, 1, 0, 0, 0, 0, 0, 0][..], &[0; 8]].concat();
    let text = object.code(".text", [&read[..], &RETURN_0].concat().repeat(n));
    let code = [CALL_INSN.repeat(n), RETURN_0.to_vec()].concat();
    let section = object.program("raw_tp", "main_program", code);
    let functions: Vec<_> = (0..n).map(|at| object.symbol(&format!("f{at}"), FUNC, text, 32 * at as u64, 32)).collect();
    (0..n).for_each(|at| object.relocate(text, 32 * at as u64, variable, IMM64));
    (0..n).for_each(|at| object.relocate(section, 8 * at as u64, functions[at], CALL));
    object.finish()
}
