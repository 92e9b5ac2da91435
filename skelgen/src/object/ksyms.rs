//! Ksyms: variables and functions that the object declares and the target's kernel has.
//!
//! Input: undefined symbols, and `.ksyms` in BTF, a section that ELF does not have. Output: [`Ksyms`], which finds one
//! by its symbol. What each is in a kernel, that kernel's loader finds out. The counterparts are
//! `bpf_object__collect_externs` and `bpf_object__resolve_externs` in `tools/lib/bpf/libbpf.c`.

use std::collections::HashMap;

use super::elf::{Bind, Elf, Symbol};
use super::ksym::{Ksym, KsymKind};
use super::model::{KsymIdx, Target};
use crate::btf::{Btf, DatasecVar, Int, Linkage, Type, TypeId, Var};
use crate::insn::Insn;
use crate::uapi::{BPF_CALL, BPF_JMP};
use crate::{Error, Result};

const KSYMS: &str = ".ksyms";

/// The size that the kernel is told each ksym has.
const DUMMY_SIZE: u32 = 4;

/// The object's ksyms, by their symbols.
#[derive(Default)]
pub(super) struct Ksyms {
    pub(super) all: Vec<Ksym>,
    by_symbol: HashMap<usize, KsymIdx>,
}

impl Ksyms {
    /// What `insn` refers to if `symbol` is a ksym.
    pub(super) fn target(&self, symbol: usize, insn: Insn) -> Option<Result<Target>> {
        let &index = self.by_symbol.get(&symbol)?;
        let Ksym { name, kind, .. } = &self.all[index.0];
        let is_call = insn.code == BPF_JMP | BPF_CALL;
        let refused = match () {
            () if is_call && *kind != KsymKind::Func => {
                Error::unsupported(format!("calls `{name}`, which is declared as a variable"))
            }
            () if !is_call && !insn.is_ld_imm64() => {
                Error::malformed(format!("relocation of instruction {:#04x}, which takes no address", insn.code))
            }
            () if insn.is_ld_imm64() && insn.imm != 0 => {
                Error::unsupported(format!("refers to {} bytes from `{name}`, not to its start", insn.imm))
            }
            () => return Some(Ok(Target::Ksym(index))),
        };
        Some(Err(refused))
    }
}

/// Finds the ksyms among the undefined symbols.
pub(super) fn ksyms(elf: &Elf<'_>, btf: &Btf) -> Ksyms {
    let declared: HashMap<&str, (KsymKind, TypeId)> = declarations(btf)
        .flat_map(|id| btf.get(id).as_datasec())
        .flat_map(|section| &section.vars)
        .filter_map(|entry| Some((btf.name_of(entry.ty), (kind(btf, entry.ty)?, entry.ty))))
        .collect();
    let mut ksyms = Ksyms::default();
    for (symbol, Symbol { name, bind, .. }) in elf.symbols.iter().enumerate().filter(|(_, symbol)| is_extern(symbol)) {
        if let Some(&(kind, id)) = declared.get(name.as_str()) {
            let ty = match btf.get(id) {
                Type::Func(func) => Some(func.proto),
                Type::Var(var) if kind == KsymKind::Var => Some(var.ty),
                _ => None,
            };
            // A type without a shape gets one that no type of the kernel has.
            let shape = ty.map(|ty| btf.shape(ty).unwrap_or_else(|| "?".to_owned()));
            let ksym = Ksym { name: name.clone(), kind, weak: *bind == Bind::Weak, shape };
            ksyms.by_symbol.insert(symbol, KsymIdx(ksyms.all.len()));
            ksyms.all.push(ksym);
        }
    }
    ksyms
}

fn is_extern(symbol: &Symbol) -> bool {
    symbol.section.is_none() && symbol.bind != Bind::Local && !symbol.name.is_empty()
}

fn kind(btf: &Btf, id: TypeId) -> Option<KsymKind> {
    match btf.get(id) {
        Type::Func(_) => Some(KsymKind::Func),
        Type::Var(var) if *btf.get_resolved(var.ty) == Type::Void => Some(KsymKind::Address),
        Type::Var(_) => Some(KsymKind::Var),
        _ => None,
    }
}

fn declarations(btf: &Btf) -> impl Iterator<Item = TypeId> {
    btf.datasecs().filter(|(_, section)| btf.name(section.name) == KSYMS).map(|(id, _)| id)
}

