//! Maps declared in `.maps`: structs whose members' *types* hold the attributes.
//!
//! `__uint(name, n)` is a pointer to an array of `n` elements, `__type(key, T)` a pointer to `T`, and `__array(values,
//! ...)` an array of pointers to what the map's slots hold.

use std::collections::BTreeMap;

use super::elf::{Elf, R_BPF_64_ABS64, Section, SectionIdx, SymbolKind};
use super::functions::Functions;
use super::model::{Map, MapDef, MapIdx, ProgIdx, ProgramDef, Slot};
use super::programs::by_entry;
use crate::btf::{Btf, Composite, Kind, Linkage, Member, Type, TypeId};
use crate::uapi::{
    BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS, BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_UNSPEC, MapFlags,
    MapType,
};
use crate::{Error, Result};

/// The section of maps that BTF declares.
pub(super) const MAPS: &str = ".maps";

/// Bytes of one CPU's value that the kernel allocates at most (`PCPU_MIN_UNIT_SIZE`).
pub(super) const MAX_PERCPU_VALUE: u32 = 32 << 10;

/// The most maps an object can have, data sections included. Each takes a file descriptor and some 1,400 bytes of Rust.
pub(super) const MAX_MAPS: usize = 8192;

/// The most members a map's declaration can have; libbpf knows about twelve attributes.
const MAX_ATTRIBUTES: usize = 64;

/// `LIBBPF_PIN_BY_NAME`.
const PIN_BY_NAME: u32 = 1;

/// Which map an address means.
#[derive(Default)]
pub(super) struct MapPlaces {
    declared: BTreeMap<(SectionIdx, u64), MapIdx>,
    sections: BTreeMap<SectionIdx, MapIdx>,
    /// The variables of `.kconfig`, which no section has, by name: the map, the variable's offset and its size.
    kconfig: BTreeMap<String, (MapIdx, u32, u32)>,
    program_slots: Vec<ProgramSlot>,
}

/// A slot of a program array, and where the function is that it holds.
struct ProgramSlot {
    outer: MapIdx,
    slot: u32,
    section: SectionIdx,
    address: u64,
}

impl MapPlaces {
    /// The map declared `address` bytes into `section`, which is `.maps`.
    pub(super) fn declared_at(&self, section: SectionIdx, address: u64) -> Option<MapIdx> {
        self.declared.get(&(section, address)).copied()
    }

    /// The map whose value is `section`.
    pub(super) fn of_section(&self, section: SectionIdx) -> Option<MapIdx> {
        self.sections.get(&section).copied()
    }

    /// Fills the program arrays, now that the programs are known.
    pub(super) fn fill_program_slots(
        &self,
        maps: &mut [Map],
        functions: &Functions,
        programs: &[ProgramDef],
    ) -> Result<()> {
        let by_entry = by_entry(programs);
        for ProgramSlot { outer, slot, section, address } in &self.program_slots {
            let entry = functions.starting_at(*section, *address);
            let program = entry.and_then(|entry| by_entry.get(&entry).copied());
            let map = maps.get_mut(outer.0);
            let (Some(program), Some(map)) = (program, map) else {
                let what = format!("slot {slot} holds a function that is not a program");
                let outer = maps.get(outer.0).map_or("", |map| map.name.as_str());
                return Err(Error::unresolved(what).in_section(MAPS).in_symbol(outer));
            };
            map.slots.push((*slot, Slot::Program(ProgIdx(program))));
        }
        Ok(())
    }

    pub(super) fn add_declared(&mut self, section: SectionIdx, address: u64, map: MapIdx) {
        self.declared.insert((section, address), map);
    }

    /// The map of `.kconfig`, the offset and the size of its variable `name`.
    pub(super) fn of_kconfig(&self, name: &str) -> Option<(MapIdx, u32, u32)> {
        self.kconfig.get(name).copied()
    }

    /// Has the variables of `.kconfig` found by name.
    pub(super) fn add_kconfig(&mut self, index: MapIdx, map: &Map) {
        let vars = map.data.iter().flat_map(|data| &data.vars);
        self.kconfig.extend(vars.map(|var| (var.name.clone(), (index, var.offset, var.size))));
    }

