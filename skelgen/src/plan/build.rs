//! From an object and its programs to the list of steps.

use std::collections::BTreeSet;

use super::contexts::name_contexts;
use super::{Image, LoadPlan, PlannedProgram, Step, When};
use crate::fds::{FdSlot, FdTable, Run};
use crate::insn::Insn;
use crate::link::{MAX_BYTES, Program, too_many_bytes};
use crate::lower::{self, PerCpuMap};
use crate::object::{DataKind, Map, MapIdx, Object, ProgIdx, Slot};
use crate::{KernelVersion, Result};

/// The most bytes that all lowered programs can have together: lowering adds instructions.
const MAX_LOWERED_BYTES: usize = 2 * MAX_BYTES;

/// Plans the load of `object`, whose programs are linked as `programs`, in the order of their definition.
///
/// Maps come before programs, since programs refer to them; a data section is filled and frozen before any program is
/// loaded, so that the verifier knows its constants.
pub fn plan(object: &Object, programs: Vec<Program>) -> Result<LoadPlan> {
    plan_since(None, object, programs)
}

/// The same for kernels from `min_kernel` on: if all of them can address `.percpu` variables directly, programs have one
/// form only.
pub fn plan_since(min_kernel: Option<KernelVersion>, object: &Object, mut programs: Vec<Program>) -> Result<LoadPlan> {
    let mut btf = object.btf.clone();
    if min_kernel.is_none_or(|kernel| kernel < KernelVersion::CONTEXT_TAG) {
        let types = object.programs.iter().map(|def| def.sec.prog_type);
        btf = name_contexts(btf, &mut types.zip(&mut programs).collect::<Vec<_>>())?;
    }
    let direct = min_kernel.is_some_and(|kernel| kernel >= KernelVersion::DIRECT_PERCPU);
    let stand_ins = object.percpu_maps();
    let jump_tables: usize = programs.iter().map(|program| program.jump_tables.len()).sum();
    let fds = FdTable::default().with(Run::Maps, object.maps.len()).with(Run::JumpTables, jump_tables);
    let percpu: Vec<_> = stand_ins
        .iter()
        .enumerate()
        .map(|(index, &section)| PerCpuMap { section, stand_in: fds.slot(Run::Fallbacks, index) })
        .collect();
    let mut lowered_bytes = 0;
    let programs = programs
        .into_iter()
        .zip(&object.programs)
        .map(|(native, def)| {
            if direct {
                return Ok(PlannedProgram {
                    section: def.section.clone(),
                    sec: def.sec.clone(),
                    native,
                    lowered: None,
                });
            }
            let lowered = lower::lower(&native, &percpu, &btf, def.sec.null_return())
                .and_then(|lowered| lowered.as_ref().map_or(Ok(()), Program::check_maps).map(|()| lowered))
                .map_err(|error| error.in_section(def.section.as_str()))?;
            lowered_bytes += lowered.as_ref().map_or(0, Program::bytes);
            if lowered_bytes > MAX_LOWERED_BYTES {
                return Err(too_many_bytes(MAX_LOWERED_BYTES)
                    .in_symbol(native.name.as_str())
                    .in_section(def.section.as_str()));
            }
            Ok(PlannedProgram { section: def.section.clone(), sec: def.sec.clone(), native, lowered })
        })
        .collect::<Result<Vec<_>>>()?;
    let stand_ins =
        if percpu.iter().any(|map| is_referred_to(map.stand_in, &programs)) { stand_ins } else { Vec::new() };
    let steps = steps(object, stand_ins.len(), &programs, direct);
    Ok(LoadPlan {
        name: object.name.clone(),
        endian: object.endian,
        min_kernel,
        license: object.license.clone(),
        btf: if btf.is_empty() { Vec::new() } else { btf.encode(object.endian) },
        maps: object.maps.clone(),
        ksyms: object.ksyms.clone(),
        programs,
        stand_ins,
        steps,
    })
}

