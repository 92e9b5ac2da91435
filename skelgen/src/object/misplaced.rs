//! Variables that BTF lists in another section than the one which has them.
//!
//! Clang decides twice. A union whose initial value is zero, and whose first member is shorter than the union, ends in bytes
//! without a value: `union { char a; int b; } both = {};`. When clang writes BTF this is no zero, so that BTF has `both` in
//! `.data`; when it writes the variable it is, so that `both` is in `.bss`. This module moves the entries to where the symbols
//! are. An entry of a static variable has its offset in the section where the variable is.

use std::collections::HashMap;

use super::data_kind;
use super::elf::{Bind, Elf, SectionKind, Symbol, SymbolKind};
use crate::Result;
use crate::btf::{Btf, Datasec, DatasecVar, Linkage, Type, TypeId};

/// Moves the entries of data sections' variables to the `DATASEC`s of the sections that have them.
pub(super) fn fix(elf: &Elf<'_>, btf: &mut Btf) -> Result<()> {
    let places = Places::of(elf);
    let mut moved: Vec<(&str, DatasecVar)> = Vec::new();
    let mut left: Vec<(TypeId, Vec<DatasecVar>)> = Vec::new();
    for (id, datasec) in btf.datasecs() {
        let section = btf.name(datasec.name);
        if data_kind(section).is_none() {
            continue;
        }
        let home = |entry: &DatasecVar| places.home(btf, section, entry);
        let (here, elsewhere): (Vec<_>, Vec<_>) = datasec.vars.iter().partition(|entry| home(entry).is_none());
        if !elsewhere.is_empty() {
            moved.extend(elsewhere.into_iter().filter_map(|entry| Some((home(entry)?, *entry))));
            left.push((id, here.into_iter().copied().collect()));
        }
    }
    for (id, vars) in left {
        match btf.get_mut(id) {
            // The kernel refuses a section without variables, and the IDs behind it must stay.
            Some(ty) if vars.is_empty() => *ty = Type::Ptr(TypeId(0)),
            Some(Type::Datasec(datasec)) => datasec.vars = vars,
            _ => {}
        }
    }
    for (section, entry) in moved {
        let known = btf.datasecs().find(|(_, datasec)| btf.name(datasec.name) == section).map(|(id, _)| id);
        let id = match known {
            Some(id) => id,
            None => {
                let name = btf.add_str(section)?;
                btf.add_type(Type::Datasec(Datasec { name, size: 0, vars: Vec::new() }))
            }
        };
        if let Some(datasec) = btf.datasec_mut(id) {
            datasec.vars.push(entry);
            datasec.vars.sort_by_key(|entry| entry.offset);
        }
    }
    Ok(())
}

/// Where the symbols of data sections are.
struct Places<'a> {
    /// The section of each global variable.
    globals: HashMap<&'a str, &'a str>,
    /// Section and offset of each static variable; several may have one name.
    statics: HashMap<&'a str, Vec<(&'a str, u64)>>,
}

impl<'a> Places<'a> {
    fn of(elf: &'a Elf<'a>) -> Places<'a> {
        let mut places = Places { globals: HashMap::new(), statics: HashMap::new() };
        let is_data = |kind| matches!(kind, SectionKind::Data | SectionKind::Zero);
        for Symbol { name, bind, section, value, .. } in
            elf.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Object)
        {
            let section = section.and_then(|section| elf.section_at(section));
            let Some(section) = section.filter(|section| is_data(section.kind) && data_kind(&section.name).is_some())
            else {
                continue;
            };
            if *bind == Bind::Local {
                places.statics.entry(name).or_default().push((&section.name, *value));
            } else {
                places.globals.insert(name, &section.name);
            }
        }
        places
    }

    /// The other section that has the variable, if one has.
    fn home(&self, btf: &Btf, section: &str, entry: &DatasecVar) -> Option<&'a str> {
        let decl = btf.get(entry.ty).as_var()?;
        let name = btf.name(decl.name);
        if decl.linkage == Linkage::Global {
            return self.globals.get(name).copied().filter(|home| *home != section);
        }
        let statics = self.statics.get(name).filter(|_| decl.linkage == Linkage::Static)?;
        match statics.as_slice() {
            [(home, offset)] if *home != section && *offset == u64::from(entry.offset) => Some(home),
            _ => None,
        }
    }
}
