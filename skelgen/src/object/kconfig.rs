//! `.kconfig`: what a program wants to know of the kernel that it will run on.
//!
//! `extern int CONFIG_HZ __kconfig;` is an undefined symbol and a variable of the BTF section `.kconfig`, which ELF
//! does not have. The variables become a map like `.rodata`, laid out here; the runtime fills in what the machine's
//! kernel was configured with. The counterparts are `bpf_object__collect_externs` and `find_kcfg_type` in
//! `tools/lib/bpf/libbpf.c`, whose layout is kept, since offsets stand in the programs.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::data;
use super::elf::{Bind, Elf};
use super::model::{Data, Kconfig, Map, MapDef, Var};
use super::{DataKind, KconfigType};
use crate::btf::{Btf, DatasecVar, Int, Kind, Linkage, Type, TypeId};
use crate::uapi::{BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY};
use crate::{Error, Result};

const KCONFIG: &str = ".kconfig";

/// Bytes of all values at most. The kernel would take more, but no configuration has strings so long.
const MAX_SIZE: u32 = 1 << 20;

/// What is not of the kernel's configuration, but known of a running kernel.
const KNOWN: [&str; 3] = ["LINUX_KERNEL_VERSION", "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER"];

/// The map of `.kconfig`, if the object has one. In BTF, the section gets its layout, and its variables stand for
/// memory, as the kernel wants them.
pub(super) fn map(elf: &Elf<'_>, btf: &mut Btf, object: &str) -> Result<Option<Map>> {
    let Some(id) = btf.find(Kind::Datasec, KCONFIG) else { return Ok(None) };
    let placed = lay_out(elf, btf, id).map_err(|error| error.in_section(KCONFIG))?;
    let Some(last) = placed.last() else { return Ok(None) };
    let value_size = last.var.offset + last.var.size;
    describe(btf, id, &placed, value_size);
    let vars = placed.into_iter().map(|placed| placed.var).collect();
    Ok(Some(Map {
        name: KCONFIG.to_owned(),
        kernel_name: data::kernel_name(object, KCONFIG),
        def: MapDef {
            map_type: BPF_MAP_TYPE_ARRAY,
            key_size: 4,
            value_size,
            max_entries: 1,
            map_flags: BPF_F_MMAPABLE | BPF_F_RDONLY_PROG,
            value_type: Some(id),
            ..MapDef::default()
        },
        inner: None,
        slots: Vec::new(),
        arena: None,
        // Zeroes all the same, for the runtime to have room in the image.
        data: Some(Data { kind: DataKind::Kconfig, bytes: vec![0; value_size as usize], vars }),
        struct_ops: None,
    }))
}

/// A variable, its BTF and its alignment.
struct Placed {
    id: TypeId,
    align: u32,
    var: Var,
}

/// The variables where libbpf has them: by falling alignment, then by rising size, then by name.
fn lay_out(elf: &Elf<'_>, btf: &Btf, id: TypeId) -> Result<Vec<Placed>> {
    let Some(datasec) = btf.get(id).as_datasec() else { return Ok(Vec::new()) };
    let weak: HashMap<&str, bool> = elf
        .symbols
        .iter()
        .filter(|symbol| symbol.section.is_none() && symbol.bind != Bind::Local)
        .map(|symbol| (symbol.name.as_str(), symbol.bind == Bind::Weak))
        .collect();
    let mut placed = Vec::new();
    for entry in &datasec.vars {
        let name = btf.name_of(entry.ty);
        let weak = weak.get(name).copied();
        placed.push(var(btf, entry.ty, weak).map_err(|error| error.in_symbol(name))?);
    }
    placed
        .sort_by(|a, b| (Reverse(a.align), a.var.size, &a.var.name).cmp(&(Reverse(b.align), b.var.size, &b.var.name)));
    let mut end: u32 = 0;
    for Placed { align, var, .. } in &mut placed {
        let place = end.checked_next_multiple_of(*align).and_then(|at| Some((at, at.checked_add(var.size)?)));
        let (at, past) = place.filter(|&(_, past)| past <= MAX_SIZE).ok_or_else(|| {
            Error::too_large(format!("with it the values would pass {MAX_SIZE} bytes")).in_symbol(var.name.as_str())
        })?;
        (var.offset, end) = (at, past);
    }
    Ok(placed)
}