    pub(super) fn add_section(&mut self, section: SectionIdx, map: MapIdx) {
        self.sections.insert(section, map);
    }
}

/// A declared map, and where its slots begin in its variable, in bytes.
struct Declared {
    map: Map,
    slots_at: Option<u32>,
}

/// Parses `.maps`.
pub(super) fn maps(elf: &Elf<'_>, btf: &Btf) -> Result<(Vec<Map>, MapPlaces)> {
    let mut places = MapPlaces::default();
    refuse_extern(btf).map_err(|error| error.in_section(MAPS))?;
    let Some(section) = elf.section(MAPS) else { return Ok((Vec::new(), places)) };
    parse(elf, btf, section, &mut places).map_err(|error| error.in_section(MAPS)).map(|maps| (maps, places))
}

/// Refuses maps that are declared only, of which ELF need not know the section.
fn refuse_extern(btf: &Btf) -> Result<()> {
    let datasec = btf.find(Kind::Datasec, MAPS).and_then(|id| btf.get(id).as_datasec());
    let vars = datasec.iter().flat_map(|datasec| &datasec.vars).filter_map(|entry| btf.get(entry.ty).as_var());
    match vars.into_iter().find(|var| var.linkage == Linkage::Extern) {
        Some(var) => {
            let what = "declared here and defined in another object: link the two with `bpftool gen object`";
            Err(Error::unresolved(what).in_symbol(btf.name(var.name)))
        }
        None => Ok(()),
    }
}

fn parse(elf: &Elf<'_>, btf: &Btf, section: &Section<'_>, places: &mut MapPlaces) -> Result<Vec<Map>> {
    let datasec = btf
        .find(Kind::Datasec, MAPS)
        .and_then(|id| btf.get(id).as_datasec())
        .ok_or_else(|| Error::malformed("no BTF describes the maps (was the object compiled with -g?)"))?;
    let mut declared = Vec::new();
    for entry in &datasec.vars {
        let Some(var) = btf.get(entry.ty).as_var() else { continue };
        let name = btf.name(var.name);
        if var.linkage == Linkage::Static {
            // Every user of the object gets at its maps, by their names.
            return Err(Error::unsupported("a static map; maps must be global").in_symbol(name));
        }
        if declared.len() >= MAX_MAPS {
            return Err(too_many(datasec.vars.len()));
        }
        let map = declare(btf, name, var.ty).map_err(|error| error.in_symbol(name))?;
        let address = u64::from(entry.offset);
        places.add_declared(section.index, address, MapIdx(declared.len()));
        declared.push((address, entry.size, map));
    }
    fill_slots(elf, section, &mut declared, places)?;
    Ok(declared.into_iter().map(|(.., declared)| declared.map).collect())
}

/// The error for an object with more than [`MAX_MAPS`] maps.
pub(super) fn too_many(maps: usize) -> Error {
    Error::too_large(format!("{maps} maps; an object can have {MAX_MAPS}"))
}

fn declare(btf: &Btf, name: &str, id: TypeId) -> Result<Declared> {
    let Type::Struct(def) = btf.get_resolved(id) else {
        return Err(Error::malformed("a map must be declared as a struct"));
    };
    let mut parsed = Parsed::default();
    parsed.members(btf, def, true)?;
    let Parsed { def, inner, slots_at } = parsed;
    check(&def)?;
    if let Some(inner) = &inner {
        check(inner).map_err(|error| Error::malformed(format!("`values`: {error}")))?;
    }
    if slots_at.is_some() && !has_slots(&def) {
        return Err(Error::unsupported("`values`: only maps of maps and program arrays have them"));
    }
    let map = Map {
        name: name.to_owned(),
        kernel_name: name.chars().take(15).collect(),
        def,
        inner,
        slots: Vec::new(),
        data: None,
        struct_ops: None,
        arena: None,
    };
    Ok(Declared { map, slots_at })
}

