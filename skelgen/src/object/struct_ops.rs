//! struct_ops maps: variables whose type is a struct of the kernel's, made of values and of pointers to programs.
//!
//! `.struct_ops.link` asks for a map that is registered through a link, `.struct_ops` for one that is registered when
//! its value is written; `?` before either for one that is not created unless the user says so. How the struct is laid
//! out in the kernel only the target knows: here the members are listed as the object has them, and the runtime finds
//! the kernel's by their names.

use std::collections::{BTreeMap, HashMap};

use super::elf::{Elf, ElfReloc, R_BPF_64_ABS64, Section};
use super::functions::Functions;
use super::model::{FuncIdx, Map, MapDef, OpsMember, ProgIdx, ProgramDef, StructOps};
use super::programs::by_entry;
use crate::btf::{Btf, Composite, Kind, Member, Type, TypeId};
use crate::uapi::{BPF_F_LINK, BPF_MAP_TYPE_STRUCT_OPS, BPF_PROG_TYPE_STRUCT_OPS, BTF_KIND_UNKN, BtfKind, MapFlags};
use crate::{Error, Result};

const STRUCT_OPS: &str = ".struct_ops";
const STRUCT_OPS_LINK: &str = ".struct_ops.link";

/// The most members that all maps of a section can have together: many maps can share one huge struct. The kernel's own
/// structs have less than a hundred members.
const MAX_MEMBERS: usize = 1 << 16;

/// Bytes of a map's name, without the final zero.
const NAME_LEN: usize = 15;

/// What the name of a section says of its maps.
#[derive(Clone, Copy)]
struct Sec {
    autocreate: bool,
    link: bool,
}

fn sec(name: &str) -> Option<Sec> {
    let (name, autocreate) = name.strip_prefix('?').map_or((name, true), |name| (name, false));
    match name {
        STRUCT_OPS => Some(Sec { autocreate, link: false }),
        STRUCT_OPS_LINK => Some(Sec { autocreate, link: true }),
        _ => None,
    }
}

/// The maps of all struct_ops sections. Programs that they refer to are loaded if one of the maps is created.
pub(super) fn maps(elf: &Elf<'_>, btf: &Btf, functions: &Functions, programs: &mut [ProgramDef]) -> Result<Vec<Map>> {
    let mut maps = Vec::new();
    let by_entry = by_entry(programs);
    for section in elf.sections.iter().filter(|section| section.size > 0) {
        let Some(sec) = sec(&section.name) else { continue };
        let found = Parser { elf, btf, functions, programs, by_entry: &by_entry, section, sec }
            .maps()
            .map_err(|error| error.in_section(section.name.as_str()))?;
        maps.extend(found);
    }
    adjust_autoload(&maps, programs);
    Ok(maps)
}

/// Kernels before 6.9 take no `?` in the name of a section, which is all that BTF is asked for.
pub(super) fn fix_names(btf: &mut Btf) -> Result<()> {
    let optional = btf.datasecs().filter_map(|(id, datasec)| Some((id, btf.name(datasec.name).strip_prefix('?')?)));
    let optional: Vec<_> = optional.map(|(id, name)| (id, format!("_{name}"))).collect();
    for (id, name) in optional {
        let name = btf.add_str(&name)?;
        if let Some(datasec) = btf.datasec_mut(id) {
            datasec.name = name;
        }
    }
    Ok(())
}

/// A program in a map is loaded with it and not without it, whatever its own section says.
fn adjust_autoload(maps: &[Map], programs: &mut [ProgramDef]) {
    let mut loaded: BTreeMap<ProgIdx, bool> = BTreeMap::new();
    for ops in maps.iter().filter_map(|map| map.struct_ops.as_ref()) {
        for program in ops.members.iter().filter_map(|member| member.program) {
            *loaded.entry(program).or_default() |= ops.autocreate;
        }
    }
    for (ProgIdx(index), autoload) in loaded {
        programs[index].sec.autoload = autoload;
    }
}

/// One section.
struct Parser<'a> {
    elf: &'a Elf<'a>,
    btf: &'a Btf,
    functions: &'a Functions,
    programs: &'a [ProgramDef],
    by_entry: &'a HashMap<FuncIdx, usize>,
    section: &'a Section<'a>,
    sec: Sec,
}

