//! Objects whose names are others: symbols, sections, and everything that BTF names.
//!
//! Things with the same name in the object have the same new name. Everything else stays at its offset: the new names follow
//! the old ones in new string tables at the end of the file.

use std::collections::{BTreeMap, BTreeSet};

/// Gives new names.
pub(crate) struct Names<'a> {
    /// A new name for this one.
    pub(crate) make: &'a mut dyn FnMut() -> String,
    /// By the old names.
    given: BTreeMap<String, String>,
    /// Names that are taken.
    taken: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(make: &'a mut dyn FnMut() -> String) -> Self {
        Names { make, given: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// The new name of `old`, the same in every place.
    fn of(&mut self, old: &str) -> String {
        if let Some(new) = self.given.get(old) {
            return new.clone();
        }
        let new = loop {
            let new = (self.make)();
            if self.taken.insert(new.clone()) {
                break new;
            }
        };
        self.given.insert(old.to_owned(), new.clone());
        new
    }

    /// The new name of a section, if it can change: the part that the generator recognises stays.
    fn of_section(&mut self, old: &str) -> Option<String> {
        const KEPT: [&str; 6] = [".data.", ".bss.", ".rodata.", ".percpu.", "raw_tp/", "tp_btf/"];
        let kept = KEPT.into_iter().find(|kept| old.starts_with(kept))?;
        Some(format!("{kept}{}", self.of(&old[kept.len()..])))
    }
}

/// The object with other names.
pub(crate) fn renamed(object: &[u8], names: &mut Names<'_>) -> Vec<u8> {
    let mut elf = Elf(object.to_vec());
    elf.rename_symbols(names);
    elf.rename_sections(names);
    elf.rename_btf(names);
    elf.0
}

/// An ELF file for 64-bit little-endian machines.
struct Elf(Vec<u8>);

/// Places in a section's header.
const NAME: usize = 0;
const TYPE: usize = 4;
const OFFSET: usize = 24;
const SIZE: usize = 32;
const LINK: usize = 40;

const SHT_SYMTAB: u32 = 2;

impl Elf {
    fn headers(&self) -> Vec<usize> {
        let (start, count) = (u64_at(&self.0, 0x28), u16_at(&self.0, 0x3c));
        (0..usize::from(count)).map(|index| start + 64 * index).collect()
    }

    fn content(&self, header: usize) -> Vec<u8> {
        let (offset, size) = (u64_at(&self.0, header + OFFSET), u64_at(&self.0, header + SIZE));
        self.0[offset..offset + size].to_vec()
    }

    /// Gives a section other content, behind all else.
    fn replace(&mut self, header: usize, content: &[u8]) {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let (offset, size) = (self.0.len() as u64, content.len() as u64);
        self.0.extend_from_slice(content);
        self.0[header + OFFSET..][..8].copy_from_slice(&offset.to_le_bytes());
        self.0[header + SIZE..][..8].copy_from_slice(&size.to_le_bytes());
    }

    fn section_names(&self) -> usize {
        self.headers()[usize::from(u16_at(&self.0, 0x3e))]
    }

    fn name_of(&self, header: usize) -> String {
        string(&self.content(self.section_names()), u32_at(&self.0, header + NAME))
    }

    fn section(&self, name: &str) -> Option<usize> {
        self.headers().into_iter().find(|&header| self.name_of(header) == name)
    }

    /// Functions and variables that are defined here.
    fn rename_symbols(&mut self, names: &mut Names<'_>) {
        let headers = self.headers();
        let Some(&table) = headers.iter().find(|&&header| u32_at(&self.0, header + TYPE) == SHT_SYMTAB) else { return };
        let strings_header = headers[u32_at(&self.0, table + LINK) as usize];
        let mut strings = self.content(strings_header);
        let start = u64_at(&self.0, table + OFFSET);
        for symbol in (start..start + u64_at(&self.0, table + SIZE)).step_by(24) {
            let (kind, section) = (self.0[symbol + 4] & 0xf, u16_at(&self.0, symbol + 6));
            if matches!(kind, 1 | 2) && section != 0 {
                let new = names.of(&string(&strings, u32_at(&self.0, symbol)));
                put(&mut self.0, symbol, added(&mut strings, &new));
            }
        }
        self.replace(strings_header, &strings);
    }

    fn rename_sections(&mut self, names: &mut Names<'_>) {
        let strings_header = self.section_names();
        let mut strings = self.content(strings_header);
        for header in self.headers() {
            if let Some(new) = names.of_section(&string(&strings, u32_at(&self.0, header + NAME))) {
                put(&mut self.0, header + NAME, added(&mut strings, &new));
            }
        }
        self.replace(strings_header, &strings);
    }

    fn rename_btf(&mut self, names: &mut Names<'_>) {
        let Some(header) = self.section(".BTF") else { return };
        let mut btf = Btf::new(self.content(header));
        btf.rename_types(names);
        if let Some(ext) = self.section(".BTF.ext") {
            let mut content = self.content(ext);
            btf.rename_sections_of(&mut content, names);
            self.replace(ext, &content);
        }
        self.replace(header, &btf.bytes());
    }
}

/// The content of `.BTF`.
struct Btf {
    header: Vec<u8>,
    types: Vec<u8>,
    strings: Vec<u8>,
}

/// Kinds of types whose names are changed.
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const TYPEDEF: u32 = 8;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const ENUM64: u32 = 19;

/// `vlen` of a function or variable that is defined elsewhere.
const EXTERN: u32 = 2;

impl Btf {
    fn new(bytes: Vec<u8>) -> Self {
        let [header, types, types_len, strings, strings_len] = [4, 8, 12, 16, 20].map(|at| u32_at(&bytes, at) as usize);
        Btf {
            header: bytes[..header].to_vec(),
            types: bytes[header + types..][..types_len].to_vec(),
            strings: bytes[header + strings..][..strings_len].to_vec(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut header = self.header.clone();
        let [types, strings] = [&self.types, &self.strings].map(|part| part.len() as u32);
        for (at, value) in [(8, 0), (12, types), (16, types), (20, strings)] {
            put(&mut header, at, value);
        }
        [header, self.types.clone(), self.strings.clone()].concat()
    }

    fn rename_types(&mut self, names: &mut Names<'_>) {
        let mut at = 0;
        while at < self.types.len() {
            let info = u32_at(&self.types, at + 4);
            let (kind, count) = (info >> 24 & 0x1f, info as usize & 0xffff);
            let name = self.name(at);
            // Names that the generator recognises stay, as do the members of map declarations.
            let is_map = kind == STRUCT && (0..count).any(|index| self.name(at + 12 + index * 12) == "max_entries");
            let is_known = name.is_empty() || is_map || name.starts_with("bpf_") || name == "libbpf_tristate";
            let (each, of_each) = match kind {
                STRUCT | UNION => (12, !is_known),
                ENUM => (8, true),
                ENUM64 => (12, true),
                FUNC_PROTO => (8, true),
                _ => (0, false),
            };
            let own = match kind {
                STRUCT | UNION | ENUM | ENUM64 | TYPEDEF => !is_known,
                FUNC => count as u32 != EXTERN,
                VAR => u32_at(&self.types, at + 12) != EXTERN,
                _ => false,
            };
            if own {
                self.rename(at, names);
            } else if let (DATASEC, Some(new)) = (kind, names.of_section(&name)) {
                put(&mut self.types, at, added(&mut self.strings, &new));
            }
            for index in (0..count).filter(|_| of_each) {
                self.rename(at + 12 + index * each, names);
            }
            at += 12
                + match kind {
                    1 | VAR | 17 => 4,
                    3 => 12,
                    DATASEC => 12 * count,
                    _ => each * count,
                };
        }
    }

    fn name(&self, at: usize) -> String {
        string(&self.strings, u32_at(&self.types, at))
    }

    /// Replaces the name whose offset is at `at`, if there is one.
    fn rename(&mut self, at: usize, names: &mut Names<'_>) {
        let old = self.name(at);
        if !old.is_empty() {
            let new = names.of(&old);
            put(&mut self.types, at, added(&mut self.strings, &new));
        }
    }

    /// The sections that `.BTF.ext` tells of.
    fn rename_sections_of(&mut self, ext: &mut [u8], names: &mut Names<'_>) {
        let header = u32_at(ext, 4) as usize;
        for part in (8..header).step_by(8) {
            let (start, len) = (header + u32_at(ext, part) as usize, u32_at(ext, part + 4) as usize);
            if len == 0 {
                continue;
            }
            let (each, mut at) = (u32_at(ext, start) as usize, start + 4);
            while at < start + len {
                if let Some(new) = names.of_section(&string(&self.strings, u32_at(ext, at))) {
                    put(ext, at, added(&mut self.strings, &new));
                }
                at += 8 + each * u32_at(ext, at + 4) as usize;
            }
        }
    }
}

/// Puts a string behind others, and gives its place.
fn added(strings: &mut Vec<u8>, text: &str) -> u32 {
    let at = strings.len() as u32;
    strings.extend_from_slice(text.as_bytes());
    strings.push(0);
    at
}

fn string(strings: &[u8], at: u32) -> String {
    let text = strings[at as usize..].split(|&byte| byte == 0).next().unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}
