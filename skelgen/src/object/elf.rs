//! The ELF file, as far as a BPF object needs it: sections, symbols and relocations, bounds checked.
//!
//! Input: the file's bytes. Output: [`Elf`], which borrows section contents from them. The format is read by the
//! `object` crate; this says what in it a BPF object must be.

use std::collections::HashMap;

use object::elf;
use object::read::elf::{ElfFile64, FileHeader, SectionHeader, Sym};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

use super::foreign;
use crate::text::MAX_NAME;
use crate::{Endian, Error, Result};

/// Index of a section in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SectionIdx(pub(super) usize);

/// A BPF ELF object.
pub(super) struct Elf<'a> {
    pub(super) endian: Endian,
    pub(super) sections: Vec<Section<'a>>,
    pub(super) symbols: Vec<Symbol>,
    /// Positions in `sections`, by index in the file and by name.
    by_index: HashMap<SectionIdx, usize>,
    by_name: HashMap<String, usize>,
}

/// A section with a name.
pub(super) struct Section<'a> {
    pub(super) index: SectionIdx,
    pub(super) name: String,
    pub(super) kind: SectionKind,
    /// Bytes in memory; `.bss` has no others.
    pub(super) size: u64,
    pub(super) data: &'a [u8],
    pub(super) relocs: Vec<ElfReloc>,
}

/// What a section is, by its type and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    /// `SHT_PROGBITS` with `SHF_EXECINSTR`
    Code,
    /// `SHT_PROGBITS`
    Data,
    /// `SHT_NOBITS`
    Zero,
    /// Anything else.
    Other,
}

/// A symbol.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) kind: SymbolKind,
    pub(super) bind: Bind,
    /// `STV_HIDDEN` or `STV_INTERNAL`.
    pub(super) hidden: bool,
    /// `None`: undefined, to be found elsewhere.
    pub(super) section: Option<SectionIdx>,
    /// `SHN_COMMON`: a variable that a linker would have placed.
    pub(super) common: bool,
    pub(super) value: u64,
    pub(super) size: u64,
}

/// `STT_*`, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SymbolKind {
    Function,
    Object,
    Section,
    Other,
}

/// `STB_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bind {
    Local,
    Global,
    Weak,
}

/// A relocation of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct ElfReloc {
    /// Bytes from the section's start.
    pub(super) offset: u64,
    /// Index into [`Elf::symbols`].
    pub(super) symbol: usize,
    /// `R_BPF_*`.
    pub(super) r_type: u32,
}

/// `R_BPF_64_ABS64`: a 64-bit address in data.
pub(super) const R_BPF_64_ABS64: u32 = 2;

impl<'a> Elf<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let file = ElfFile64::<object::Endianness>::parse(bytes)
            .map_err(|error| foreign::not_elf(bytes, &error.to_string()))?;
        let order = file.endian();
        let header = file.elf_header();
        // LLVM before 3.9 knew no number for BPF.
        if !matches!(header.e_machine(order), elf::EM_BPF | elf::EM_NONE) {
            return Err(foreign::other_machine(header.e_machine(order)));
        }
        if header.e_type(order) != elf::ET_REL {
            return Err(foreign::other_type(header.e_type(order)));
        }
        let endian = match order {
            object::Endianness::Little => Endian::Little,
            object::Endianness::Big => Endian::Big,
        };
        let symbols = symbols(&file)?;
        let sections = sections(&file, symbols.len())?;
        let total = sections.iter().fold(0usize, |total, section| total.saturating_add(section.data.len()));
        if total > bytes.len() {
            let what = format!("sections overlap: they have {total} bytes, the file {}", bytes.len());
            return Err(Error::malformed(what));
        }
        Ok(Elf::new(endian, sections, symbols))
    }

    pub(super) fn new(endian: Endian, sections: Vec<Section<'a>>, symbols: Vec<Symbol>) -> Self {
        let mut elf = Elf { endian, sections, symbols, by_index: HashMap::new(), by_name: HashMap::new() };
        for (at, section) in elf.sections.iter().enumerate() {
            elf.by_index.insert(section.index, at);
            elf.by_name.entry(section.name.clone()).or_insert(at);
        }
        elf
    }

    /// The first section called `name`.
    pub(super) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.by_name.get(name).map(|&at| &self.sections[at])
    }

    /// The symbols of `kind` in each section, in the order of the file.
    pub(super) fn symbols_by_section(&self, kind: SymbolKind) -> HashMap<SectionIdx, Vec<&Symbol>> {
        let mut found: HashMap<SectionIdx, Vec<&Symbol>> = HashMap::new();
        for symbol in self.symbols.iter().filter(|symbol| symbol.kind == kind) {
            if let Some(section) = symbol.section {
                found.entry(section).or_default().push(symbol);
            }
        }
        found
    }

    /// The section at `index`.
    pub(super) fn section_at(&self, index: SectionIdx) -> Option<&Section<'a>> {
        self.by_index.get(&index).map(|&at| &self.sections[at])
    }
}