/// A map, and where its variable begins in the section.
struct Placed {
    start: u64,
    map: Map,
}

impl Parser<'_> {
    fn maps(&self) -> Result<Vec<Map>> {
        let datasec = self
            .btf
            .find(Kind::Datasec, &self.section.name)
            .and_then(|id| self.btf.get(id).as_datasec())
            .ok_or_else(|| Error::malformed("no BTF describes the maps (was the object compiled with -g?)"))?;
        let mut placed = Vec::new();
        let (mut end, mut members) = (0, 0);
        for entry in &datasec.vars {
            let Some(var) = self.btf.get(entry.ty).as_var() else { continue };
            let name = self.btf.name(var.name);
            let map = self.map(name, var.ty, entry.offset).map_err(|error| error.in_symbol(name))?;
            let start = u64::from(entry.offset);
            if start < end {
                return Err(Error::malformed("overlaps the variable before it").in_symbol(name));
            }
            end = start + u64::from(map.def.value_size);
            members += map.struct_ops.as_ref().map_or(0, |ops| ops.members.len());
            if members > MAX_MEMBERS {
                let what =
                    format!("with it the section's maps have {members} members; at most {MAX_MEMBERS} are allowed");
                return Err(Error::too_large(what).in_symbol(name));
            }
            placed.push(Placed { start, map });
        }
        for reloc in &self.section.relocs {
            self.refer(reloc, &mut placed)?;
        }
        Ok(placed.into_iter().map(|placed| placed.map).collect())
    }

    fn map(&self, name: &str, id: TypeId, offset: u32) -> Result<Map> {
        let id = self.btf.resolve(id);
        let Type::Struct(ty) = self.btf.get(id) else {
            return Err(Error::unsupported(format!("`{}` is not a struct", self.btf.c_type(id))));
        };
        let type_name = essential_name(self.btf.name(ty.name));
        if type_name.is_empty() {
            return Err(Error::unsupported("its struct has no name"));
        }
        let start = offset as usize;
        let bytes = start.checked_add(ty.size as usize).and_then(|end| self.section.data.get(start..end));
        let bytes =
            bytes.ok_or_else(|| Error::malformed(format!("{} bytes at {offset} pass the section's end", ty.size)))?;
        let members = ty.members.iter().map(|member| self.member(ty, member)).collect::<Result<_>>()?;
        Ok(Map {
            name: name.to_owned(),
            kernel_name: name.chars().take(NAME_LEN).collect(),
            def: MapDef {
                map_type: BPF_MAP_TYPE_STRUCT_OPS,
                key_size: 4,
                value_size: ty.size,
                max_entries: 1,
                map_flags: if self.sec.link { BPF_F_LINK } else { MapFlags(0) },
                ..MapDef::default()
            },
            inner: None,
            slots: Vec::new(),
            data: None,
            arena: None,
            struct_ops: Some(StructOps {
                type_id: id,
                type_name: type_name.to_owned(),
                bytes: bytes.to_vec(),
                autocreate: self.sec.autocreate,
                members,
            }),
        })
    }

    fn member(&self, ty: &Composite, member: &Member) -> Result<OpsMember> {
        let name = self.btf.name(member.name);
        let offset = member.bit_offset / 8;
        let size = self.btf.size_of(member.ty).map_err(|error| {
            Error::new(error.kind(), format!("member `{name}` of `{}`: {error}", self.btf.name(ty.name)))
        })?;
        let bitfield = self.btf.bitfield(member).is_some();
        let room = ty.size.checked_sub(offset).filter(|&room| bitfield || size <= room).ok_or_else(|| {
            Error::malformed(format!("member `{name}` ends past the end of `{}`", self.btf.name(ty.name)))
        })?;
        let resolved = self.btf.get_resolved(member.ty);
        Ok(OpsMember {
            name: name.to_owned(),
            offset,
            size: size.min(room),
            kind: resolved.kind().map_or(BTF_KIND_UNKN, BtfKind::from),
            bitfield,
            function: matches!(resolved, Type::Ptr(to) if matches!(self.btf.get_resolved(*to), Type::FuncProto(_))),
            program: None,
        })
    }

    /// Puts a program into the member that is relocated.
    fn refer(&self, reloc: &ElfReloc, placed: &mut [Placed]) -> Result<()> {
        let inside = |placed: &&mut Placed| {
            let size = u64::from(placed.map.def.value_size);
            reloc.offset.checked_sub(placed.start).is_some_and(|offset| offset < size)
        };
        // `maps` checked that their addresses rise.
        let next = placed.partition_point(|placed| placed.start <= reloc.offset);
        let Some(Placed { start, map }) = placed[..next].last_mut().filter(inside) else {
            return Err(Error::malformed(format!("byte {} holds an address, but no map is there", reloc.offset)));
        };
        let Some(ops) = &mut map.struct_ops else { return Ok(()) };
        let offset = (reloc.offset - *start) as u32;
        self.fill(reloc, offset, ops).map_err(|error| error.in_symbol(map.name.as_str()))
    }

    fn fill(&self, reloc: &ElfReloc, offset: u32, ops: &mut StructOps) -> Result<()> {
        let StructOps { bytes, members, .. } = ops;
        let symbol = &self.elf.symbols[reloc.symbol];
        let Some(member) = members.iter_mut().find(|member| member.offset == offset && member.size > 0) else {
            return Err(Error::malformed(format!("byte {offset} holds an address, but no member begins there")));
        };
        if !member.function || reloc.r_type != R_BPF_64_ABS64 {
            let what =
                format!("`{}` holds the address of `{}`, but is not a pointer to a function", member.name, symbol.name);
            return Err(Error::unsupported(what));
        }
        // What stands in the member is added to the symbol's address; the program's descriptor will take its place.
        let at = offset as usize;
        let address = symbol.value.wrapping_add(self.elf.endian.u64_at(bytes, at).unwrap_or_default());
        bytes[at..at + member.size as usize].fill(0);
        let entry = symbol.section.and_then(|section| self.functions.starting_at(section, address));
        let program = entry.and_then(|entry| self.by_entry.get(&entry).copied());
        let Some(program) = program else {
            let what = format!("`{}` refers to `{}`, which is not a program", member.name, symbol.name);
            return Err(Error::unresolved(what));
        };
        let ProgramDef { name, section, sec, .. } = &self.programs[program];
        if sec.prog_type != BPF_PROG_TYPE_STRUCT_OPS {
            let what = format!(
                "`{}` refers to program `{name}` of section {section}, which is not of struct_ops",
                member.name
            );
            return Err(Error::unsupported(what));
        }
        member.program = Some(ProgIdx(program));
        Ok(())
    }
}

