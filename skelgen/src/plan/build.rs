//! From an object and its programs to the list of steps.

use super::{Image, LoadPlan, PlannedProgram, Step, When};
use crate::Result;
use crate::link::Program;
use crate::lower;
use crate::object::{DataKind, Map, MapIdx, Object, ProgIdx};

/// Plans the load of `object`, whose programs are linked as `programs`, in the order of their definition.
///
/// Maps come before programs, since programs refer to them; a data section is filled and frozen before any program is
/// loaded, so that the verifier knows its constants.
pub fn plan(object: &Object, programs: Vec<Program>) -> Result<LoadPlan> {
    let percpu = object.percpu_maps();
    let programs = programs
        .into_iter()
        .zip(&object.programs)
        .map(|(native, def)| {
            let lowered = lower::lower(&native, &percpu, &object.btf, def.sec.null_return())
                .map_err(|error| error.in_section(def.section.as_str()))?;
            Ok(PlannedProgram { section: def.section.clone(), sec: def.sec.clone(), native, lowered })
        })
        .collect::<Result<Vec<_>>>()?;
    let steps = steps(&object.maps, &programs, !object.btf.is_empty());
    Ok(LoadPlan {
        name: object.name.clone(),
        endian: object.endian,
        license: object.license.clone(),
        btf: if object.btf.is_empty() { Vec::new() } else { object.btf.encode(object.endian) },
        maps: object.maps.clone(),
        programs,
        steps,
    })
}

fn steps(maps: &[Map], programs: &[PlannedProgram], btf: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if btf {
        steps.push(Step::LoadBtf);
    }
    if maps.iter().any(is_percpu) {
        steps.push(Step::Probe);
    }
    for (index, map) in maps.iter().enumerate() {
        map_steps(&mut steps, MapIdx(index), map);
    }
    for (index, map) in maps.iter().enumerate() {
        for &(slot, inner) in &map.slots {
            steps.push(Step::PopulateOuter { outer: MapIdx(index), slot, inner });
        }
    }
    for (index, program) in programs.iter().enumerate() {
        program_steps(&mut steps, ProgIdx(index), program);
    }
    steps
}

fn map_steps(steps: &mut Vec<Step>, map: MapIdx, def: &Map) {
    if is_percpu(def) {
        // Kernels before 7.3 refuse a per-CPU array whose value is a section.
        steps.push(Step::CreateMap { map, when: When::Direct });
        steps.push(Step::CreateMap { map, when: When::NotDirect });
    } else {
        steps.push(Step::CreateMap { map, when: When::Always });
    }
    match def.data.as_ref().map(|data| data.kind) {
        Some(DataKind::Data) => steps.push(Step::InitMap { map }),
        Some(DataKind::Rodata) => steps.extend([Step::InitMap { map }, Step::FreezeMap { map }]),
        Some(DataKind::PerCpu) => steps.push(Step::InitPerCpu { map }),
        Some(DataKind::Bss) | None => {}
    }
}

fn program_steps(steps: &mut Vec<Step>, program: ProgIdx, planned: &PlannedProgram) {
    if let Some(target) = planned.sec.btf_target() {
        steps.push(Step::FindTarget { program, name: target.name.clone(), kind: target.kind });
    }
    if planned.lowered.is_some() {
        steps.push(Step::LoadProgram { program, image: Image::Native, when: When::Direct });
        steps.push(Step::LoadProgram { program, image: Image::Lowered, when: When::NotDirect });
    } else {
        steps.push(Step::LoadProgram { program, image: Image::Native, when: When::Always });
    }
}

fn is_percpu(map: &Map) -> bool {
    map.data.as_ref().is_some_and(|data| data.kind == DataKind::PerCpu)
}