impl Symbol {
    /// The symbol at index 0, which stands for none.
    fn null() -> Self {
        Symbol {
            name: String::new(),
            kind: SymbolKind::Other,
            bind: Bind::Local,
            hidden: false,
            section: None,
            common: false,
            value: 0,
            size: 0,
        }
    }
}

/// The symbols, each at its index in the file.
fn symbols(file: &ElfFile64<'_, object::Endianness>) -> Result<Vec<Symbol>> {
    let order = file.endian();
    let mut symbols = vec![Symbol::null()];
    for symbol in file.symbols() {
        let index = symbol.index().0;
        let name = symbol.name().map_err(|error| Error::malformed(format!("name of symbol {index}: {error}")))?;
        let name = checked(name, || format!("symbol {index}"))?;
        let raw = symbol.elf_symbol();
        let kind = match raw.st_type() {
            elf::STT_FUNC => SymbolKind::Function,
            elf::STT_OBJECT => SymbolKind::Object,
            elf::STT_SECTION => SymbolKind::Section,
            _ => SymbolKind::Other,
        };
        let bind = match raw.st_bind() {
            elf::STB_LOCAL => Bind::Local,
            elf::STB_WEAK => Bind::Weak,
            _ => Bind::Global,
        };
        let hidden = matches!(raw.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL);
        let section = symbol.section_index().map(|section| SectionIdx(section.0));
        symbols.resize_with(index, Symbol::null);
        symbols.push(Symbol {
            name,
            kind,
            bind,
            hidden,
            section,
            common: symbol.is_common(),
            value: raw.st_value(order),
            size: raw.st_size(order),
        });
    }
    Ok(symbols)
}

/// The name, unless it is too long.
fn checked(name: &str, of: impl Fn() -> String) -> Result<String> {
    if name.len() > MAX_NAME {
        return Err(Error::too_large(format!(
            "{} has a name of {} bytes; at most {MAX_NAME} are allowed",
            of(),
            name.len()
        )));
    }
    Ok(name.to_owned())
}

fn sections<'a>(file: &ElfFile64<'a, object::Endianness>, nr_symbols: usize) -> Result<Vec<Section<'a>>> {
    let order = file.endian();
    let mut sections = Vec::new();
    for section in file.sections() {
        let index = SectionIdx(section.index().0);
        let name = section.name().map_err(|error| Error::malformed(format!("name of section {}: {error}", index.0)))?;
        let name = checked(name, || format!("section {}", index.0))?;
        let raw = section.elf_section_header();
        let executable = raw.sh_flags(order).0 & elf::SHF_EXECINSTR.0 != 0;
        let kind = match raw.sh_type(order) {
            elf::SHT_PROGBITS if executable => SectionKind::Code,
            elf::SHT_PROGBITS => SectionKind::Data,
            elf::SHT_NOBITS => SectionKind::Zero,
            _ => SectionKind::Other,
        };
        let data = section.data().map_err(|error| Error::malformed(error.to_string()).in_section(name.as_str()))?;
        let mut relocs = Vec::new();
        for (offset, reloc) in section.relocations() {
            let symbol = match reloc.target() {
                object::RelocationTarget::Symbol(symbol) => symbol.0,
                // Symbol 0: whoever looks at this relocation says that it refers to nothing.
                _ => 0,
            };
            if symbol >= nr_symbols {
                let what = format!("the relocation at byte {offset} names symbol {symbol}, of {nr_symbols}");
                return Err(Error::malformed(what).in_section(name));
            }
            let object::RelocationFlags::Elf { r_type, .. } = reloc.flags() else { continue };
            relocs.push(ElfReloc { offset, symbol, r_type: r_type.0 });
        }
        relocs.sort_by_key(|reloc| reloc.offset);
        sections.push(Section { index, name, kind, size: section.size(), data, relocs });
    }
    Ok(sections)
}