/// A variable that has no place yet. `weak` is what its symbol says.
fn var(btf: &Btf, id: TypeId, weak: Option<bool>) -> Result<Placed> {
    let Some(decl) = btf.get(id).as_var() else {
        return Err(Error::unsupported("only variables can be in .kconfig"));
    };
    if decl.linkage != Linkage::Extern {
        return Err(Error::unsupported("only what is declared `extern` can be in .kconfig"));
    }
    let weak = weak.ok_or_else(|| Error::malformed("BTF has a variable without an undefined symbol"))?;
    let (name, c_type) = (btf.name(decl.name), || btf.c_type(decl.ty));
    let ty = kconfig_type(btf, decl.ty).ok_or_else(|| {
        Error::unsupported(format!(
            "`{}`: a value in .kconfig is a bool, a char, an integer of up to 8 bytes, an array of chars or `enum \
             libbpf_tristate`",
            c_type()
        ))
    })?;
    check_name(name, weak)?;
    if !name.starts_with("CONFIG_") && matches!(ty, KconfigType::String | KconfigType::Tristate) {
        return Err(Error::unsupported(format!("`{}`: its value is a number", c_type())));
    }
    let (size, align) = (btf.size_of(decl.ty)?, btf.align_of(decl.ty)?);
    let kconfig = Some(Kconfig { ty, weak });
    Ok(Placed {
        id,
        align,
        var: Var { name: name.to_owned(), type_id: decl.ty, offset: 0, size, notes: Vec::new(), kconfig },
    })
}

/// Whether anything gives a variable of this name its value.
fn check_name(name: &str, weak: bool) -> Result<()> {
    if name.starts_with("CONFIG_") || KNOWN.contains(&name) {
        return Ok(());
    }
    if !name.starts_with("LINUX_") {
        return Err(Error::unresolved("names in .kconfig must begin with CONFIG_ or LINUX_"));
    }
    // As of an option that the kernel does not have: 0 means that it is not known.
    if weak {
        return Ok(());
    }
    Err(Error::unresolved(format!("the LINUX_ names are {}; declare others __weak to read 0", KNOWN.join(", "))))
}

/// What is taken for the value of a variable; `None` if it can have none.
fn kconfig_type(btf: &Btf, id: TypeId) -> Option<KconfigType> {
    match btf.get_resolved(id) {
        Type::Int(int) => scalar(int),
        Type::Enum(def) if def.size == 4 && btf.name(def.name) == "libbpf_tristate" => Some(KconfigType::Tristate),
        Type::Enum64(def) if def.size == 8 && btf.name(def.name) == "libbpf_tristate" => Some(KconfigType::Tristate),
        Type::Array(array) if array.len > 0 => match btf.get_resolved(array.elem) {
            Type::Int(int) if matches!(scalar(int), Some(KconfigType::Char { .. })) => Some(KconfigType::String),
            _ => None,
        },
        _ => None,
    }
}

fn scalar(int: &Int) -> Option<KconfigType> {
    let signed = int.is_signed();
    match int.size {
        1 if int.is_bool() => Some(KconfigType::Bool),
        _ if int.is_bool() => None,
        1 => Some(KconfigType::Char { signed }),
        2 | 4 | 8 => Some(KconfigType::Int { signed }),
        _ => None,
    }
}

