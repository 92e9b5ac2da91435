//! The arena, and the variables that lie in it: section `.addr_space.1`.
//!
//! An arena is a map of `.maps`; its variables are a section of their own, which has no map. How many bytes a page has
//! and where in the arena the variables go is the target's matter, and found out there.

use super::data::{self, ARENA_SECTION, Sections};
use super::elf::{Section, SectionIdx, SectionKind};
use super::model::{Arena, Map, MapIdx};
use crate::uapi::{BPF_F_SEGV_ON_FAULT, BPF_MAP_TYPE_ARENA};
use crate::{Error, Result};

/// Gives the arena among `maps` its variables; the section and the map, if the object has such.
pub(super) fn variables(sections: &Sections<'_>, maps: &mut [Map]) -> Result<Option<(SectionIdx, MapIdx)>> {
    let section = sections.elf.section(ARENA_SECTION).filter(|section| section.size > 0);
    let Some(index) = the_arena(maps)? else {
        return match section {
            None => Ok(None),
            Some(_) => {
                Err(Error::unresolved("variables in an arena, but no arena (BPF_MAP_TYPE_ARENA) is declared in .maps")
                    .in_section(ARENA_SECTION))
            }
        };
    };
    let Some(section) = section else { return Ok(None) };
    let map = &mut maps[index.0];
    if map.def.map_flags.has(BPF_F_SEGV_ON_FAULT) {
        let what = "with BPF_F_SEGV_ON_FAULT user space cannot write the initial values of the object's variables";
        return Err(Error::unsupported(what).in_section(ARENA_SECTION).in_symbol(map.name.as_str()));
    }
    map.arena = Some(arena(sections, section).map_err(|error| error.in_section(ARENA_SECTION))?);
    Ok(Some((section.index, index)))
}

/// The only arena: instructions do not say which one an address is in.
fn the_arena(maps: &[Map]) -> Result<Option<MapIdx>> {
    let is_arena = |map: &&Map| map.def.map_type == BPF_MAP_TYPE_ARENA;
    let mut arenas = maps.iter().filter(is_arena);
    if let (Some(first), Some(second)) = (arenas.next(), arenas.next()) {
        let what = format!("a second arena, beside `{}`; an object can have one", first.name);
        return Err(Error::unsupported(what).in_section(".maps").in_symbol(second.name.as_str()));
    }
    Ok(maps.iter().position(|map| is_arena(&map)).map(MapIdx))
}

fn arena(sections: &Sections<'_>, section: &Section<'_>) -> Result<Arena> {
    if section.kind != SectionKind::Data {
        return Err(Error::unsupported("the section has no bytes to start from (SHT_PROGBITS is needed)"));
    }
    let size = data::section_size(section)?;
    let (_, vars) = sections.variables(section)?;
    // Pages are zero at first.
    let is_zero = section.data.iter().all(|&byte| byte == 0);
    Ok(Arena { size, bytes: if is_zero { Vec::new() } else { section.data.to_vec() }, vars })
}
