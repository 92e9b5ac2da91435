//! The programs.

use std::collections::BTreeSet;

use serde::Serialize;
use skelgen::Skeleton;
use skelgen::fds::FdSlot;
use skelgen::plan::{LoadPlan, PlannedProgram};
use skelgen::uapi::AttachType;

use crate::ui::{Align, Cell, Table, style};

/// A program.
#[derive(Debug, Serialize)]
pub(super) struct Program {
    name: String,
    section: String,
    #[serde(rename = "type")]
    prog_type: String,
    attach_type: Option<String>,
    target: Option<String>,
    sleepable: bool,
    autoload: bool,
    needs_target: bool,
    instructions: usize,
    lowered_instructions: Option<usize>,
    subprograms: Vec<String>,
    core_relocations: usize,
    maps: Vec<String>,
}

/// The programs of a skeleton.
pub(super) fn programs(skeleton: &Skeleton) -> Vec<Program> {
    skeleton.plan.programs.iter().map(|planned| program(&skeleton.plan, planned)).collect()
}

fn program(plan: &LoadPlan, planned: &PlannedProgram) -> Program {
    let PlannedProgram { section, sec, native, lowered, .. } = planned;
    Program {
        name: native.name.clone(),
        section: section.clone(),
        prog_type: sec.prog_type.short().to_string(),
        // 0 is also an attach type, but nearly always means that the section name has none.
        attach_type: Some(sec.expected_attach_type).filter(|&ty| ty != AttachType(0)).map(|ty| ty.short().to_string()),
        target: section.split_once('/').map(|(_, target)| target.to_owned()).filter(|target| !target.is_empty()),
        sleepable: sec.sleepable,
        autoload: sec.autoload,
        needs_target: sec.needs_target(),
        instructions: native.insns.len(),
        lowered_instructions: lowered.as_ref().map(|lowered| lowered.insns.len()),
        subprograms: native.functions.iter().skip(1).map(|function| function.name.clone()).collect(),
        core_relocations: native.core_relos.len(),
        maps: maps_of(plan, planned),
    }
}

/// The maps that a program refers to, in their order.
fn maps_of(plan: &LoadPlan, planned: &PlannedProgram) -> Vec<String> {
    let fds = plan.fd_table();
    let used: BTreeSet<FdSlot> = planned.native.insns.iter().filter_map(|&insn| FdSlot::referred_to_by(insn)).collect();
    used.into_iter().filter_map(|slot| fds.map(slot)).map(|map| plan.map(map).name.clone()).collect()
}

/// The programs as a table.
pub(super) fn table(programs: &[Program]) -> Table {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("TYPE", Align::Left),
        ("ATTACH", Align::Left),
        ("TARGET", Align::Left),
        ("INSNS", Align::Right),
        ("LOWERED", Align::Right),
        ("SUBPROGRAMS", Align::Right),
        ("CO-RE", Align::Right),
        ("AUTOLOAD", Align::Left),
    ]);
    let some = |count: usize| Some(count).filter(|&count| count > 0);
    for program in programs {
        table.row([
            Cell::styled(program.name.as_str(), style::NAME),
            Cell::styled(program.prog_type.as_str(), style::TYPE),
            program.attach_type.as_deref().into(),
            program.target.as_deref().into(),
            program.instructions.into(),
            program.lowered_instructions.into(),
            some(program.subprograms.len()).into(),
            some(program.core_relocations).into(),
            program.loaded(),
        ]);
    }
    table
}

impl Program {
    /// Why it is not loaded by default; empty if it is.
    fn loaded(&self) -> Cell {
        match () {
            () if !self.autoload => Cell::styled("off", style::UNSURE),
            () if self.needs_target => Cell::styled("needs a target", style::UNSURE),
            () => Cell::default(),
        }
    }
}
