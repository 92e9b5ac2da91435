//! What an ELF file holds by its own account, for tools that show objects; nothing is judged.
//!
//! Input: the file's bytes. Output: [`Outline`]: the sections with a name, and the symbols, defined here
//! or elsewhere.

use super::elf::{Bind, Elf, SectionKind, SymbolKind};
use crate::{Endian, Result};

/// The sections and externs of an object.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    /// Byte order of everything in it.
    pub endian: Endian,
    /// The sections, in the order of the file.
    pub sections: Vec<Section<'a>>,
    /// The functions and variables that it defines, in the order of the file.
    pub symbols: Vec<Symbol>,
    /// The symbols that the object refers to and does not define.
    pub externs: Vec<Extern>,
}

impl<'a> Outline<'a> {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// It is no BPF object, or one whose tables end past its end.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let elf = Elf::parse(bytes)?;
        let symbols = elf.symbols.iter().filter_map(|symbol| {
            let is_function = match symbol.kind {
                SymbolKind::Function => true,
                SymbolKind::Object => false,
                SymbolKind::Section | SymbolKind::Other => return None,
            };
            let section = elf.section_at(symbol.section?)?.name.clone();
            Some(Symbol { name: symbol.name.clone(), section, is_function, offset: symbol.value, size: symbol.size })
        });
        let symbols = symbols.collect();
        let sections = elf.sections.into_iter().map(|section| Section {
            index: section.index.0,
            name: section.name,
            content: match section.kind {
                SectionKind::Code => Content::Code,
                SectionKind::Data => Content::Data,
                SectionKind::Zero => Content::Zero,
                SectionKind::Other => Content::Linking,
            },
            size: section.size,
            data: section.data,
            relocs: section.relocs.len(),
        });
        let externs = elf.symbols.into_iter().filter(|symbol| {
            symbol.section.is_none() && !symbol.name.is_empty() && matches!(symbol.bind, Bind::Global | Bind::Weak)
        });
        let externs = externs.map(|symbol| Extern { weak: symbol.bind == Bind::Weak, name: symbol.name });
        Ok(Outline { endian: elf.endian, sections: sections.collect(), symbols, externs: externs.collect() })
    }

    /// The first section called `name`.
    pub fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name)
    }
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// Index in the file.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// What it is by its type and flags.
    pub content: Content,
    /// Bytes in memory.
    pub size: u64,
    /// Bytes in the file; a section of zeroes has none.
    pub data: &'a [u8],
    /// How many relocations it has.
    pub relocs: usize,
}

/// What a section is, by its type and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Instructions: `SHT_PROGBITS` with `SHF_EXECINSTR`.
    Code,
    /// Other bytes: `SHT_PROGBITS`.
    Data,
    /// Zeroes, which the file leaves out: `SHT_NOBITS`.
    Zero,
    /// Symbols, strings, relocations: what is for linkers.
    Linking,
}

/// A symbol that is defined here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// The section that it is in.
    pub section: String,
    /// A function, else a variable.
    pub is_function: bool,
    /// Bytes from the section's start.
    pub offset: u64,
    /// Bytes that it has there.
    pub size: u64,
}

/// A symbol that is defined elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// Its name.
    pub name: String,
    /// Whether the object can do without (`__weak`).
    pub weak: bool,
}
