//! Code sections cut into functions, with what BTF.ext says of each.
//!
//! Input: the ELF file and its BTF.ext. Output: the functions in the order of their sections and addresses, and
//! [`Functions`], which finds one by its address.

use std::collections::BTreeMap;

use super::elf::{Bind, Elf, Section, SectionIdx, SectionKind, Symbol, SymbolKind};
use super::model::{Core, FuncIdx, Function, Line};
use crate::btf::BtfExt;
use crate::insn::{INSN_SIZE, decode_all};
use crate::{Endian, Error, Result};

/// The section of functions that are no programs, but called by them.
pub(super) const TEXT: &str = ".text";

/// Functions by section and byte address.
#[derive(Default)]
pub(super) struct Functions {
    pub(super) all: Vec<Function>,
    /// For each function: its section and the byte address of its start in it.
    pub(super) place: Vec<(SectionIdx, u64)>,
    starts: BTreeMap<(SectionIdx, u64), FuncIdx>,
    /// Further names, each with its function.
    pub(super) aliases: Vec<(FuncIdx, String)>,
}

impl Functions {
    /// The function that starts `address` bytes into `section`.
    pub(super) fn starting_at(&self, section: SectionIdx, address: u64) -> Option<FuncIdx> {
        self.starts.get(&(section, address)).copied()
    }

    /// The function around byte `address` of `section`, and the slot in it.
    pub(super) fn around(&self, section: SectionIdx, address: u64) -> Option<(FuncIdx, usize)> {
        let (&(_, start), &index) = self.starts.range((section, 0)..=(section, address)).next_back()?;
        let insn = usize::try_from((address - start) / INSN_SIZE as u64).ok()?;
        (insn < self.all[index.0].insns.len()).then_some((index, insn))
    }
}

/// Cuts every code section into its functions.
pub(super) fn functions(elf: &Elf<'_>, ext: Option<&BtfExt>) -> Result<Functions> {
    let mut functions = Functions::default();
    let symbols = elf.symbols_by_section(SymbolKind::Function);
    for section in elf.sections.iter().filter(|section| section.kind == SectionKind::Code && section.size > 0) {
        let symbols = symbols.get(&section.index).cloned().unwrap_or_default();
        let first = functions.all.len();
        section_functions(elf, section, symbols, &mut functions)
            .map_err(|error| error.in_section(section.name.as_str()))?;
        if let Some(ext) = ext {
            annotate(section, ext, first, &mut functions).map_err(|error| error.in_section(section.name.as_str()))?;
        }
    }
    Ok(functions)
}

fn section_functions(
    elf: &Elf<'_>,
    section: &Section<'_>,
    mut symbols: Vec<&Symbol>,
    functions: &mut Functions,
) -> Result<()> {
    if symbols.is_empty() {
        return Err(Error::malformed("code without a function symbol"));
    }
    symbols.sort_by_key(|symbol| symbol.value);
    let mut end = 0;
    for symbol in symbols {
        let function = function(elf.endian, section, symbol).map_err(|error| error.in_symbol(symbol.name.as_str()))?;
        let start = symbol.value;
        if let Some(first) = functions.starting_at(section.index, start) {
            let name = &functions.all[first.0].name;
            if function.insns.len() != functions.all[first.0].insns.len() {
                let what = format!("starts where {name} does, but is not as long");
                return Err(Error::malformed(what).in_symbol(symbol.name.as_str()));
            }
            functions.aliases.push((first, symbol.name.clone()));
            continue;
        }
        if start < end {
            let what = format!("starts at byte {start}, inside the function before it");
            return Err(Error::malformed(what).in_symbol(symbol.name.as_str()));
        }
        end = start + symbol.size;
        functions.starts.insert((section.index, start), FuncIdx(functions.all.len()));
        functions.place.push((section.index, start));
        functions.all.push(function);
    }
    Ok(())
}

fn function(endian: Endian, section: &Section<'_>, symbol: &Symbol) -> Result<Function> {
    let (start, size) = (symbol.value, symbol.size);
    let inside = || Some(start as usize..usize::try_from(start.checked_add(size)?).ok()?);
    let code = inside().and_then(|range| section.data.get(range)).ok_or_else(|| {
        Error::malformed(format!("{size} bytes from byte {start} are not inside the section's {}", section.data.len()))
    })?;
    if symbol.bind == Bind::Local && section.name != TEXT {
        let what = "a static function cannot be a program (static functions belong in .text)";
        return Err(Error::unsupported(what));
    }
    if size == 0 || start % INSN_SIZE as u64 != 0 {
        return Err(Error::malformed(format!("{size} bytes from byte {start} are not whole instructions")));
    }
    Ok(Function {
        name: symbol.name.clone(),
        section: section.name.clone(),
        // A hidden program is one all the same.
        global: symbol.bind != Bind::Local && (!symbol.hidden || section.name != TEXT),
        insns: decode_all(code, endian)?,
        relocs: Vec::new(),
        type_id: None,
        lines: Vec::new(),
        core_relos: Vec::new(),
        jump_tables: Vec::new(),
    })
}

/// Whether byte `at` is of code that no symbol names: what a linker left of a weak function when another file had a
/// better one.
pub(super) fn is_dead(functions: &Functions, section: &Section<'_>, at: u64) -> bool {
    at < section.size && at.is_multiple_of(INSN_SIZE as u64) && functions.around(section.index, at).is_none()
}

/// Hands the section's func_info, line_info and core_relos to its functions, which begin with number `first`.
fn annotate(section: &Section<'_>, ext: &BtfExt, first: usize, functions: &mut Functions) -> Result<()> {
    let Some(ext) = ext.section(&section.name) else { return Ok(()) };
    for info in &ext.funcs {
        let at = info.offset.into();
        match functions.starting_at(section.index, at) {
            Some(index) => functions.all[index.0].type_id = Some(info.type_id),
            None if is_dead(functions, section, at) => {}
            None => {
                let what = format!("func_info for byte {}, where no function starts", info.offset);
                return Err(Error::malformed(what));
            }
        }
    }
    for info in &ext.lines {
        // A line outside every function describes nothing that is loaded.
        if let Some((index, insn)) = functions.around(section.index, info.offset.into()) {
            let line = Line { insn, file: info.file, line: info.line, line_col: info.line_col };
            functions.all[index.0].lines.push(line);
        }
    }
    for relo in &ext.core_relos {
        let Some((index, insn)) = functions.around(section.index, relo.offset.into()) else {
            if is_dead(functions, section, relo.offset.into()) {
                continue;
            }
            return Err(Error::malformed(format!("CO-RE relocation of byte {}, in no function", relo.offset)));
        };
        let core = Core { insn, type_id: relo.type_id, access: relo.access, kind: relo.kind };
        functions.all[index.0].core_relos.push(core);
    }
    for function in &mut functions.all[first..] {
        function.lines.sort_by_key(|line| line.insn);
        // The verifier wants rising offsets.
        function.lines.dedup_by_key(|line| line.insn);
        function.core_relos.sort_by_key(|relo| relo.insn);
    }
    Ok(())
}