/// Refuses what no kernel makes a map of.
pub(super) fn check(def: &MapDef) -> Result<()> {
    if def.map_type == BPF_MAP_TYPE_UNSPEC {
        return Err(Error::malformed("the declaration has no `type`"));
    }
    if def.is_percpu() && def.value_size > MAX_PERCPU_VALUE {
        let what = format!("{} bytes for each CPU; the kernel allocates at most {MAX_PERCPU_VALUE}", def.value_size);
        return Err(Error::too_large(what));
    }
    Ok(())
}

/// Whether the object may say what is in the map's slots.
fn has_slots(def: &MapDef) -> bool {
    matches!(def.map_type, BPF_MAP_TYPE_ARRAY_OF_MAPS | BPF_MAP_TYPE_HASH_OF_MAPS | BPF_MAP_TYPE_PROG_ARRAY)
}

#[derive(Default)]
struct Parsed {
    def: MapDef,
    inner: Option<MapDef>,
    slots_at: Option<u32>,
}

impl Parsed {
    fn members(&mut self, btf: &Btf, def: &Composite, outer: bool) -> Result<()> {
        if def.members.len() > MAX_ATTRIBUTES {
            return Err(Error::malformed(format!("a map's declaration with {} members", def.members.len())));
        }
        for member in &def.members {
            let name = btf.name(member.name);
            self.member(btf, name, member, outer).map_err(|error| Error::malformed(format!("`{name}`: {error}")))?;
        }
        Ok(())
    }

    fn member(&mut self, btf: &Btf, name: &str, member: &Member, outer: bool) -> Result<()> {
        let def = &mut self.def;
        match name {
            "type" => def.map_type = MapType(uint(btf, member)?),
            "max_entries" => def.max_entries = uint(btf, member)?,
            "map_flags" => def.map_flags = MapFlags(uint(btf, member)?),
            "numa_node" => def.numa_node = uint(btf, member)?,
            "map_extra" => def.map_extra = ulong(btf, member)?,
            "key_size" => same_size(&mut def.key_size, uint(btf, member)?)?,
            "value_size" => same_size(&mut def.value_size, uint(btf, member)?)?,
            "key" => {
                let (id, size) = pointee(btf, member)?;
                same_size(&mut def.key_size, size)?;
                def.key_type = Some(id);
            }
            "value" => {
                let (id, size) = pointee(btf, member)?;
                same_size(&mut def.value_size, size)?;
                def.value_type = Some(id);
            }
            "pinning" => match uint(btf, member)? {
                0 => {}
                PIN_BY_NAME if !outer => return Err(Error::unsupported("an inner map cannot be pinned")),
                how => def.pin_by_name = pinned(how)?,
            },
            "values" if outer => self.values(btf, member)?,
            "values" => return Err(Error::unsupported("maps of maps of maps do not exist")),
            _ => return Err(Error::unsupported("not an attribute of a map")),
        }
        Ok(())
    }

    /// `__array(values, struct { ... })`, or of functions for a prog_array.
    fn values(&mut self, btf: &Btf, member: &Member) -> Result<()> {
        let bad = || Error::malformed("expected an array of pointers");
        let Type::Array(array) = btf.get_resolved(member.ty) else { return Err(bad()) };
        let Type::Ptr(target) = *btf.get_resolved(array.elem) else { return Err(bad()) };
        same_size(&mut self.def.value_size, 4)?;
        self.slots_at = Some(member.bit_offset / 8);
        match btf.get_resolved(target) {
            Type::Struct(inner) => {
                let mut parsed = Parsed::default();
                parsed.members(btf, inner, false)?;
                self.inner = Some(parsed.def);
                Ok(())
            }
            Type::FuncProto(_) => Ok(()),
            _ => Err(Error::malformed("expected pointers to maps or functions")),
        }
    }
}

/// Whether `enum libbpf_pin_type` says that a map is pinned by its name.
pub(super) fn pinned(how: u32) -> Result<bool> {
    match how {
        0 => Ok(false),
        PIN_BY_NAME => Ok(true),
        other => Err(Error::unsupported(format!("unknown pinning {other}"))),
    }
}