/// Writes the layout into BTF, whose kernel knows no variables that are elsewhere.
fn describe(btf: &mut Btf, id: TypeId, placed: &[Placed], size: u32) {
    if let Some(datasec) = btf.datasec_mut(id) {
        datasec.size = size;
        datasec.vars = placed
            .iter()
            .map(|Placed { id, var, .. }| DatasecVar { ty: *id, offset: var.offset, size: var.size })
            .collect();
    }
    for Placed { id, .. } in placed {
        if let Some(var) = btf.var_mut(*id) {
            var.linkage = Linkage::Global;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endian;
    use crate::btf::build::Builder;
    use crate::btf::{Datasec, Var as VarType};
    use crate::object::elf::{Symbol, SymbolKind};

    /// An undefined symbol.
    fn symbol(name: &str, weak: bool) -> Symbol {
        Symbol {
            name: name.to_owned(),
            kind: SymbolKind::Other,
            bind: if weak { Bind::Weak } else { Bind::Global },
            hidden: false,
            section: None,
            common: false,
            value: 0,
            size: 0,
        }
    }

    /// The map of the variables that `declare` names with their types.
    fn map_of(
        weak: bool,
        linkage: Linkage,
        declare: impl FnOnce(&mut Builder) -> Vec<(&'static str, TypeId)>,
    ) -> (Result<Option<Map>>, Btf) {
        let mut b = Builder::default();
        let (mut symbols, mut vars) = (Vec::new(), Vec::new());
        for (name, ty) in declare(&mut b) {
            symbols.push(symbol(name, weak));
            let name = b.str(name);
            let ty = b.add(Type::Var(VarType { name, ty, linkage }));
            vars.push(DatasecVar { ty, offset: 0, size: 0 });
        }
        let name = b.str(KCONFIG);
        b.add(Type::Datasec(Datasec { name, size: 0, vars }));
        let elf = Elf::new(Endian::Little, Vec::new(), symbols);
        (map(&elf, &mut b.0, "an_object"), b.0)
    }

    fn refusal(declare: impl FnOnce(&mut Builder) -> Vec<(&'static str, TypeId)>) -> String {
        map_of(true, Linkage::Extern, declare).0.unwrap_err().to_string()
    }

    #[test]
    fn the_layout_is_libbpfs() {
        let (map, btf) = map_of(false, Linkage::Extern, |b| {
            let int = b.int("int", 4, Int::SIGNED);
            let short = b.int("unsigned short", 2, 0);
            let long = b.int("long", 8, Int::SIGNED);
            let bool = b.int("_Bool", 1, Int::BOOL);
            let char = b.int("char", 1, Int::SIGNED | Int::CHAR);
            let text = b.array(char, 5);
            let tristate = b.enumeration("libbpf_tristate", 4, false, &[("TRI_NO", 0)]);
            let constant = b.add(Type::Const(int));
            let number = b.typedef("number", constant);
            vec![
                ("CONFIG_TEXT", text),
                ("CONFIG_SWITCH", bool),
                ("CONFIG_B", number),
                ("CONFIG_SHORT", short),
                ("CONFIG_A", int),
                ("CONFIG_LETTER", char),
                ("CONFIG_TRI", tristate),
                ("LINUX_KERNEL_VERSION", long),
            ]
        });
        let map = map.unwrap().unwrap();
        let vars = &map.data.as_ref().unwrap().vars;
        let vars: Vec<_> = vars.iter().map(|var| (var.name.as_str(), var.offset, var.size)).collect();
        let expected = [
            ("LINUX_KERNEL_VERSION", 0, 8),
            ("CONFIG_A", 8, 4),
            ("CONFIG_B", 12, 4),
            ("CONFIG_TRI", 16, 4),
            ("CONFIG_SHORT", 20, 2),
            ("CONFIG_LETTER", 22, 1),
            ("CONFIG_SWITCH", 23, 1),
            ("CONFIG_TEXT", 24, 5),
        ];
        assert_eq!(vars, expected);
        assert_eq!((map.kernel_name.as_str(), map.def.value_size), ("an_obje.kconfig", 29));

        let datasec = btf.get(btf.find(Kind::Datasec, KCONFIG).unwrap()).as_datasec().unwrap();
        let described: Vec<_> = datasec.vars.iter().map(|var| (btf.name_of(var.ty), var.offset, var.size)).collect();
        assert_eq!((described.as_slice(), datasec.size), (&expected[..], 29));
        assert!(datasec.vars.iter().all(|var| btf.get(var.ty).as_var().unwrap().linkage == Linkage::Global));
    }

    #[test]
    fn what_has_no_value_is_refused() {
        let type_of = |make: fn(&mut Builder) -> TypeId| {
            let refusal = refusal(|b| vec![("CONFIG_X", make(b))]);
            refusal
                .strip_prefix("section .kconfig: CONFIG_X: ")
                .unwrap()
                .split(": a value in")
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(type_of(|b| b.int("__int128", 16, Int::SIGNED)), "`__int128`");
        assert_eq!(type_of(|b| b.int("odd", 3, 0)), "`odd`");
        assert_eq!(type_of(|b| b.int("large_bool", 4, Int::BOOL)), "`large_bool`");
        assert_eq!(type_of(|b| b.enumeration("colour", 4, false, &[])), "`enum colour`");
        assert_eq!(type_of(|b| b.enumeration("libbpf_tristate", 2, false, &[])), "`enum libbpf_tristate`");
        assert_eq!(type_of(|b| b.structure("s", 0, &[])), "`struct s`");
        let array_of = |b: &mut Builder, size, encoding, len| {
            let elem = b.int("elem", size, encoding);
            b.array(elem, len)
        };
        assert_eq!(type_of(|_| TypeId(0)), "`void`");
        let arrays = [(1, Int::CHAR, 0), (2, 0, 3), (1, Int::BOOL, 3)];
        for (size, encoding, len) in arrays {
            let refusal = refusal(|b| vec![("CONFIG_X", array_of(b, size, encoding, len))]);
            assert!(refusal.contains(": a value in .kconfig is "), "{refusal}");
        }
        let nested = refusal(|b| {
            let text = array_of(b, 1, Int::CHAR, 3);
            vec![("CONFIG_X", b.array(text, 2))]
        });
        assert!(nested.contains(": a value in .kconfig is "), "{nested}");
    }

    #[test]
    fn what_is_no_option_is_a_number() {
        let text = |b: &mut Builder| {
            let char = b.int("char", 1, Int::CHAR);
            vec![("LINUX_X", b.array(char, 3))]
        };
        assert_eq!(refusal(text), "section .kconfig: LINUX_X: `char [3]`: its value is a number");
        let tristate = |b: &mut Builder| vec![("LINUX_X", b.enumeration("libbpf_tristate", 4, false, &[]))];
        assert_eq!(refusal(tristate), "section .kconfig: LINUX_X: `enum libbpf_tristate`: its value is a number");
    }

    #[test]
    fn only_undefined_variables_are_taken() {
        let int = |b: &mut Builder| vec![("CONFIG_X", b.int("int", 4, 0))];
        for linkage in [Linkage::Static, Linkage::Global] {
            let error = map_of(false, linkage, int).0.unwrap_err().to_string();
            assert_eq!(error, "section .kconfig: CONFIG_X: only what is declared `extern` can be in .kconfig");
        }
        let mut b = Builder::default();
        let func = b.func("CONFIG_F", Linkage::Extern, TypeId(0), &[]);
        let name = b.str(KCONFIG);
        let section = Type::Datasec(Datasec { name, size: 0, vars: vec![DatasecVar { ty: func, offset: 0, size: 0 }] });
        b.add(section);
        let elf = Elf::new(Endian::Little, Vec::new(), Vec::new());
        let error = map(&elf, &mut b.0.clone(), "o").unwrap_err().to_string();
        assert_eq!(error, "section .kconfig: CONFIG_F: only variables can be in .kconfig");

        let int = b.int("int", 4, 0);
        let var_name = b.str("CONFIG_X");
        let var = b.add(Type::Var(VarType { name: var_name, ty: int, linkage: Linkage::Extern }));
        let id = b.0.find(Kind::Datasec, KCONFIG).unwrap();
        b.0.datasec_mut(id).unwrap().vars = vec![DatasecVar { ty: var, offset: 0, size: 4 }];
        let error = map(&elf, &mut b.0, "o").unwrap_err().to_string();
        assert_eq!(error, "section .kconfig: CONFIG_X: BTF has a variable without an undefined symbol");
    }
}
