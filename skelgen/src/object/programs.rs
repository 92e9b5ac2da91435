//! Which functions are programs: those of every code section but `.text`, whose functions are called by others.

use std::iter;

use super::functions::{Functions, TEXT};
use super::model::{FuncIdx, ProgramDef};
use super::sec::{self, SecDef};
use crate::btf::{Btf, Linkage};

/// The programs, in the order of their definition. One function with several names is as many programs, each behind the
/// first.
pub(super) fn programs(functions: &Functions) -> Vec<ProgramDef> {
    let mut programs = Vec::new();
    for (index, function) in functions.all.iter().enumerate().filter(|(_, function)| function.section != TEXT) {
        let aliases = functions.aliases.iter().filter(|(of, _)| of.0 == index).map(|(_, name)| name);
        for name in iter::once(&function.name).chain(aliases) {
            programs.push(ProgramDef {
                entry: FuncIdx(index),
                name: name.clone(),
                section: function.section.clone(),
                exception_callback: None,
                // libbpf takes it too, for the user to say what it is.
                sec: sec::parse(&function.section).unwrap_or_else(|| SecDef::unknown(&function.section)),
            });
        }
    }
    programs
}

/// Makes hidden functions static in BTF: the verifier then checks them with each caller, as the author asked.
pub(super) fn fix_linkage(functions: &Functions, btf: &mut Btf) {
    for function in functions.all.iter().filter(|function| function.section == TEXT && !function.global) {
        if let Some(func) = function.type_id.and_then(|id| btf.func_mut(id)) {
            func.linkage = Linkage::Static;
        }
    }
}