/// Makes of `.ksyms` what the kernel takes for types: functions that are not `extern`, and a section of variables of four
/// bytes each. What they are is not the kernel's to learn from the object.
pub(super) fn fix_btf(btf: &mut Btf) -> Result<()> {
    let sections: Vec<TypeId> = declarations(btf).collect();
    for section in sections {
        let Some(datasec) = btf.get(section).as_datasec() else { continue };
        let mut datasec = datasec.clone();
        let int = int(btf)?;
        let dummy = btf.add_str("dummy_ksym")?;
        let mut stand_in = None;
        for (entry, offset) in datasec.vars.iter_mut().zip((0..).step_by(DUMMY_SIZE as usize)) {
            if btf.get(entry.ty).as_func().is_some() {
                if let Some(func) = btf.func_mut(entry.ty) {
                    func.linkage = Linkage::Global;
                }
                let var = Var { name: dummy, ty: int, linkage: Linkage::Global };
                entry.ty = *stand_in.get_or_insert_with(|| btf.add_type(Type::Var(var)));
            } else if let Some(var) = btf.var_mut(entry.ty) {
                (var.ty, var.linkage) = (int, Linkage::Global);
            }
            *entry = DatasecVar { offset, size: DUMMY_SIZE, ..*entry };
        }
        datasec.size = DUMMY_SIZE * datasec.vars.len() as u32;
        if let Some(place) = btf.datasec_mut(section) {
            *place = datasec;
        }
    }
    Ok(())
}

/// An `int`, of whatever name.
fn int(btf: &mut Btf) -> Result<TypeId> {
    let found = btf.types().find(|(_, ty)| matches!(ty, Type::Int(int) if int.size == DUMMY_SIZE && int.bits == 32));
    if let Some((id, _)) = found {
        return Ok(id);
    }
    let name = btf.add_str("int")?;
    Ok(btf.add_type(Type::Int(Int { name, size: DUMMY_SIZE, encoding: Int::SIGNED, offset: 0, bits: 32 })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::Datasec;
    use crate::btf::build::Builder;
    use crate::insn::build::{R1, R2, Size, call, ld_imm64, load};

    #[test]
    fn only_what_can_refer_to_a_ksym_does() {
        let all = [("func", KsymKind::Func), ("var", KsymKind::Var)].map(|(name, kind)| Ksym {
            name: name.to_owned(),
            kind,
            weak: false,
            shape: None,
        });
        let ksyms = Ksyms { all: all.to_vec(), by_symbol: HashMap::from([(3, KsymIdx(0)), (4, KsymIdx(1))]) };
        let target = |symbol, insn| ksyms.target(symbol, insn).map(|target| target.map_err(|error| error.to_string()));
        let address = ld_imm64(R1, 0, 0, 0)[0];
        assert_eq!(target(2, address), None);
        assert_eq!(target(3, call(-1)), Some(Ok(Target::Ksym(KsymIdx(0)))));
        assert_eq!(target(3, address), Some(Ok(Target::Ksym(KsymIdx(0)))));
        assert_eq!(target(4, address), Some(Ok(Target::Ksym(KsymIdx(1)))));

        let refused = |symbol, insn| target(symbol, insn).unwrap().unwrap_err();
        assert_eq!(refused(4, call(-1)), "calls `var`, which is declared as a variable");
        assert_eq!(refused(4, ld_imm64(R1, 0, 8, 0)[0]), "refers to 8 bytes from `var`, not to its start");
        assert_eq!(refused(3, load(Size::W, R1, R2, 0)), "relocation of instruction 0x61, which takes no address");
    }

    #[test]
    fn the_kernel_is_shown_plain_variables() {
        let mut b = Builder::default();
        let int = b.int("int", 4, Int::SIGNED);
        let void = b.add(Type::Const(TypeId(0)));
        let func = b.func("kfunc", Linkage::Extern, int, &[("skb", int)]);
        let other = b.func("other", Linkage::Extern, int, &[]);
        let extern_var = |b: &mut Builder, name, ty| {
            let name = b.str(name);
            b.add(Type::Var(Var { name, ty, linkage: Linkage::Extern }))
        };
        let [address, var] = [("address", void), ("var", func)].map(|(name, ty)| extern_var(&mut b, name, ty));
        let vars = [func, address, other, var].map(|ty| DatasecVar { ty, offset: 0, size: 0 }).to_vec();
        let name = b.str(KSYMS);
        let section = b.add(Type::Datasec(Datasec { name, size: 0, vars }));
        let mut btf = b.0;
        assert_eq!(kind(&btf, func), Some(KsymKind::Func));
        assert_eq!(kind(&btf, address), Some(KsymKind::Address));
        assert_eq!(kind(&btf, var), Some(KsymKind::Var));

        fix_btf(&mut btf).unwrap();
        let fixed = btf.get(section).as_datasec().unwrap();
        let entries: Vec<_> = fixed.vars.iter().map(|var| (btf.name_of(var.ty), var.offset, var.size)).collect();
        assert_eq!(entries, [("dummy_ksym", 0, 4), ("address", 4, 4), ("dummy_ksym", 8, 4), ("var", 12, 4)]);
        assert_eq!((fixed.size, fixed.vars[0].ty), (16, fixed.vars[2].ty));
        for entry in &fixed.vars {
            let var = btf.get(entry.ty).as_var().unwrap();
            assert_eq!((var.ty, var.linkage), (int, Linkage::Global));
        }
        assert_eq!(btf.get(func).as_func().unwrap().linkage, Linkage::Global);
    }
}
