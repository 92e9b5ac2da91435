//! The description of an object, by which the runtime loads it.
//!
//! Input: a [`LoadPlan`] and its [`Loader`]. Output: an [`ObjectDesc`]. Generated code has it as constants, which
//! [`emit`](crate::emit) prints; a tool that loads an object without generating code gives it to the runtime.

mod attach;

use std::borrow::Cow;
use std::cell::OnceCell;

use skelgen_abi::desc::{
    ArenaDesc, DataDesc, ImageDesc, KconfigDesc, MapDesc, MemberDesc, ObjectDesc, ProgDesc, StepDesc, StructOpsDesc,
};

use crate::loader::{BlobOff, Loader, MapSlots, ProgramSlots};
use crate::object::{Kconfig, Map, OpsMember, Var};
use crate::plan::{LoadPlan, PlannedProgram};
pub use attach::attach;

/// What an [`ObjectDesc`] borrows from: the plan, the loader, and lists that neither has.
#[derive(Debug)]
pub struct Description<'a> {
    plan: &'a LoadPlan,
    loader: &'a Loader,
    image: Cow<'a, [u8]>,
    code: Vec<u8>,
    steps: Vec<StepDesc<'a>>,
    map_lists: Vec<MapLists<'a>>,
    prog_attrs: Vec<Vec<u32>>,
    maps: OnceCell<Vec<MapDesc<'a>>>,
    progs: OnceCell<Vec<ProgDesc<'a>>>,
}

impl<'a> Description<'a> {
    /// The description of what `loader` loads by `plan`.
    pub fn of(plan: &'a LoadPlan, loader: &'a Loader) -> Self {
        let step = |step| {
            let (what, subject) = plan.words(step);
            StepDesc { what, subject }
        };
        Description {
            plan,
            loader,
            image: loader.image_at_rest(),
            code: loader.interpreter.code(plan.endian),
            steps: plan.steps.iter().map(step).collect(),
            map_lists: plan.maps.iter().zip(&loader.maps).map(|(map, slots)| MapLists::of(map, slots)).collect(),
            prog_attrs: loader.programs.iter().map(|slots| offsets(&slots.attrs)).collect(),
            maps: OnceCell::new(),
            progs: OnceCell::new(),
        }
    }

    /// The description itself.
    pub fn object(&'a self) -> ObjectDesc<'a> {
        let Description { plan, loader, image, code, steps, map_lists, prog_attrs, maps, progs } = self;
        ObjectDesc {
            name: &plan.name,
            min_kernel: plan.min_kernel.map(|kernel| (kernel.major, kernel.minor)),
            image: ImageDesc { len: loader.image.len() as u32, bytes: image, repeats: &loader.repeats },
            loader: code,
            loader_btf: &loader.interpreter.btf,
            loader_func_info: &loader.interpreter.func_info,
            maps: maps.get_or_init(|| {
                let maps = plan.maps.iter().zip(&loader.maps).zip(map_lists);
                maps.map(|((map, slots), lists)| map_desc(map, slots, lists)).collect()
            }),
            progs: progs.get_or_init(|| {
                let programs = plan.programs.iter().zip(&loader.programs).zip(prog_attrs);
                programs.map(|((program, slots), attrs)| prog_desc(program, slots, attrs)).collect()
            }),
            steps,
        }
    }
}

/// The lists in the description of a map.
#[derive(Debug)]
struct MapLists<'a> {
    attrs: Vec<u32>,
    /// Of an arena: words in programs.
    offsets: Vec<u32>,
    kconfig: Vec<KconfigDesc<'a>>,
    members: Vec<MemberDesc<'a>>,
}

impl<'a> MapLists<'a> {
    fn of(map: &'a Map, slots: &MapSlots) -> Self {
        MapLists {
            attrs: offsets(&slots.attrs),
            offsets: offsets(&slots.offsets),
            kconfig: map.data.iter().flat_map(|data| &data.vars).filter_map(kconfig_desc).collect(),
            members: map.struct_ops.iter().flat_map(|ops| &ops.members).map(member_desc).collect(),
        }
    }
}

fn map_desc<'a>(map: &'a Map, slots: &MapSlots, lists: &'a MapLists<'a>) -> MapDesc<'a> {
    let (def, init) = (&map.def, slots.init.as_ref().map(|range| (range.start, range.end - range.start)));
    MapDesc {
        name: &map.name,
        map_type: def.map_type.0,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        map_flags: def.map_flags.0,
        attrs: &lists.attrs,
        fd: slots.fd.0,
        reused: slots.reused.0,
        data: map.data.as_ref().map(|data| DataDesc {
            kind: data.kind,
            init,
            section: &map.name,
            metadata: data.has_metadata(),
            kconfig: &lists.kconfig,
        }),
        arena: map.arena.as_ref().map(|arena| ArenaDesc { size: arena.size, init, offsets: &lists.offsets }),
        pinning: def.pin_by_name.into(),
        struct_ops: map.struct_ops.as_ref().map(|ops| StructOpsDesc {
            type_name: &ops.type_name,
            autocreate: ops.autocreate,
            init: &ops.bytes,
            members: &lists.members,
        }),
    }
}

fn member_desc(member: &OpsMember) -> MemberDesc<'_> {
    MemberDesc {
        name: &member.name,
        offset: member.offset,
        size: member.size,
        kind: member.kind.0,
        bitfield: member.bitfield,
        function: member.function,
        program: member.program.map(|program| program.0),
    }
}

/// The description of a variable in `.kconfig`; `None` of other variables.
fn kconfig_desc(var: &Var) -> Option<KconfigDesc<'_>> {
    let Kconfig { ty, weak } = var.kconfig?;
    Some(KconfigDesc { name: &var.name, offset: var.offset, size: var.size, ty, weak })
}

fn prog_desc<'a>(program: &'a PlannedProgram, slots: &ProgramSlots, attrs: &'a [u32]) -> ProgDesc<'a> {
    ProgDesc {
        name: &program.native.name,
        section: &program.section,
        prog_type: program.sec.prog_type.0,
        expected_attach_type: program.sec.expected_attach_type.0,
        attrs,
        fd: slots.fd.0,
        skip: slots.skip.0,
        autoload: program.autoload(),
        attach: attach(&program.sec),
    }
}

fn offsets(offsets: &[BlobOff]) -> Vec<u32> {
    offsets.iter().map(|offset| offset.0).collect()
}
