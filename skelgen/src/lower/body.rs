//! A program's functions as graphs of steps.
//!
//! What stands here has been checked: every jump lands on an instruction of its own function, every call and function
//! address on the start of a function. The rest of the stage indexes by these without asking again.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{Callee, Flow, effect};
use super::regs::Regs;
use crate::fds::FdSlot;
use crate::insn::Insn;
use crate::link::{Function, Program};
use crate::{Error, Result};

/// The most edges that the indirect jumps of a function can have together.
const MAX_INDIRECT: usize = 1 << 24;

/// One function.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub(super) function: &'a Function,
    pub(super) insns: &'a [Insn],
    /// One a slot, `None` for the upper half of an `ld_imm64`. Indexes count from the function's start.
    pub(super) steps: Vec<Option<Step>>,
    /// Where its jump tables lead to: any of its indirect jumps can go to any of these.
    pub(super) table_targets: Vec<usize>,
}

/// One instruction and what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// As in [`Effect`](super::effect::Effect).
    pub(super) reads: Regs,
    pub(super) kills: Regs,
    pub(super) defines: Regs,
    /// The step that follows without a jump.
    pub(super) next: Option<usize>,
    /// The step that a jump leads to.
    pub(super) jump: Option<usize>,
    /// Whether it jumps through a table.
    pub(super) indirect: bool,
    pub(super) call: Option<Call>,
    /// The function whose address this loads.
    pub(super) address: Option<usize>,
}

/// What a step calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A helper, by its `enum bpf_func_id`.
    Helper(i32),
    Kfunc,
    /// A function of the program, by its index.
    Function(usize),
}

impl Body<'_> {
    /// The steps that may follow one.
    pub(super) fn successors(&self, step: &Step) -> impl Iterator<Item = usize> {
        step.next.into_iter().chain(self.jumps(step))
    }

    /// The steps that it may jump to.
    pub(super) fn jumps(&self, step: &Step) -> impl Iterator<Item = usize> {
        let through_table = if step.indirect { self.table_targets.as_slice() } else { &[] };
        step.jump.into_iter().chain(through_table.iter().copied())
    }

    /// The steps with their slots, in order.
    pub(super) fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        self.steps.iter().enumerate().filter_map(|(at, step)| Some((at, step.as_ref()?)))
    }

    /// For each slot the steps that lead to it.
    pub(super) fn predecessors(&self) -> Vec<Vec<usize>> {
        let mut before = vec![Vec::new(); self.steps.len()];
        for (at, step) in self.steps() {
            for to in self.successors(step) {
                before[to].push(at);
            }
        }
        before
    }
}

/// The functions of `program`, in its order.
pub(super) fn bodies(program: &Program) -> Result<Vec<Body<'_>>> {
    let mut starts = BTreeMap::new();
    let mut end = 0;
    for (index, function) in program.functions.iter().enumerate() {
        let span = &function.span;
        if span.start != end || span.end <= span.start || span.end > program.insns.len() {
            return Err(
                Error::malformed("the function does not start where the previous one ends").in_symbol(&function.name)
            );
        }
        starts.insert(span.start, index);
        end = span.end;
    }
    if end != program.insns.len() {
        return Err(Error::malformed("has instructions that belong to no function").in_symbol(&program.name));
    }
    program.functions.iter().map(|function| body(program, function, &starts)).collect()
}

fn body<'a>(program: &'a Program, function: &'a Function, starts: &BTreeMap<usize, usize>) -> Result<Body<'a>> {
    let insns = &program.insns[function.span.clone()];
    let mut steps = vec![None; insns.len()];
    let mut at = 0;
    while at < insns.len() {
        let step = step(insns, at, function.span.start, starts)
            .map_err(|error| error.at_insn(at).in_symbol(&function.name))?;
        steps[at] = Some(step);
        at += width(insns[at]);
    }
    let body = Body { function, insns, steps, table_targets: table_targets(program, function)? };
    let indirect = body.steps().filter(|(_, step)| step.indirect).count();
    if indirect.saturating_mul(body.table_targets.len()) > MAX_INDIRECT {
        let what = format!("too many indirect jumps: {indirect}, with {} targets each", body.table_targets.len());
        return Err(Error::too_large(what).in_symbol(&function.name));
    }
    for (at, step) in body.steps() {
        if body.successors(step).any(|to| body.steps[to].is_none()) {
            let error = Error::malformed("jumps into the middle of an ld_imm64");
            return Err(error.at_insn(at).in_symbol(&function.name));
        }
    }
    Ok(body)
}

