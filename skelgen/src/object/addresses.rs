//! Addresses in initialised data: relocations of sections that are neither code nor `.maps` nor struct_ops.
//!
//! No loader can fill them in: the kernel does not tell the address of a map's value or of a program. libbpf ignores these
//! relocations and leaves the object's bytes, which are 0 or an offset. skelgen accepts such a variable if no code refers
//! to it, and notes in its documentation that the address is not filled in. Otherwise it refuses the object: a program
//! would read a number where the source has an address.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::elf::{Bind, Elf, ElfReloc, Section, SectionIdx, SectionKind, SymbolKind};
use super::model::{Var, VarNote};
use crate::insn::INSN_SIZE;
use crate::{Error, Result};

/// An address that nothing fills in.
pub(super) struct Address {
    /// Bytes from the section's start.
    offset: u32,
    /// The symbol or section that it is the address of.
    of: String,
}

/// References from code to data, and the names of everything that has an address.
pub(super) struct CodeReferences<'a> {
    /// By section: the symbol of each reference, and the address of symbol and addend together.
    found: BTreeMap<SectionIdx, Vec<(usize, u64)>>,
    /// Functions and variables, by section and address.
    names: HashMap<(SectionIdx, u64), &'a str>,
}

impl<'a> CodeReferences<'a> {
    pub(super) fn of(elf: &'a Elf<'_>) -> Self {
        let mut found: BTreeMap<SectionIdx, Vec<(usize, u64)>> = BTreeMap::new();
        for section in elf.sections.iter().filter(|section| section.kind == SectionKind::Code) {
            for reloc in &section.relocs {
                let symbol = &elf.symbols[reloc.symbol];
                let Some(to) = symbol.section else { continue };
                let imm =
                    usize::try_from(reloc.offset).ok().and_then(|at| section.data.get(at..at.checked_add(INSN_SIZE)?));
                let imm = imm.and_then(|insn| elf.endian.u32_at(insn, 4)).unwrap_or_default().cast_signed();
                found.entry(to).or_default().push((reloc.symbol, symbol.value.wrapping_add_signed(imm.into())));
            }
        }
        let named = elf.symbols.iter().filter(|symbol| {
            !symbol.name.is_empty() && matches!(symbol.kind, SymbolKind::Object | SymbolKind::Function)
        });
        let names = named.rev().filter_map(|symbol| Some(((symbol.section?, symbol.value), symbol.name.as_str())));
        CodeReferences { found, names: names.collect() }
    }

    /// The addresses in `section`; refuses an address that code may read.
    pub(super) fn unread(&self, elf: &Elf<'_>, section: &Section<'_>) -> Result<Vec<Address>> {
        if section.relocs.is_empty() {
            return Ok(Vec::new());
        }
        let areas = Areas::of(elf, section.index);
        let mut read = BTreeSet::new();
        let mut anything = false;
        for &(symbol, address) in self.found.get(&section.index).into_iter().flatten() {
            let symbol = &elf.symbols[symbol];
            let area = match symbol.kind {
                // The section's symbol: the addend selects the variable.
                SymbolKind::Section => areas.at(address).or_else(|| areas.ending_at(address)),
                _ => areas.at(symbol.value),
            };
            match area {
                Some(area) => drop(read.insert(area)),
                None => anything = true,
            }
        }
        let mut addresses = Vec::new();
        for reloc in &section.relocs {
            let area = areas.at(reloc.offset);
            let is_read = area.map_or(anything, |area| read.contains(&area) || anything && areas.all[area].local);
            if is_read {
                return Err(refused(area.and_then(|area| areas.all[area].name), reloc));
            }
            let offset = u32::try_from(reloc.offset).map_err(|_| Error::malformed("address past 4 GiB"))?;
            addresses.push(Address { offset, of: self.target(elf, section, reloc) });
        }
        Ok(addresses)
    }

    /// The symbol whose address the relocation asks for, or its section if no symbol is there.
    fn target(&self, elf: &Elf<'_>, section: &Section<'_>, reloc: &ElfReloc) -> String {
        let symbol = &elf.symbols[reloc.symbol];
        let Some(index) = symbol.section.filter(|_| symbol.kind == SymbolKind::Section) else {
            return symbol.name.clone();
        };
        let addend = usize::try_from(reloc.offset).ok().and_then(|at| elf.endian.u64_at(section.data, at));
        let address = symbol.value.wrapping_add(addend.unwrap_or_default());
        let there = self.names.get(&(index, address)).map(|name| (*name).to_owned());
        there.or_else(|| Some(elf.section_at(index)?.name.clone())).unwrap_or_default()
    }
}

fn refused(variable: Option<&str>, reloc: &ElfReloc) -> Error {
    let what = format!("byte {} holds an address, which is known only once it is loaded", reloc.offset);
    let error = Error::unsupported(what);
    match variable {
        Some(name) => error.in_symbol(name),
        None => error,
    }
}

/// The variables of a section, by rising address. Overlapping symbols, such as aliases, count as one variable.
struct Areas<'a> {
    all: Vec<Area<'a>>,
}

struct Area<'a> {
    start: u64,
    end: u64,
    name: Option<&'a str>,
    /// Whether it has a local symbol: compilers refer to such a variable by the section's symbol.
    local: bool,
}

impl<'a> Areas<'a> {
    fn of(elf: &'a Elf<'_>, section: SectionIdx) -> Self {
        let symbols = elf.symbols.iter().filter(|symbol| {
            symbol.section == Some(section) && !matches!(symbol.kind, SymbolKind::Section | SymbolKind::Function)
        });
        let mut symbols: Vec<_> = symbols.collect();
        symbols.sort_by_key(|symbol| symbol.value);
        let mut all: Vec<Area<'a>> = Vec::new();
        for symbol in symbols {
            let end = symbol.value.saturating_add(symbol.size.max(1));
            let local = symbol.bind == Bind::Local;
            match all.last_mut().filter(|last| symbol.value < last.end) {
                Some(last) => {
                    last.end = last.end.max(end);
                    last.local |= local;
                }
                None => {
                    let name = Some(symbol.name.as_str()).filter(|name| !name.is_empty());
                    all.push(Area { start: symbol.value, end, name, local });
                }
            }
        }
        Areas { all }
    }

    /// The index of the variable that contains `address`.
    fn at(&self, address: u64) -> Option<usize> {
        let next = self.all.partition_point(|area| area.start <= address);
        next.checked_sub(1).filter(|&index| address < self.all[index].end)
    }

    /// The index of the variable that ends at `address`.
    fn ending_at(&self, address: u64) -> Option<usize> {
        address.checked_sub(1).and_then(|last| self.at(last))
    }
}

/// Adds a note for each address to its variable. `vars` are sorted by offset.
pub(super) fn note(vars: &mut [Var], addresses: Vec<Address>) {
    for Address { offset, of } in addresses {
        let next = vars.partition_point(|var| var.offset <= offset);
        let Some(var) = next.checked_sub(1).and_then(|index| vars.get_mut(index)) else { continue };
        if offset - var.offset < var.size {
            var.notes.push(VarNote::Address { offset: offset - var.offset, of });
        }
    }
}
