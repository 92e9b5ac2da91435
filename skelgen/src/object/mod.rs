//! Reads a compiled BPF ELF object into owned values.
//!
//! Input: the file's bytes. Output: [`Object`]. The counterparts are `bpf_object_open` in `tools/lib/bpf/libbpf.c` and,
//! for BTF, `kernel/bpf/btf.c`.
//!
//! ```text
//! elf        sections, symbols, relocations
//! functions  code sections cut into functions, with what .BTF.ext says of them
//! maps       .maps, from BTF
//! legacy_maps  maps, from its bytes
//! ksyms      .ksyms, from BTF and undefined symbols
//! misplaced  variables that BTF has in another section
//! cut        static variables that the compiler shrank or split
//! data       .data, .rodata, .bss, .percpu
//! addresses  variables in them that hold an address
//! kconfig    .kconfig, which is in BTF only
//! arena      variables in an arena
//! jump_tables  .jumptables, as tables of functions
//! relocs     what each instruction refers to
//! exceptions the functions that run when programs throw
//! programs   the functions that are programs, by the names of their sections (sec)
//! struct_ops maps made of programs
//! parameters names for those of functions that have none
//! source     the source line of an instruction, for errors
//! outline    sections and externs, for those who look at an object
//! ```

mod addresses;
mod arena;
mod cut;
mod data;
mod elf;
mod exceptions;
mod foreign;
mod functions;
mod jump_tables;
mod kconfig;
mod ksym;
mod ksyms;
mod legacy_maps;
mod maps;
mod misplaced;
mod model;
pub mod outline;
mod parameters;
mod programs;
mod relocs;
pub mod sec;
mod source;
mod struct_ops;

pub use ksym::{Ksym, KsymKind};
pub use model::{
    Arena, Core, Data, FuncIdx, Function, JumpTable, Kconfig, KsymIdx, Line, Map, MapDef, MapIdx, Object, OpsMember,
    ProgIdx, ProgramDef, Reloc, Slot, StructOps, Target, Var, VarNote, data_kind,
};
pub use sec::{AttachTo, SecDef, UsdtTarget};
pub use skelgen_abi::desc::{DataKind, KconfigType};

use crate::btf::{Btf, BtfExt};
use crate::{Error, Result};
use data::Sections;
use elf::Elf;

impl Object {
    /// Parses an object; `file_name` names it in errors and, up to its first dot, in the kernel.
    pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Self> {
        parse(file_name, bytes).map_err(|error| error.in_object(file_name))
    }

    /// The error with the source line that it is about, if it names an instruction and line_info knows it.
    pub(crate) fn locate(&self, error: Error) -> Error {
        source::locate(error, &self.functions, &self.btf)
    }
}

fn parse(file_name: &str, bytes: &[u8]) -> Result<Object> {
    let elf = Elf::parse(bytes)?;
    let name = object_name(file_name);
    let (mut btf, ext) = types(&elf)?;
    misplaced::fix(&elf, &mut btf)?;
    let cut = data::fix_datasecs(&elf, &mut btf)?;

    let (mut maps, mut places) = maps::maps(&elf, &btf)?;
    maps.extend(legacy_maps::maps(&elf, maps.len(), &mut places)?);
    let sections = Sections::new(&elf, &btf, cut);
    if let Some((section, map)) = arena::variables(&sections, &mut maps)? {
        places.add_section(section, map);
    }
    for (section, map) in data::data_maps(&sections, &name)? {
        places.add_section(section, MapIdx(maps.len()));
        maps.push(map);
    }
    if let Some(map) = kconfig::map(&elf, &mut btf, &name)? {
        places.add_kconfig(MapIdx(maps.len()), &map);
        maps.push(map);
    }
    let mut functions = functions::functions(&elf, ext.as_ref())?;
    let ksyms = ksyms::ksyms(&elf, &btf);
    let resolved = relocs::resolve(&elf, &mut functions, &places, &ksyms);
    resolved.map_err(|error| source::locate(error, &functions.all, &btf))?;
    let mut programs = programs::programs(&functions)?;
    exceptions::assign(&btf, &functions, &mut programs)?;
    places.fill_program_slots(&mut maps, &functions, &programs)?;
    maps.extend(struct_ops::maps(&elf, &btf, &functions, &mut programs)?);
    if maps.len() > maps::MAX_MAPS {
        return Err(maps::too_many(maps.len()));
    }
    struct_ops::fix_names(&mut btf)?;
    programs::fix_linkage(&functions, &mut btf);
    ksyms::fix_btf(&mut btf)?;
    parameters::name(&mut btf)?;

    Ok(Object {
        name,
        endian: elf.endian,
        license: license(&elf)?,
        btf,
        maps,
        ksyms: ksyms.all,
        functions: functions.all,
        programs,
    })
}

/// The object's types. An object without BTF still loads, if nothing in it needs types: its variables are bytes then.
fn types(elf: &Elf<'_>) -> Result<(Btf, Option<BtfExt>)> {
    let filled = |name| elf.section(name).filter(|section| !section.data.is_empty());
    let Some(section) = filled(".BTF") else {
        if filled(maps::MAPS).is_some() {
            let what =
                "no BTF, which declares the maps: compile with -g, and strip with llvm-strip -g, which keeps BTF";
            return Err(Error::unsupported(what));
        }
        return Ok((Btf::default(), None));
    };
    let btf = Btf::parse(section.data, elf.endian).map_err(|error| error.in_section(".BTF"))?;
    let ext = match filled(".BTF.ext") {
        Some(section) => Some(BtfExt::parse(section.data, elf.endian, &btf)?),
        None => None,
    };
    Ok((btf, ext))
}

/// The content of section `license`, up to its zero.
fn license(elf: &Elf<'_>) -> Result<String> {
    let Some(section) = elf.section("license") else { return Ok(String::new()) };
    let text = section.data.split(|&byte| byte == 0).next().unwrap_or_default();
    let text =
        std::str::from_utf8(text).map_err(|_| Error::malformed("the license is not text").in_section("license"))?;
    Ok(text.to_owned())
}

/// The file's name up to its first dot, as an identifier.
pub(crate) fn object_name(file_name: &str) -> String {
    let base = file_name.rsplit('/').next().unwrap_or(file_name);
    let stem = base.split('.').find(|part| !part.is_empty()).unwrap_or("object");
    let mut name = crate::text::ascii_word(stem);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}