/// Where the jump tables lead to that a function refers to, in slots from its start.
fn table_targets(program: &Program, function: &Function) -> Result<Vec<usize>> {
    let insns = &program.insns[function.span.clone()];
    let referred: BTreeSet<FdSlot> = match program.jump_tables.as_slice() {
        [] => BTreeSet::new(),
        _ => insns.iter().filter(|insn| insn.is_map_value()).filter_map(|&insn| FdSlot::referred_to_by(insn)).collect(),
    };
    let tables = program.jump_tables.iter().filter(|table| referred.contains(&table.slot));
    let mut targets = BTreeSet::new();
    for &target in tables.flat_map(|table| &table.targets) {
        let inside = Some(target as usize).filter(|target| function.span.contains(target));
        let inside = inside.ok_or_else(|| {
            Error::malformed(format!("its jump table has slot {target}, which is outside the function"))
                .in_symbol(&function.name)
        })?;
        targets.insert(inside - function.span.start);
    }
    Ok(targets.into_iter().collect())
}

fn width(insn: Insn) -> usize {
    if insn.is_ld_imm64() { 2 } else { 1 }
}

/// The step at slot `at` of a function that starts at slot `start` of its program.
fn step(insns: &[Insn], at: usize, start: usize, starts: &BTreeMap<usize, usize>) -> Result<Step> {
    let insn = insns[at];
    let effect = effect(insn)?;
    if insn.is_ld_imm64() {
        check_upper_half(insns.get(at + 1))?;
    }
    // A distance counts from the next slot, and both are small enough for the sum to fit.
    let inside = |distance: i32| {
        let to = at as i64 + 1 + i64::from(distance);
        usize::try_from(to)
            .ok()
            .filter(|&to| to < insns.len())
            .ok_or_else(|| Error::malformed(format!("jumps by {distance}, out of its function")))
    };
    let function = |distance: i32| {
        let to = start as i64 + at as i64 + 1 + i64::from(distance);
        let index = usize::try_from(to).ok().and_then(|to| starts.get(&to));
        index.copied().ok_or_else(|| Error::malformed(format!("calls no function: none starts at distance {distance}")))
    };
    let next = || {
        let next = at + width(insn);
        if next < insns.len() {
            Ok(Some(next))
        } else {
            Err(Error::malformed("falls through at the end of the function"))
        }
    };
    let (next, jump) = match effect.flow {
        Flow::Next => (next()?, None),
        Flow::Jump(distance) => (None, Some(inside(distance)?)),
        Flow::Branch(distance) => (next()?, Some(inside(distance)?)),
        Flow::Table | Flow::End => (None, None),
    };
    let call = match effect.callee {
        Some(Callee::Helper(id)) => Some(Call::Helper(id)),
        Some(Callee::Kfunc) => Some(Call::Kfunc),
        Some(Callee::Function(distance)) => Some(Call::Function(function(distance)?)),
        None => None,
    };
    let address = if insn.is_func_addr() { Some(function(insn.imm)?) } else { None };
    let indirect = effect.flow == Flow::Table;
    Ok(Step { reads: effect.reads, kills: effect.kills, defines: effect.defines, next, jump, indirect, call, address })
}

/// The upper half of an `ld_imm64` has nothing but its immediate.
fn check_upper_half(upper: Option<&Insn>) -> Result<()> {
    match upper {
        Some(Insn { code: 0, dst: 0, src: 0, off: 0, .. }) => Ok(()),
        Some(_) => Err(Error::malformed("the second slot of an ld_imm64 has more than an immediate")),
        None => Err(Error::malformed("the second slot of an ld_imm64 is missing")),
    }
}
