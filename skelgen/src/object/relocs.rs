//! What each relocated instruction refers to.
//!
//! ELF says "symbol plus what stands in the instruction"; here that becomes a map, an address in a data section, a
//! function or a ksym ([`Target`]). Calls inside a section need no relocation: their distance is in the instruction, and they
//! are found here too, so that linking sees all calls alike.

use std::collections::HashSet;

use super::elf::{Elf, ElfReloc, Section, SectionIdx, SectionKind, Symbol};
use super::functions::{Functions, is_dead};
use super::jump_tables;
use super::ksyms::Ksyms;
use super::maps::MapPlaces;
use super::model::{FuncIdx, MapIdx, Reloc, Target};
use crate::insn::limits::{MAX_INSNS, MAX_USED_MAPS};
use crate::insn::{INSN_SIZE, Insn};
use crate::{Error, Result};

/// Fills in [`Function::relocs`](super::Function::relocs) of all functions.
pub(super) fn resolve(elf: &Elf<'_>, functions: &mut Functions, maps: &MapPlaces, ksyms: &Ksyms) -> Result<()> {
    let mut found: Vec<Vec<Reloc>> = vec![Vec::new(); functions.all.len()];
    for section in elf.sections.iter().filter(|section| section.kind == SectionKind::Code) {
        for reloc in &section.relocs {
            let Some((function, insn)) = functions.around(section.index, reloc.offset) else {
                if is_dead(functions, section, reloc.offset) {
                    continue;
                }
                let what = format!("relocation of byte {}, which is in no function", reloc.offset);
                return Err(Error::malformed(what).in_section(section.name.as_str()));
            };
            let target = target(elf, functions, maps, ksyms, reloc, (function, insn))
                .map_err(|error| place(functions, function, insn, error))?;
            found[function.0].push(Reloc { insn, target });
        }
    }
    for (index, relocs) in found.iter_mut().enumerate() {
        local_references(functions, FuncIdx(index), relocs)?;
    }
    for (function, mut relocs) in functions.all.iter_mut().zip(found) {
        relocs.sort_by_key(|reloc| reloc.insn);
        if let Some([one, ..]) = relocs.windows(2).find(|pair| pair[0].insn == pair[1].insn) {
            let error = Error::malformed("two relocations of one instruction").at_insn(one.insn);
            return Err(error.in_symbol(function.name.as_str()).in_section(function.section.as_str()));
        }
        function.relocs = relocs;
    }
    Ok(())
}

/// What the relocated slot of a function refers to. A jump table becomes one of the function's.
fn target(
    elf: &Elf<'_>,
    functions: &mut Functions,
    maps: &MapPlaces,
    ksyms: &Ksyms,
    reloc: &ElfReloc,
    (function, slot): (FuncIdx, usize),
) -> Result<Target> {
    let insn = functions.all[function.0].insns[slot];
    let Some(table) = jump_tables::referred_to(elf, reloc, insn, functions.place[function.0].1)? else {
        return Resolver { elf, functions, maps, ksyms }.target(reloc, insn);
    };
    let tables = &mut functions.all[function.0].jump_tables;
    let index = tables.iter().position(|known| *known == table).unwrap_or(tables.len());
    if index == tables.len() {
        let targets: usize = tables.iter().map(|table| table.targets.len()).sum();
        // Each table becomes a map of the program, and each entry is an instruction.
        if tables.len() >= MAX_USED_MAPS || targets + table.targets.len() > MAX_INSNS {
            let what =
                format!("jumps through more than {MAX_USED_MAPS} tables, or tables of more than {MAX_INSNS} entries");
            return Err(Error::too_large(what));
        }
        tables.push(table);
    }
    Ok(Target::JumpTable(index))
}

fn place(functions: &Functions, function: FuncIdx, insn: usize, error: Error) -> Error {
    let function = &functions.all[function.0];
    error.at_insn(insn).in_symbol(function.name.as_str()).in_section(function.section.as_str())
}

struct Resolver<'a> {
    elf: &'a Elf<'a>,
    functions: &'a Functions,
    maps: &'a MapPlaces,
    ksyms: &'a Ksyms,
}

