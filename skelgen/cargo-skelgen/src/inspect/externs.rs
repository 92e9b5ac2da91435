//! Externs: the kernel's functions, variables and configuration.

use serde::Serialize;
use skelgen::btf::{Btf, Linkage, Type, TypeId};
use skelgen::object::outline::Outline;

use crate::ui::{Align, Cell, Table, style};

/// An extern.
#[derive(Debug, Serialize)]
pub(crate) struct Extern {
    name: String,
    /// `kconfig`, `ksym`, `kfunc`, or `symbol` if BTF does not describe it.
    kind: &'static str,
    weak: bool,
    #[serde(rename = "type")]
    c_type: Option<String>,
    /// As C declares it.
    #[serde(skip)]
    declaration: Option<String>,
}

impl Extern {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) fn is_weak(&self) -> bool {
        self.weak
    }
}

/// The externs of an object, from its own BTF: the BTF that is loaded has changed externs.
pub(crate) fn externs(outline: &Outline<'_>) -> Vec<Extern> {
    let section = outline.section(".BTF");
    let btf = section.and_then(|section| Btf::parse(section.data, outline.endian).ok()).unwrap_or_default();
    let described = outline.externs.iter().map(|symbol| {
        let found = find(&btf, &symbol.name);
        Extern {
            name: symbol.name.clone(),
            kind: found.map_or("symbol", |(kind, _)| kind),
            weak: symbol.weak,
            c_type: found.map(|(_, ty)| btf.c_type(ty)),
            declaration: found.map(|(_, ty)| btf.c_declaration(ty, &symbol.name)),
        }
    });
    described.collect()
}

/// The kind and type of the extern called `name`.
fn find(btf: &Btf, name: &str) -> Option<(&'static str, TypeId)> {
    let members = btf.datasecs().flat_map(|(_, section)| section.vars.iter().map(|var| (section.name, var.ty)));
    for (section, id) in members {
        match btf.get(id) {
            Type::Var(var) if var.linkage == Linkage::Extern && btf.name(var.name) == name => {
                return Some((if btf.name(section) == ".kconfig" { "kconfig" } else { "ksym" }, var.ty));
            }
            Type::Func(func) if func.linkage == Linkage::Extern && btf.name(func.name) == name => {
                return Some(("kfunc", func.proto));
            }
            _ => {}
        }
    }
    None
}

/// The externs as a table.
pub(super) fn table(externs: &[Extern]) -> Table {
    let mut table = Table::new(&[("KIND", Align::Left), ("WEAK", Align::Left), ("DECLARATION", Align::Left)]);
    for symbol in externs {
        let weak = if symbol.weak { "weak" } else { "" };
        let declaration = match &symbol.declaration {
            Some(declaration) => Cell::declaration(declaration, &symbol.name),
            None => Cell::styled(symbol.name.as_str(), style::NAME),
        };
        table.row([symbol.kind.into(), weak.into(), declaration]);
    }
    table
}
