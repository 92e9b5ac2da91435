//! Exception callbacks: the function that runs when a program throws (`bpf_throw`), which nothing in it calls.
//!
//! A program names its own with a declaration tag, `exception_callback:NAME`. The kernel wants the function in the
//! program, behind all others.

use std::collections::HashMap;

use super::functions::{Functions, TEXT};
use super::model::{FuncIdx, ProgramDef};
use crate::btf::{Btf, Type};
use crate::{Error, Result};

const TAG: &str = "exception_callback:";

/// Fills in [`ProgramDef::exception_callback`].
pub(super) fn assign(btf: &Btf, functions: &Functions, programs: &mut [ProgramDef]) -> Result<()> {
    let by_name: HashMap<String, usize> =
        programs.iter().enumerate().rev().map(|(index, program)| (program.name.clone(), index)).collect();
    for (_, ty) in btf.types() {
        let Type::DeclTag(tag) = ty else { continue };
        let Some(callback) = btf.name(tag.name).strip_prefix(TAG).filter(|_| tag.component == -1) else { continue };
        let Type::Func(func) = btf.get(tag.ty) else {
            return Err(Error::unsupported(format!("the tag `{TAG}{callback}` is not on a function")));
        };
        let name = btf.name(func.name);
        let Some(program) = by_name.get(name).and_then(|&index| programs.get_mut(index)) else {
            let what = format!("the tag `{TAG}{callback}` is on a function that is no program");
            return Err(Error::unsupported(what).in_symbol(name));
        };
        let found = find(functions, callback).map_err(|error| error.in_symbol(name))?;
        // Of two, the kernel takes neither; its words say so.
        program.exception_callback = program.exception_callback.xor(Some(found));
    }
    Ok(())
}

fn find(functions: &Functions, name: &str) -> Result<FuncIdx> {
    let index = functions.all.iter().position(|function| function.section == TEXT && function.name == name);
    match index.map(|index| (index, &functions.all[index])) {
        Some((index, function)) if function.global => Ok(FuncIdx(index)),
        Some(_) => Err(Error::unsupported(format!("its exception callback {name} is not a global function"))),
        None => Err(Error::unresolved(format!("its exception callback {name} is not among the functions of {TEXT}"))),
    }
}
