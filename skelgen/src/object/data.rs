//! Data sections: `.data`, `.rodata`, `.bss`, `.percpu` and their dotted forms, each a map with one entry.
//!
//! Compilers leave sizes and offsets in a section's BTF zero, for a linker that a BPF object never meets. They are
//! filled in here from the section and its symbols, since the kernel and the generated types both need them.

use std::collections::HashMap;

use super::DataKind;
use super::addresses::{self, CodeReferences};
use super::cut::Cut;
use super::elf::{Bind, Elf, Section, SectionIdx, SectionKind, Symbol, SymbolKind};
use super::maps::{MAX_MAPS, MAX_PERCPU_VALUE, too_many};
use super::model::{Data, Map, MapDef, Var, VarNote, data_kind};
use crate::btf::{Btf, Linkage, TypeId};
use crate::uapi::{
    BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, MapFlags, MapType,
};
use crate::{Error, Result};

/// Where compilers put the variables of address space 1: an arena's.
pub(super) const ARENA_SECTION: &str = ".addr_space.1";

/// Fills in the size of every section in BTF, and the offsets of its global variables, of which the hidden ones become
/// static: they are none of user space's business.
///
/// Returns the variables that became byte arrays.
pub(super) fn fix_datasecs(elf: &Elf<'_>, btf: &mut Btf) -> Result<Cut> {
    let mut cut = Cut::default();
    let symbols = elf.symbols_by_section(SymbolKind::Object);
    let ids: Vec<TypeId> = btf.datasecs().map(|(id, _)| id).collect();
    for id in ids {
        let name = btf.name_of(id).to_owned();
        if let Some(section) = elf.section(&name) {
            let symbols = symbols.get(&section.index).map_or(&[][..], Vec::as_slice);
            fix_datasec(symbols, btf, id, section).map_err(|error| error.in_section(name.as_str()))?;
            if data_kind(&name).is_some() || name == ARENA_SECTION {
                cut.fix(btf, id).map_err(|error| error.in_section(name))?;
            }
        }
    }
    Ok(cut)
}

/// `symbols` are the section's variables.
fn fix_datasec(symbols: &[&Symbol], btf: &mut Btf, id: TypeId, section: &Section<'_>) -> Result<()> {
    let symbols = symbols.iter().filter(|symbol| symbol.bind != Bind::Local);
    let symbols: HashMap<&str, &Symbol> = symbols.map(|symbol| (symbol.name.as_str(), *symbol)).collect();
    let is_data = data_kind(&section.name).is_some();
    let mut hidden = Vec::new();
    let Some(datasec) = btf.get(id).as_datasec() else { return Ok(()) };
    let mut datasec = datasec.clone();
    datasec.size = section_size(section)?;
    for var in &mut datasec.vars {
        let Some(decl) = btf.get(var.ty).as_var() else { continue };
        // A static variable's offset was known to the compiler, and what is declared only has none.
        if decl.linkage != Linkage::Global {
            continue;
        }
        let name = btf.name(decl.name);
        let symbol =
            symbols.get(name).ok_or_else(|| Error::malformed("BTF has a variable without a symbol").in_symbol(name))?;
        var.offset = u32::try_from(symbol.value).map_err(|_| Error::malformed("address past 4 GiB").in_symbol(name))?;
        if symbol.hidden && is_data {
            hidden.push(var.ty);
        }
    }
    datasec.vars.sort_by_key(|var| var.offset);
    if let Some(slot) = btf.datasec_mut(id) {
        *slot = datasec;
    }
    for var in hidden {
        if let Some(decl) = btf.var_mut(var) {
            decl.linkage = Linkage::Static;
        }
    }
    Ok(())
}

pub(super) fn section_size(section: &Section<'_>) -> Result<u32> {
    u32::try_from(section.size)
        .ok()
        .filter(|&size| size <= i32::MAX as u32)
        .ok_or_else(|| Error::too_large(format!("{} bytes; a map's value has at most {}", section.size, i32::MAX)))
}

/// Finds the variables of data sections.
pub(super) struct Sections<'a> {
    pub(super) elf: &'a Elf<'a>,
    pub(super) btf: &'a Btf,
    pub(super) cut: Cut,
    pub(super) references: CodeReferences<'a>,
    /// By name.
    datasecs: HashMap<&'a str, TypeId>,
}

impl<'a> Sections<'a> {
    pub(super) fn new(elf: &'a Elf<'a>, btf: &'a Btf, cut: Cut) -> Self {
        let mut datasecs = HashMap::new();
        for (id, datasec) in btf.datasecs() {
            datasecs.entry(btf.name(datasec.name)).or_insert(id);
        }
        Sections { elf, btf, cut, references: CodeReferences::of(elf), datasecs }
    }

    /// The section's `DATASEC` and variables, with a note for each address that nothing fills in.
    pub(super) fn variables(&self, section: &Section<'_>) -> Result<(Option<TypeId>, Vec<Var>)> {
        let addresses = self.references.unread(self.elf, section)?;
        let Some(&datasec) = self.datasecs.get(section.name.as_str()) else { return Ok((None, Vec::new())) };
        let mut vars = vars(self.btf, &self.cut, datasec, section_size(section)?)?;
        addresses::note(&mut vars, addresses);
        Ok((Some(datasec), vars))
    }
}

