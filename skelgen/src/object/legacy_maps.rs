//! Maps declared in `maps`: a `struct bpf_map_def` of plain numbers for each symbol, without BTF.
//!
//! So objects looked before BTF, and Rust's still do (aya-ebpf's `#[map]`). libbpf 1.0 has given them up; what they say
//! is all that a map needs.
//!
//! ```text
//! u32 type, key_size, value_size, max_entries, map_flags     20 bytes
//! u32 id, pinning                                            28 bytes: aya's
//! ```

use super::elf::{Elf, Section, Symbol, SymbolKind};
use super::maps::{self, MapPlaces};
use super::model::{Map, MapDef, MapIdx};
use crate::uapi::{MapFlags, MapType};
use crate::{Endian, Error, Result};

const SECTION: &str = "maps";

/// Bytes of a definition.
const PLAIN: u64 = 20;
/// With aya's two members.
const AYA: u64 = 28;
/// Bytes of `struct bpf_elf_map`.
const ELF_MAP: u64 = 36;

/// The maps of `maps`, by their addresses; the first will have the index `first`.
pub(super) fn maps(elf: &Elf<'_>, first: usize, places: &mut MapPlaces) -> Result<Vec<Map>> {
    if let Some(section) = elf.sections.iter().find(|section| section.name.starts_with("maps/") && section.size > 0) {
        let what = "one section per map, the style of gobpf and old bcc: declare the map in SEC(\".maps\")";
        return Err(Error::unsupported(what).in_section(section.name.as_str()));
    }
    let Some(section) = elf.section(SECTION).filter(|section| section.size > 0) else { return Ok(Vec::new()) };
    let is_map = |symbol: &&Symbol| {
        symbol.section == Some(section.index) && !matches!(symbol.kind, SymbolKind::Section | SymbolKind::Function)
    };
    let mut symbols: Vec<&Symbol> = elf.symbols.iter().filter(is_map).collect();
    symbols.sort_by_key(|symbol| symbol.value);
    let mut found = Vec::new();
    for symbol in symbols {
        let map = declared(elf.endian, section, symbol)
            .map_err(|error| error.in_symbol(symbol.name.as_str()).in_section(SECTION))?;
        places.add_declared(section.index, symbol.value, MapIdx(first + found.len()));
        found.push(map);
    }
    Ok(found)
}

fn declared(endian: Endian, section: &Section<'_>, symbol: &Symbol) -> Result<Map> {
    if !matches!(symbol.size, PLAIN | AYA) {
        // Pins and inner maps mean something else there.
        let whose = if symbol.size == ELF_MAP { ", as `struct bpf_elf_map` of iproute2 and Cilium" } else { "" };
        let what = format!(
            "a map definition of {} bytes{whose}; known are `struct bpf_map_def` ({PLAIN}) and aya's ({AYA}): declare the \
             map in SEC(\".maps\")",
            symbol.size
        );
        return Err(Error::unsupported(what));
    }
    let bytes = usize::try_from(symbol.value).ok().and_then(|at| section.data.get(at..)?.get(..symbol.size as usize));
    let bytes = bytes.ok_or_else(|| Error::malformed("ends past the section's end"))?;
    let word = |index: usize| endian.u32_at(bytes, 4 * index).unwrap_or_default();
    let def = MapDef {
        map_type: MapType(word(0)),
        key_size: word(1),
        value_size: word(2),
        max_entries: word(3),
        map_flags: MapFlags(word(4)),
        pin_by_name: maps::pinned(word(6)).map_err(|error| Error::unsupported(format!("`pinning`: {error}")))?,
        ..MapDef::default()
    };
    maps::check(&def)?;
    Ok(Map {
        name: symbol.name.clone(),
        kernel_name: symbol.name.chars().take(15).collect(),
        def,
        inner: None,
        slots: Vec::new(),
        data: None,
        struct_ops: None,
        arena: None,
    })
}
