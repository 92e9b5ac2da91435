//! Which functions are programs: those of every code section but `.text`, whose functions are called by others.

use std::collections::{BTreeMap, HashMap};
use std::iter;

use super::functions::{Functions, TEXT};
use super::model::{FuncIdx, ProgramDef};
use super::sec::{self, SecDef};
use crate::btf::{Btf, Linkage};
use crate::{Error, Result};

/// The most programs an object can have. Each takes a file descriptor and some 2,000 bytes of Rust.
const MAX_PROGRAMS: usize = 8192;

/// The programs, in the order of their definition. One function with several names is as many programs, each behind the
/// first.
///
/// # Errors
///
/// There are more than `MAX_PROGRAMS`.
pub(super) fn programs(functions: &Functions) -> Result<Vec<ProgramDef>> {
    let mut programs = Vec::new();
    let mut aliases: BTreeMap<usize, Vec<&String>> = BTreeMap::new();
    for (of, name) in &functions.aliases {
        aliases.entry(of.0).or_default().push(name);
    }
    for (index, function) in functions.all.iter().enumerate().filter(|(_, function)| function.section != TEXT) {
        let aliases = aliases.remove(&index).unwrap_or_default();
        if programs.len() + aliases.len() >= MAX_PROGRAMS {
            let what = format!("with it the object has more than {MAX_PROGRAMS} programs");
            return Err(Error::too_large(what).in_symbol(&function.name).in_section(&function.section));
        }
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
    Ok(programs)
}

/// The first program of each entry function.
pub(super) fn by_entry(programs: &[ProgramDef]) -> HashMap<FuncIdx, usize> {
    let mut found = HashMap::new();
    for (index, program) in programs.iter().enumerate() {
        found.entry(program.entry).or_insert(index);
    }
    found
}

/// Makes hidden functions static in BTF: the verifier then checks them with each caller, as the author asked.
pub(super) fn fix_linkage(functions: &Functions, btf: &mut Btf) {
    for function in functions.all.iter().filter(|function| function.section == TEXT && !function.global) {
        if let Some(func) = function.type_id.and_then(|id| btf.func_mut(id)) {
            func.linkage = Linkage::Static;
        }
    }
}