/// The maps of all data sections that are not empty, in the order of the sections.
pub(super) fn data_maps(sections: &Sections<'_>, object: &str) -> Result<Vec<(SectionIdx, Map)>> {
    let mut maps = Vec::new();
    for section in sections.elf.sections.iter().filter(|section| section.size > 0) {
        let is_data = matches!(section.kind, SectionKind::Data | SectionKind::Zero);
        if let Some(kind) = data_kind(&section.name).filter(|_| is_data) {
            if maps.len() >= MAX_MAPS {
                return Err(too_many(maps.len() + 1));
            }
            let map =
                data_map(sections, section, kind, object).map_err(|error| error.in_section(section.name.as_str()))?;
            maps.push((section.index, map));
        }
    }
    Ok(maps)
}

fn data_map(sections: &Sections<'_>, section: &Section<'_>, kind: DataKind, object: &str) -> Result<Map> {
    let value_size = section_size(section)?;
    match (kind, section.kind) {
        (DataKind::Bss, SectionKind::Zero) | (DataKind::Data | DataKind::Rodata, SectionKind::Data) => {}
        (DataKind::PerCpu, SectionKind::Data) if section.size <= MAX_PERCPU_VALUE.into() => {}
        (DataKind::PerCpu, SectionKind::Data) => {
            return Err(Error::too_large(format!(
                "{} bytes for each CPU; the kernel allocates at most {MAX_PERCPU_VALUE}",
                section.size
            )));
        }
        (_, SectionKind::Zero) => {
            return Err(Error::unsupported(
                "SHT_NOBITS: the section has no bytes to start from (SHT_PROGBITS is needed)",
            ));
        }
        _ => return Err(Error::unsupported("SHT_PROGBITS: a .bss section has no bytes (SHT_NOBITS is needed)")),
    }
    let (datasec, vars) = sections.variables(section)?;
    Ok(Map {
        name: section.name.clone(),
        kernel_name: kernel_name(object, &section.name),
        def: MapDef {
            map_type: map_type(kind),
            key_size: 4,
            value_size,
            max_entries: 1,
            map_flags: map_flags(kind, datasec.is_some_and(|id| is_shared(sections.btf, id))),
            value_type: datasec,
            ..MapDef::default()
        },
        inner: None,
        slots: Vec::new(),
        arena: None,
        data: Some(Data { kind, bytes: if kind == DataKind::Bss { Vec::new() } else { section.data.to_vec() }, vars }),
        struct_ops: None,
    })
}

fn map_type(kind: DataKind) -> MapType {
    match kind {
        DataKind::PerCpu => BPF_MAP_TYPE_PERCPU_ARRAY,
        _ => BPF_MAP_TYPE_ARRAY,
    }
}

/// Whether user space is to see any of the section's variables.
fn is_shared(btf: &Btf, datasec: TypeId) -> bool {
    let linkage = |id| btf.get(id).as_var().map(|decl| decl.linkage);
    let datasec = btf.get(datasec).as_datasec();
    datasec
        .is_some_and(|datasec| datasec.vars.iter().any(|var| linkage(var.ty).is_some_and(|it| it != Linkage::Static)))
}

/// Only what is shared is mapped, as memory with a lock or a timer cannot be: those are for programs alone.
fn map_flags(kind: DataKind, is_shared: bool) -> MapFlags {
    let mmapable = if is_shared { BPF_F_MMAPABLE } else { MapFlags(0) };
    match kind {
        DataKind::Data | DataKind::Bss => mmapable,
        DataKind::Rodata | DataKind::Kconfig => mmapable | BPF_F_RDONLY_PROG,
        DataKind::PerCpu => MapFlags(0),
    }
}

/// The variables that BTF has of a section.
fn vars(btf: &Btf, cut: &Cut, datasec: TypeId, section_size: u32) -> Result<Vec<Var>> {
    let Some(datasec) = btf.get(datasec).as_datasec() else { return Ok(Vec::new()) };
    let mut end = 0;
    let mut vars = Vec::new();
    for entry in &datasec.vars {
        let Some(decl) = btf.get(entry.ty).as_var().filter(|decl| decl.linkage != Linkage::Extern) else { continue };
        let name = btf.name(decl.name);
        let (offset, size) = (entry.offset, entry.size);
        let past = offset.checked_add(size).filter(|&past| past <= section_size && offset >= end).ok_or_else(|| {
            Error::malformed(format!("{size} bytes at offset {offset} overlap another variable or the section's end"))
                .in_symbol(name)
        })?;
        end = past;
        let declared =
            cut.declaration(entry.ty).map(|declaration| VarNote::Cut { declaration: declaration.to_owned() });
        let notes = declared.into_iter().collect();
        vars.push(Var { name: name.to_owned(), type_id: decl.ty, offset, size, notes, kconfig: None });
    }
    Ok(vars)
}

/// The map's name in the kernel: the standard sections carry the object's name, the others stand for themselves.
pub(super) fn kernel_name(object: &str, section: &str) -> String {
    const NAME_LEN: usize = 15;
    if !matches!(section, ".data" | ".rodata" | ".bss" | ".kconfig") {
        return section.chars().take(NAME_LEN).collect();
    }
    // At least seven characters are the section's, if it has fewer or not.
    let prefix = NAME_LEN - section.len().max(7);
    object.chars().take(prefix).chain(section.chars()).collect()
}