/// A type's name without its flavour: `tcp_congestion_ops` of `tcp_congestion_ops___v2`.
fn essential_name(name: &str) -> &str {
    let bytes = name.as_bytes();
    let separator = bytes.windows(5).rposition(|w| w[0] != b'_' && &w[1..4] == b"___" && w[4] != b'_');
    separator.map_or(name, |at| &name[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_say_how_maps_are_registered() {
        let of = |name| sec(name).map(|sec| (sec.autocreate, sec.link));
        assert_eq!(of(".struct_ops"), Some((true, false)));
        assert_eq!(of(".struct_ops.link"), Some((true, true)));
        assert_eq!(of("?.struct_ops"), Some((false, false)));
        assert_eq!(of("?.struct_ops.link"), Some((false, true)));
        assert_eq!([of("struct_ops"), of(".struct_ops.x"), of("??.struct_ops")], [None; 3]);
    }

    #[test]
    fn flavours_are_not_of_the_name() {
        let table = [
            ("tcp_congestion_ops", "tcp_congestion_ops"),
            ("tcp_congestion_ops___v2", "tcp_congestion_ops"),
            ("a___b___c", "a___b"),
            ("a____b", "a____b"),
            ("___b", "___b"),
            ("a___", "a___"),
            ("", ""),
        ];
        for (name, essential) in table {
            assert_eq!(essential_name(name), essential, "{name}");
        }
    }
}
