//! Which functions are programs: those of every code section but `.text`, whose functions are called by others.

use super::functions::Functions;
use super::model::{FuncIdx, ProgramDef};
use super::sec;
use crate::btf::{Btf, Linkage};
use crate::{Error, Result};

const TEXT: &str = ".text";

/// The programs, in the order of their definition.
pub(super) fn programs(functions: &Functions) -> Result<Vec<ProgramDef>> {
    let mut programs = Vec::new();
    for (index, function) in functions.all.iter().enumerate().filter(|(_, function)| function.section != TEXT) {
        let sec = sec::parse(&function.section).ok_or_else(|| {
            Error::unsupported("the section's name is not one of a program type")
                .in_section(function.section.as_str())
                .in_symbol(function.name.as_str())
        })?;
        if !function.global {
            let what = "a static function cannot be a program (static functions belong into .text)";
            return Err(Error::unsupported(what)
                .in_section(function.section.as_str())
                .in_symbol(function.name.as_str()));
        }
        programs.push(ProgramDef {
            entry: FuncIdx(index),
            name: function.name.clone(),
            section: function.section.clone(),
            exception_callback: None,
            sec,
        });
    }
    Ok(programs)
}

/// Makes hidden functions static in BTF: the verifier then checks them with each caller, as the author asked.
pub(super) fn fix_linkage(functions: &Functions, btf: &mut Btf) {
    for function in functions.all.iter().filter(|function| function.section == TEXT && !function.global) {
        if let Some(func) = function.type_id.and_then(|id| btf.func_mut(id)) {
            func.linkage = Linkage::Static;
        }
    }
}