impl Resolver<'_> {
    fn target(&self, reloc: &ElfReloc, insn: Insn) -> Result<Target> {
        let symbol = &self.elf.symbols[reloc.symbol];
        let Some(section) = symbol.section.and_then(|index| self.elf.section_at(index)) else {
            if let Some(place) = self.maps.of_kconfig(&symbol.name) {
                return kconfig(symbol, place, insn);
            }
            return self.ksyms.target(reloc.symbol, insn).unwrap_or_else(|| Err(undefined(symbol)));
        };
        if insn.is_pseudo_call() {
            // The distance counts slots from the next instruction, so that -1 is the symbol itself.
            let address = offset(symbol, (i64::from(insn.imm) + 1) * INSN_SIZE as i64)?;
            return self.function(section, address).map(Target::Call);
        }
        if !insn.is_ld_imm64() {
            let what = format!("relocation of instruction {:#04x}, which takes no address", insn.code);
            return Err(Error::malformed(what));
        }
        if section.kind == SectionKind::Code {
            let address = offset(symbol, insn.imm.into())?;
            return self.function(section, address).map(Target::FuncAddr);
        }
        self.data(section, symbol, insn.imm)
    }

    fn function(&self, section: &Section<'_>, address: u64) -> Result<FuncIdx> {
        self.functions.starting_at(section.index, address).ok_or_else(|| {
            Error::unresolved(format!("refers to byte {address} of section {}, where no function starts", section.name))
        })
    }

    fn data(&self, section: &Section<'_>, symbol: &Symbol, addend: i32) -> Result<Target> {
        let address = offset(symbol, addend.into())?;
        if let Some(map) = self.maps.declared_at(section.index, address) {
            return Ok(Target::Map(map));
        }
        if let Some(map) = self.maps.of_section(section.index) {
            // One past the end is a legal address in C.
            if address > section.size {
                let what = format!("refers to byte {address} of section {}, which has {}", section.name, section.size);
                return Err(Error::unresolved(what));
            }
            let address = i32::try_from(address).map_err(|_| Error::too_large(format!("offset {address} in data")))?;
            return Ok(Target::MapValue(map, address));
        }
        Err(Error::unresolved(format!(
            "refers to byte {address} of section {}, which is neither code nor a map nor data",
            section.name
        )))
    }
}

/// The address of a variable in `.kconfig`, `size` bytes from `offset`.
fn kconfig(symbol: &Symbol, (map, offset, size): (MapIdx, u32, u32), insn: Insn) -> Result<Target> {
    let name = &symbol.name;
    if !insn.is_ld_imm64() {
        let what = format!("relocation of instruction {:#04x}, which takes no address of `{name}`", insn.code);
        return Err(Error::malformed(what));
    }
    let address = u32::try_from(insn.imm).ok().filter(|&addend| addend <= size).and_then(|addend| {
        let address = offset.checked_add(addend)?;
        i32::try_from(address).ok()
    });
    let address = address
        .ok_or_else(|| Error::unresolved(format!("refers to {} bytes from `{name}`, which has {size}", insn.imm)))?;
    Ok(Target::MapValue(map, address))
}

fn undefined(symbol: &Symbol) -> Error {
    let name = &symbol.name;
    if name.is_empty() {
        return Error::malformed("its relocation names no symbol");
    }
    if symbol.common {
        return Error::unsupported(format!(
            "refers to `{name}`, a common symbol, which has no section: compile with -fno-common, or initialise it"
        ));
    }
    Error::unresolved(format!(
        "refers to `{name}`, which the object declares and does not define; what the kernel has is declared with \
         __ksym, its options with __kconfig"
    ))
}

fn offset(symbol: &Symbol, addend: i64) -> Result<u64> {
    symbol.value.checked_add_signed(addend).ok_or_else(|| {
        Error::malformed(format!("refers to {addend} bytes from `{}`, which is outside its section", symbol.name))
    })
}

/// Finds the calls and function addresses that the compiler has resolved, since they stay inside their section.
fn local_references(functions: &Functions, index: FuncIdx, relocs: &mut Vec<Reloc>) -> Result<()> {
    let function = &functions.all[index.0];
    let (section, start) = functions.place[index.0];
    let relocated: HashSet<usize> = relocs.iter().map(|reloc| reloc.insn).collect();
    let mut insns = function.insns.iter().enumerate();
    while let Some((slot, &insn)) = insns.next() {
        if insn.is_ld_imm64() && insns.next().is_none() {
            return Err(place(functions, index, slot, Error::malformed("ld_imm64 without its second slot")));
        }
        let refers = insn.is_pseudo_call() || insn.is_func_addr();
        if !refers || relocated.contains(&slot) {
            continue;
        }
        let target = local_target(functions, section, start, slot, insn)
            .ok_or_else(|| Error::unresolved("calls a place where no function starts"))
            .map_err(|error| place(functions, index, slot, error))?;
        let target = if insn.is_pseudo_call() { Target::Call(target) } else { Target::FuncAddr(target) };
        relocs.push(Reloc { insn: slot, target });
    }
    Ok(())
}

fn local_target(functions: &Functions, section: SectionIdx, start: u64, slot: usize, insn: Insn) -> Option<FuncIdx> {
    let slots = slot as i64 + 1 + i64::from(insn.imm);
    let address = start.checked_add_signed(slots.checked_mul(INSN_SIZE as i64)?)?;
    functions.starting_at(section, address)
}