/// `key` and `key_size` may both be given, if they agree.
fn same_size(known: &mut u32, size: u32) -> Result<()> {
    if *known != 0 && *known != size {
        return Err(Error::malformed(format!("{size} bytes, and {known} bytes elsewhere in the declaration")));
    }
    *known = size;
    Ok(())
}

/// `__uint(name, n)`: `int (*name)[n]`.
fn uint(btf: &Btf, member: &Member) -> Result<u32> {
    let Type::Ptr(target) = *btf.get_resolved(member.ty) else {
        return Err(Error::malformed("expected a pointer to an array, as __uint() declares"));
    };
    match btf.get_resolved(target) {
        Type::Array(array) => Ok(array.len),
        _ => Err(Error::malformed("expected a pointer to an array, as __uint() declares")),
    }
}

/// `__ulong(name, n)`: an enum with the one value `n`; small values come as `__uint` too.
fn ulong(btf: &Btf, member: &Member) -> Result<u64> {
    match btf.get_resolved(member.ty) {
        Type::Enum(def) | Type::Enum64(def) => match def.values.first() {
            Some(value) => Ok(value.value as u64),
            None => Err(Error::malformed("expected an enum with one value, as __ulong() declares")),
        },
        _ => uint(btf, member).map(u64::from),
    }
}

/// `__type(name, T)`: `T *name`.
fn pointee(btf: &Btf, member: &Member) -> Result<(TypeId, u32)> {
    let Type::Ptr(target) = *btf.get_resolved(member.ty) else {
        return Err(Error::malformed("expected a pointer, as __type() declares"));
    };
    Ok((target, btf.size_of(target)?))
}

/// Reads which map each slot of a map of maps holds, from the relocations of `.maps`.
fn fill_slots(
    elf: &Elf<'_>,
    section: &Section<'_>,
    declared: &mut [(u64, u32, Declared)],
    places: &mut MapPlaces,
) -> Result<()> {
    const POINTER: u64 = 8;
    for reloc in &section.relocs {
        let around =
            |(start, size, _): &(u64, u32, Declared)| (*start..*start + u64::from(*size)).contains(&reloc.offset);
        // `data::fix_datasecs` sorted them by address.
        let next = declared.partition_point(|(start, ..)| *start <= reloc.offset);
        let Some((start, _, outer)) = declared[..next].last_mut().filter(|entry| around(entry)) else {
            return Err(Error::malformed(format!("byte {} holds an address, but no map is there", reloc.offset)));
        };
        let name = outer.map.name.clone();
        let slots_at = outer.slots_at.map(|at| *start + u64::from(at)).filter(|&at| at <= reloc.offset);
        let whole = |at: &u64| (reloc.offset - at).is_multiple_of(POINTER);
        let (Some(slots_at), R_BPF_64_ABS64) = (slots_at.filter(whole), reloc.r_type) else {
            let what = format!("byte {} holds an address, but not as one of `values`", reloc.offset);
            return Err(Error::malformed(what).in_symbol(name));
        };
        if outer.map.def.key_size != size_of::<u32>() as u32 {
            let what = format!("slots need keys of 4 bytes, and its keys have {}", outer.map.def.key_size);
            return Err(Error::unsupported(what).in_symbol(name));
        }
        let symbol = &elf.symbols[reloc.symbol];
        let slot = ((reloc.offset - slots_at) / POINTER) as u32;
        if symbol.kind == SymbolKind::Function
            && let Some(section) = symbol.section
        {
            let outer = MapIdx(next - 1);
            places.program_slots.push(ProgramSlot { outer, slot, section, address: symbol.value });
            continue;
        }
        let inner = symbol.section.and_then(|section| places.declared_at(section, symbol.value));
        let (Some(inner), Some(_)) = (inner, &outer.map.inner) else {
            let what = format!("slot {slot} refers to `{}`, which is not a map", symbol.name);
            return Err(Error::unresolved(what).in_symbol(name));
        };
        outer.map.slots.push((slot, Slot::Map(inner)));
    }
    Ok(())
}