fn steps(object: &Object, stand_ins: usize, programs: &[PlannedProgram], direct: bool) -> Vec<Step> {
    let maps = object.maps.as_slice();
    let mut steps = Vec::new();
    if !object.btf.is_empty() {
        steps.push(Step::LoadBtf);
    }
    let used: BTreeSet<_> =
        programs.iter().flat_map(|program| &program.native.ksym_refs).map(|found| found.ksym).collect();
    steps.extend(used.into_iter().map(|ksym| Step::FindKsym { ksym }));
    if maps.iter().any(is_percpu) {
        steps.push(Step::Probe);
    }
    for (index, map) in maps.iter().enumerate() {
        map_steps(&mut steps, MapIdx(index), map, direct);
    }
    steps.extend((0..stand_ins).map(|stand_in| Step::CreateStandIn { stand_in }));
    populate_steps(&mut steps, maps, |slot| matches!(slot, Slot::Map(_)));
    for (index, program) in programs.iter().enumerate() {
        program_steps(&mut steps, ProgIdx(index), program);
    }
    populate_steps(&mut steps, maps, |slot| matches!(slot, Slot::Program(_)));
    steps
}

fn populate_steps(steps: &mut Vec<Step>, maps: &[Map], wanted: impl Fn(&Slot) -> bool) {
    for (index, map) in maps.iter().enumerate() {
        let slots = map.slots.iter().filter(|(_, value)| wanted(value));
        steps.extend(slots.map(|&(slot, value)| Step::Populate { outer: MapIdx(index), slot, value }));
    }
}

fn map_steps(steps: &mut Vec<Step>, map: MapIdx, def: &Map, direct: bool) {
    if is_percpu(def) && !direct {
        // Kernels before 7.3 refuse a per-CPU array whose value is a section.
        steps.push(Step::CreateMap { map, when: When::Direct });
        steps.push(Step::CreateMap { map, when: When::NotDirect });
    } else {
        steps.push(Step::CreateMap { map, when: When::Always });
    }
    if def.arena.is_some() {
        steps.push(Step::InitArena { map });
    }
    match def.data.as_ref().map(|data| data.kind) {
        Some(DataKind::Data) => steps.push(Step::InitMap { map }),
        Some(DataKind::Rodata | DataKind::Kconfig) => steps.extend([Step::InitMap { map }, Step::FreezeMap { map }]),
        Some(DataKind::PerCpu) => steps.push(Step::InitPerCpu { map }),
        Some(DataKind::Bss) | None => {}
    }
}

fn program_steps(steps: &mut Vec<Step>, program: ProgIdx, planned: &PlannedProgram) {
    if let Some(target) = planned.sec.btf_target() {
        steps.push(Step::FindTarget { program, name: target.name.clone(), kind: target.kind });
    }
    for table in 0..planned.native.jump_tables.len() {
        steps.push(Step::CreateJumpTable { program, table });
        for (image, when) in images(planned) {
            steps.push(Step::InitJumpTable { program, table, image, when });
        }
        steps.push(Step::FreezeJumpTable { program, table });
    }
    steps.extend(images(planned).map(|(image, when)| Step::LoadProgram { program, image, when }));
}

/// The forms of a program, and the kernels where it has them.
fn images(planned: &PlannedProgram) -> impl Iterator<Item = (Image, When)> {
    let forms = if planned.lowered.is_some() {
        [Some((Image::Native, When::Direct)), Some((Image::Lowered, When::NotDirect))]
    } else {
        [Some((Image::Native, When::Always)), None]
    };
    forms.into_iter().flatten()
}

/// Whether a lowered program refers to the map's value.
fn is_referred_to(map: FdSlot, programs: &[PlannedProgram]) -> bool {
    let refers = |&insn: &Insn| insn.is_map_value() && FdSlot::referred_to_by(insn) == Some(map);
    programs.iter().filter_map(|program| program.lowered.as_ref()).any(|lowered| lowered.insns.iter().any(refers))
}

fn is_percpu(map: &Map) -> bool {
    map.data.as_ref().is_some_and(|data| data.kind == DataKind::PerCpu)
}
