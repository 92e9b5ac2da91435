//! Instructions below their source lines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use skelgen::btf::Btf;
use skelgen::fds::{FdSlot, Run};
use skelgen::insn::disasm::Listing as Insns;
use skelgen::link::{LineInfo, Program};
use skelgen::object::MapIdx;
use skelgen::plan::{Image, LoadPlan, PlannedProgram};
use skelgen::uapi::{
    BPF_CALL, BPF_JMP, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE,
};
use skelgen::{Skeleton, SourceLine, printable};

use super::helpers;
use crate::ui::{self, style};

/// A program's instructions.
#[derive(Debug, Serialize)]
pub(crate) struct Disassembly {
    program: String,
    section: String,
    image: &'static str,
    instructions: Vec<Insn>,
}

/// An instruction, with the function and source line that begin at it.
#[derive(Debug, Serialize)]
struct Insn {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    text: String,
    /// The meaning of its numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<String>,
}

/// A line of the source.
#[derive(Debug, Serialize)]
struct Source {
    file: String,
    line: u32,
    column: u32,
    text: String,
}

/// The instructions of all programs, or of the one called `only`.
pub(super) fn programs(skeleton: &Skeleton, image: Image, only: Option<&str>) -> Result<Vec<Disassembly>, String> {
    let all = &skeleton.plan.programs;
    let wanted = |program: &&PlannedProgram| only.is_none_or(|name| program.native.name == name);
    let programs: Vec<_> = all.iter().filter(wanted).map(|program| disassemble(skeleton, program, image)).collect();
    match only {
        Some(name) if programs.is_empty() => {
            let names: Vec<&str> = all.iter().map(|program| program.native.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(format!("no program `{name}`; the object has: {names}"))
        }
        _ => Ok(programs),
    }
}

fn disassemble(skeleton: &Skeleton, planned: &PlannedProgram, image: Image) -> Disassembly {
    let (plan, btf) = (&skeleton.plan, &skeleton.object.btf);
    let program = planned.image(image);
    let functions: BTreeMap<usize, &str> =
        program.functions.iter().map(|function| (function.span.start, function.name.as_str())).collect();
    let lines = program.line_info.iter().map(|line| (line.insn, line)).collect::<BTreeMap<_, _>>();
    let relos = program.core_relos.iter().map(|relo| (relo.insn, relo)).collect::<BTreeMap<_, _>>();
    let insn = |(index, text)| Insn {
        index,
        function: functions.get(&index).map(|&name| name.to_owned()),
        source: lines.get(&index).map(|line| source(line, btf)),
        text,
        means: match relos.get(&index) {
            Some(relo) => Some(format!("CO-RE: {}", btf.core_relo(relo.kind, relo.type_id, btf.name(relo.access)))),
            None => meaning(plan, program, index),
        },
    };
    Disassembly {
        program: program.name.clone(),
        section: planned.section.clone(),
        // A program that uses no `.percpu` variable has one form.
        image: match image {
            Image::Lowered if planned.lowered.is_some() => "lowered",
            _ => "native",
        },
        instructions: Insns(&program.insns).lines().map(|(index, text)| insn((index, text.to_string()))).collect(),
    }
}

fn source(line: &LineInfo, btf: &Btf) -> Source {
    let SourceLine { file, line, column, text } = SourceLine::new(btf, line.file, line.line, line.line_col);
    Source { file, line, column, text }
}

/// What the instruction refers to, by name.
fn meaning(plan: &LoadPlan, program: &Program, index: usize) -> Option<String> {
    let insn = program.insns.get(index)?;
    let function_at = |distance: i32| {
        let start = usize::try_from(i64::try_from(index).ok()? + 1 + i64::from(distance)).ok()?;
        let function = program.functions.iter().find(|function| function.span.start == start)?;
        Some(function.name.clone())
    };
    let map = || match plan.fd_table().find(FdSlot::referred_to_by(*insn)?)? {
        (Run::Maps, index) => Some(plan.map(MapIdx(index)).name.clone()),
        (Run::Fallbacks, index) => Some(format!("stand-in for {}", plan.stand_in_name(index))),
        _ => None,
    };
    if let Some(refers) = program.ksym_refs.iter().find(|refers| refers.insn == index) {
        return Some(plan.ksym(refers.ksym).name.clone());
    }
    if insn.code == BPF_JMP | BPF_CALL {
        return match insn.src {
            0 => helpers::name(insn.imm),
            BPF_PSEUDO_CALL => function_at(insn.imm),
            _ => None,
        };
    }
    if !insn.is_ld_imm64() {
        return None;
    }
    match insn.src {
        BPF_PSEUDO_MAP_IDX => map(),
        BPF_PSEUDO_MAP_IDX_VALUE => {
            let offset = program.insns.get(index + 1)?.imm;
            variable(plan, *insn, offset).or_else(map)
        }
        BPF_PSEUDO_FUNC => function_at(insn.imm),
        _ => None,
    }
}

/// The variable `offset` bytes into a data section.
fn variable(plan: &LoadPlan, insn: skelgen::insn::Insn, offset: i32) -> Option<String> {
    let map = plan.map(plan.fd_table().map(FdSlot::referred_to_by(insn)?)?);
    let offset = u32::try_from(offset).ok()?;
    let inside = |var: &&skelgen::object::Var| var.offset <= offset && offset - var.offset < var.size.max(1);
    let var = map.data.as_ref()?.vars.iter().find(inside)?;
    let rest = offset - var.offset;
    Some(if rest == 0 { var.name.clone() } else { format!("{} + {rest}", var.name) })
}

/// The instructions as text, a paragraph for each program.
pub(super) struct Listing<'a>(pub(super) &'a [Disassembly]);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, program) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{program}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Disassembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, dim, source) = (style::TITLE, style::DIM, style::SOURCE);
        let Disassembly { program, section, image, instructions } = self;
        writeln!(f, "{title}SEC(\"{}\") {}{title:#}: {image}", printable(section), printable(program))?;
        let width = instructions.iter().map(|insn| insn.text.chars().count()).filter(|&width| width <= 40).max();
        let mut shown = None;
        for insn in instructions {
            if let Some(name) = &insn.function {
                writeln!(f, "{title}{}:{title:#}", printable(name))?;
            }
            // Code of one line is often in several places. Do not repeat the line directly above.
            let at = insn.source.as_ref().map(|source| (&source.file, source.line));
            if at.is_some()
                && shown != at
                && let Some(Source { file, line, text, .. }) = &insn.source
            {
                shown = at;
                let file = file.rsplit('/').next().unwrap_or(file);
                let space = if text.is_empty() { "" } else { " " };
                writeln!(f, "       {source}; {}{space}@ {}:{line}{source:#}", printable(text), printable(file))?;
            }
            let Insn { index, text, means, .. } = insn;
            match means {
                Some(means) => {
                    let means = printable(means);
                    let width = width.unwrap_or_default();
                    writeln!(f, "{index:>5}: {text:width$}  {dim}// {means}{dim:#}")?;
                }
                None => writeln!(f, "{index:>5}: {text}")?,
            }
        }
        let slots = instructions.last().map_or(0, |last| last.index + 1);
        writeln!(f, "{dim}{}{dim:#}", ui::count(slots, "instruction"))
    }
}
