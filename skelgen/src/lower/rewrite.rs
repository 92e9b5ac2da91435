//! The second image: the functions with their prologues, and everything that counts slots moved along.

use super::Sections;
use super::body::{Body, Call};
use super::prologue::Prologue;
use crate::insn::Insn;
use crate::insn::build::{R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, Reg};
use crate::link::{CoreRelo, FuncInfo, Function, JumpTable, KsymRef, LineInfo, Program};
use crate::object::MapIdx;
use crate::{Error, Result};

/// Where each function of a program stands before and after.
struct Layout<'a> {
    functions: &'a [Function],
    /// The slots of each function's prologue.
    prologues: Vec<Vec<Insn>>,
    /// Each function's first slot in the new image.
    starts: Vec<usize>,
}

/// `program` with `prologues`, one a function or none.
pub(super) fn rewrite(
    program: &Program,
    bodies: &[Body<'_>],
    prologues: &[Option<Prologue>],
    sections: Sections<'_>,
) -> Result<Program> {
    let layout = Layout::new(program, prologues)?;
    let mut insns = Vec::new();
    for (index, (body, prologue)) in bodies.iter().zip(prologues).enumerate() {
        insns.extend(&layout.prologues[index]);
        for (at, &insn) in body.insns.iter().enumerate() {
            // The upper half of a reference has been written with the lower one.
            if insns.len() > layout.body(index) + at {
                continue;
            }
            let place = |error: Error| error.at_insn(at).in_symbol(&body.function.name);
            match (sections.referred_to_by(insn), prologue) {
                (Some(map), Some(prologue)) => {
                    insns.extend(reference(body.insns, at, map, prologue).map_err(place)?);
                }
                _ => insns.push(layout.retargeted(insn, body, at, insns.len()).map_err(place)?),
            }
        }
    }
    let functions = program.functions.iter().enumerate().map(|(index, function)| {
        let end = layout.body(index) + function.span.len();
        Function { span: layout.starts[index]..end, ..function.clone() }
    });
    Ok(Program {
        name: program.name.clone(),
        functions: functions.collect(),
        insns,
        func_info: layout.func_info(&program.func_info)?,
        line_info: layout.line_info(&program.line_info)?,
        core_relos: layout.core_relos(program, sections)?,
        ksym_refs: layout.ksym_refs(&program.ksym_refs)?,
        jump_tables: program.jump_tables.iter().map(|table| layout.jump_table(table)).collect::<Result<_>>()?,
    })
}

/// The reference at `at`, by way of the pointer that `prologue` keeps.
fn reference(insns: &[Insn], at: usize, map: MapIdx, prologue: &Prologue) -> Result<[Insn; 2]> {
    let dst = [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9].into_iter().find(|reg: &Reg| reg.n() == insns[at].dst);
    let offset = insns.get(at + 1).map(|upper| upper.imm).filter(|&offset| offset >= 0);
    dst.zip(offset)
        .and_then(|(dst, offset)| prologue.address(dst, map, offset))
        .ok_or_else(|| Error::malformed("refers to per-CPU data at an invalid offset"))
}

impl<'a> Layout<'a> {
    fn new(program: &'a Program, prologues: &[Option<Prologue>]) -> Result<Self> {
        let mut layout = Layout { functions: &program.functions, prologues: Vec::new(), starts: Vec::new() };
        let mut shift = 0;
        for (function, prologue) in program.functions.iter().zip(prologues) {
            let prologue = match prologue {
                Some(prologue) => prologue.insns().map_err(|error| error.in_symbol(&function.name))?,
                None => Vec::new(),
            };
            layout.starts.push(function.span.start + shift);
            shift += prologue.len();
            layout.prologues.push(prologue);
        }
        Ok(layout)
    }

    /// The first slot of what the function was before.
    fn body(&self, function: usize) -> usize {
        self.starts[function] + self.prologues[function].len()
    }

    /// `insn`, which stands at `at` of `body` and comes to stand at `new`, with its distance to another function mended.
    fn retargeted(&self, insn: Insn, body: &Body<'_>, at: usize, new: usize) -> Result<Insn> {
        let Some(step) = body.steps[at] else { return Ok(insn) };
        let target = match step.call {
            Some(Call::Function(callee)) => Some(callee),
            _ => step.address,
        };
        let Some(target) = target else { return Ok(insn) };
        let distance = self.starts[target] as i64 - (new as i64 + 1);
        let imm = i32::try_from(distance).map_err(|_| Error::too_large("the called function is too far away"))?;
        Ok(Insn { imm, ..insn })
    }

    /// The function that slot `insn` belongs to.
    fn function_at(&self, insn: usize, what: &str) -> Result<usize> {
        let function = self.functions.partition_point(|function| function.span.end <= insn);
        if function < self.functions.len() { Ok(function) } else { Err(outside(insn, what)) }
    }

    /// Where slot `insn` comes to stand.
    fn moved(&self, insn: usize, function: usize) -> usize {
        self.body(function) + (insn - self.functions[function].span.start)
    }

    /// A function starts with its prologue.
    fn func_info(&self, infos: &[FuncInfo]) -> Result<Vec<FuncInfo>> {
        let moved = |info: &FuncInfo| {
            let function = self.function_at(info.insn, "func_info")?;
            if self.functions[function].span.start != info.insn {
                let error = Error::malformed("func_info describes a slot where no function starts");
                return Err(error.in_symbol(&self.functions[function].name));
            }
            Ok(FuncInfo { insn: self.starts[function], ..*info })
        };
        infos.iter().map(moved).collect()
    }

    /// A line moves along with its instruction. A prologue has its function's first line: the verifier wants one at
    /// each function's first slot.
    fn line_info(&self, lines: &[LineInfo]) -> Result<Vec<LineInfo>> {
        let mut out = Vec::with_capacity(lines.len());
        let mut last = None;
        for line in lines {
            let function = self.function_at(line.insn, "line_info")?;
            if last.replace(function) != Some(function) && !self.prologues[function].is_empty() {
                out.push(LineInfo { insn: self.starts[function], ..*line });
            }
            out.push(LineInfo { insn: self.moved(line.insn, function), ..*line });
        }
        Ok(out)
    }

    /// A table leads to the same instructions as before.
    fn jump_table(&self, table: &JumpTable) -> Result<JumpTable> {
        let moved = |&target: &u32| {
            let function = self.function_at(target as usize, "a jump table")?;
            u32::try_from(self.moved(target as usize, function))
                .map_err(|_| Error::too_large("the jump target is too far away"))
        };
        Ok(JumpTable { slot: table.slot, targets: table.targets.iter().map(moved).collect::<Result<_>>()? })
    }

    fn core_relos(&self, program: &Program, sections: Sections<'_>) -> Result<Vec<CoreRelo>> {
        let moved = |relo: &CoreRelo| {
            let function = self.function_at(relo.insn, "a CO-RE relocation")?;
            if sections.referred_to_by(program.insns[relo.insn]).is_some() {
                return Err(Error::malformed("a CO-RE relocation patches a reference to per-CPU data")
                    .at_insn(relo.insn - self.functions[function].span.start)
                    .in_symbol(&self.functions[function].name));
            }
            Ok(CoreRelo { insn: self.moved(relo.insn, function), ..*relo })
        };
        program.core_relos.iter().map(moved).collect()
    }

    fn ksym_refs(&self, refs: &[KsymRef]) -> Result<Vec<KsymRef>> {
        let moved = |found: &KsymRef| {
            let function = self.function_at(found.insn, "a reference to the kernel")?;
            Ok(KsymRef { insn: self.moved(found.insn, function), ..*found })
        };
        refs.iter().map(moved).collect()
    }
}

fn outside(insn: usize, what: &str) -> Error {
    Error::malformed(format!("{what} describes slot {insn}, which is in no function"))
}
