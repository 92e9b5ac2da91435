//! Functions that several programs reach, stored once.
//!
//! The kernel takes each program with a copy of every function it reaches, and a program that touches `.percpu` has two
//! forms. So the image in memory holds a shared function many times. The image *at rest*, which a skeleton carries, leaves
//! out what repeats an earlier part of the image, and the [`Repeat`]s say what to put back.
//!
//! For each function this module remembers where it was first stored, each form by itself, and compares every later copy
//! with that place: instruction by instruction, record by record. Only what is equal becomes a repeat. What differs stays,
//! such as a call whose distance differs from one program to the other. The time is linear in the image.

use std::collections::HashMap;
use std::ops::Range;

use skelgen_abi::attr::{CoreRelo, FuncInfo, LineInfo};
use skelgen_abi::desc::Repeat;

use super::image::BlobOff;
use crate::Endian;
use crate::insn::INSN_SIZE;
use crate::link::Program;
use crate::object::FuncIdx;
use crate::plan::Image;

/// Shorter repeats stay in the image: a repeat takes 20 bytes and a line of generated code.
const MIN_LEN: u32 = 64;

/// The parts of a program in the image, in the order in which they stand there: bytes of one unit, and whether a unit
/// begins with a word that counts from the program's start.
const PARTS: [(usize, bool); 4] =
    [(INSN_SIZE, false), (size_of::<FuncInfo>(), true), (size_of::<LineInfo>(), true), (size_of::<CoreRelo>(), true)];

/// Where the parts of a program begin; of one that it does not have, anywhere.
pub(super) type Starts = [BlobOff; PARTS.len()];

/// Where the parts of a function are.
type Places = [Range<u32>; PARTS.len()];

/// The places of the functions stored so far.
#[derive(Default)]
pub(super) struct Stored(HashMap<(FuncIdx, Image), Places>);

impl Stored {
    /// Takes note of a program whose parts are in the image `bytes` from `starts` on; gives what repeats earlier programs,
    /// in the image's order.
    pub(super) fn program(
        &mut self,
        program: &Program,
        form: Image,
        starts: Starts,
        bytes: &[u8],
        endian: Endian,
    ) -> Vec<Repeat> {
        let functions = places(program, starts);
        let mut repeats = Vec::new();
        for (part, (unit, counts)) in PARTS.into_iter().enumerate() {
            let mut runs = Runs { bytes, endian, unit, counts, run: None, repeats: &mut repeats };
            for (function, places) in program.functions.iter().zip(&functions) {
                if let Some(first) = self.first(function.index, form) {
                    runs.compare(&places[part], &first[part]);
                }
            }
            runs.end();
        }
        for (function, places) in program.functions.iter().zip(functions) {
            self.0.entry((function.index, form)).or_insert(places);
        }
        repeats
    }

    /// Where a function was first stored: in this form, or else as linked, which a lowered function mostly equals.
    fn first(&self, function: FuncIdx, form: Image) -> Option<&Places> {
        self.0.get(&(function, form)).or_else(|| self.0.get(&(function, Image::Native)))
    }
}

/// The places of each function's parts.
fn places(program: &Program, starts: Starts) -> Vec<Places> {
    let Program { func_info, line_info, core_relos, .. } = program;
    let mut done = [0; PARTS.len()];
    let places = program.functions.iter().map(|function| {
        let end = function.span.end;
        let ends = [
            end,
            done[1] + func_info[done[1]..].iter().take_while(|info| info.insn < end).count(),
            done[2] + line_info[done[2]..].iter().take_while(|info| info.insn < end).count(),
            done[3] + core_relos[done[3]..].iter().take_while(|relo| relo.insn < end).count(),
        ];
        let places = std::array::from_fn(|part| {
            let at = |count: usize| starts[part].0 + (count * PARTS[part].0) as u32;
            at(done[part])..at(ends[part])
        });
        done = ends;
        places
    });
    places.collect()
}

/// Equal runs of one part.
struct Runs<'a> {
    bytes: &'a [u8],
    endian: Endian,
    unit: usize,
    counts: bool,
    /// The run under way.
    run: Option<Repeat>,
    repeats: &'a mut Vec<Repeat>,
}

impl Runs<'_> {
    /// Compares two places from their ends: a lowered function has more at its start.
    fn compare(&mut self, to: &Range<u32>, from: &Range<u32>) {
        let len = to.len().min(from.len()) as u32;
        for at in (0..len).step_by(self.unit) {
            self.unit(to.end - len + at, from.end - len + at);
        }
    }

    /// Compares one unit.
    fn unit(&mut self, to: u32, from: u32) {
        let [new, old] = [to, from].map(|at| &self.bytes[at as usize..][..self.unit]);
        let word = |unit| self.endian.u32_at(unit, 0).unwrap_or_default();
        let add = match self.counts {
            true if new[4..] == old[4..] => word(new).wrapping_sub(word(old)).cast_signed(),
            false if new == old => 0,
            _ => return,
        };
        let unit = self.unit as u32;
        match &mut self.run {
            Some(run) if (run.to + run.len, run.from + run.len, run.add) == (to, from, add) => run.len += unit,
            _ => {
                self.end();
                let stride = if add == 0 { 0 } else { unit };
                self.run = Some(Repeat { to, from, len: unit, stride, add });
            }
        }
    }

    /// Ends the run under way.
    fn end(&mut self) {
        self.repeats.extend(self.run.take().filter(|run| run.len >= MIN_LEN));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::{StrOff, TypeId};
    use crate::insn::build::{R0, mov_imm};
    use crate::insn::{Insn, encode_all};
    use crate::link::{Function, LineInfo};
    use crate::loader::infos;

    /// A program of functions, each of which has an index and the immediates of its instructions, with a line each.
    fn program(functions: &[(usize, &[i32])]) -> Program {
        let mut program = Program {
            name: String::new(),
            functions: Vec::new(),
            insns: Vec::new(),
            func_info: Vec::new(),
            line_info: Vec::new(),
            core_relos: Vec::new(),
            ksym_refs: Vec::new(),
            jump_tables: Vec::new(),
        };
        for &(index, imms) in functions {
            let start = program.insns.len();
            program.insns.extend(imms.iter().map(|&imm| mov_imm(R0, imm)).collect::<Vec<Insn>>());
            program.line_info.extend((start..).zip(imms).map(|(insn, &imm)| LineInfo {
                insn,
                file: StrOff(1),
                line: StrOff(imm.cast_unsigned()),
                line_col: 7,
            }));
            let span = start..program.insns.len();
            program.functions.push(Function { index: FuncIdx(index), name: String::new(), span, global: false });
            program.func_info.push(crate::link::FuncInfo { insn: start, type_id: TypeId(index as u32) });
        }
        program
    }

    /// Puts programs into an image one behind the other, and gives what repeats.
    fn repeats(programs: &[(Program, Image)]) -> Vec<Repeat> {
        let (mut bytes, mut stored, mut found) = (Vec::new(), Stored::default(), Vec::new());
        for (program, form) in programs {
            let parts = [
                encode_all(&program.insns, Endian::Big),
                infos::func_info(program, Endian::Big),
                infos::line_info(program, Endian::Big),
                infos::core_relos(program, Endian::Big),
            ];
            let starts = parts.map(|part| {
                let start = bytes.len() as u32;
                bytes.extend(part);
                BlobOff(start)
            });
            found.extend(stored.program(program, *form, starts, &bytes, Endian::Big));
        }
        found
    }

    /// Immediates from `start` on.
    fn run(start: i32, len: usize) -> Vec<i32> {
        (start..).take(len).collect()
    }

    #[test]
    fn a_function_is_compared_with_its_first_copy() {
        let (main, long, other) = ([1, 2], run(100, 12), run(200, 3));
        let native = |functions: &[(usize, &[i32])]| (program(functions), Image::Native);
        let lowered = |functions: &[(usize, &[i32])]| (program(functions), Image::Lowered);
        // Bytes of the first program: 14 instructions, 2 func_info, 14 lines.
        let first = native(&[(0, &main), (1, &long)]);
        let (insns, lines) = (16, 14 * 8 + 16 + 2 * 16);
        let second = 14 * 8 + 2 * 8 + 14 * 16;
        let mut changed = long.clone();
        changed[3] = 9;
        let longer = [&[7, 8][..], &long].concat();
        let equal = Repeat::equal;
        let moved = |to: u32, from: u32, len: u32, add: i32| Repeat::moved(to, from, len, 16, add);
        let cases: [(&str, (Program, Image), Vec<Repeat>); 7] = [
            (
                "at the same slot",
                native(&[(2, &main), (1, &long)]),
                vec![equal(second + insns, insns, 96), equal(second + lines, lines, 192)],
            ),
            (
                "further on",
                native(&[(2, &[1, 2, 3]), (1, &long)]),
                vec![equal(second + 24, insns, 96), moved(second + 15 * 8 + 16 + 3 * 16, lines, 192, 1)],
            ),
            (
                "further in front",
                native(&[(2, &[1]), (1, &long)]),
                vec![equal(second + 8, insns, 96), moved(second + 13 * 8 + 16 + 16, lines, 192, -1)],
            ),
            (
                "with one instruction and its line changed",
                native(&[(2, &main), (1, &changed)]),
                vec![equal(second + insns + 32, insns + 32, 64), equal(second + lines + 64, lines + 64, 128)],
            ),
            ("of another function", native(&[(2, &main), (3, &long)]), vec![]),
            ("too short", native(&[(2, &main), (3, &other)]), vec![]),
            (
                "lowered, with more at its start",
                lowered(&[(0, &main), (1, &longer)]),
                // What follows the first function moves: one run is too short, the other is the second function's.
                vec![equal(second + insns + 16, insns, 96), moved(second + 16 * 8 + 16 + 4 * 16, lines, 192, 2)],
            ),
        ];
        for (what, program, expected) in cases {
            assert_eq!(repeats(&[first.clone(), program]), expected, "{what}");
        }
    }

    #[test]
    fn functions_that_stay_together_are_one_repeat() {
        let (a, b, c) = (run(100, 5), run(200, 6), run(300, 7));
        let all = || (program(&[(0, &a), (1, &b), (2, &c)]), Image::Native);
        let found = repeats(&[all(), all(), all()]);
        // Instructions and lines; three func_info are too short.
        let len = 18 * 8 + 3 * 8 + 18 * 16;
        let lens: Vec<_> = found.iter().map(|repeat| (repeat.to / len, repeat.from / len, repeat.len)).collect();
        assert_eq!(lens, [(1, 0, 18 * 8), (1, 0, 18 * 16), (2, 0, 18 * 8), (2, 0, 18 * 16)]);
        // A form is first compared with itself.
        let found = repeats(&[all(), (program(&[(1, &b)]), Image::Lowered), (program(&[(1, &b)]), Image::Lowered)]);
        let from: Vec<_> = found.iter().map(|repeat| repeat.from).collect();
        assert_eq!(from, [18 * 8 + 24 + 5 * 16, len + 6 * 8 + 8]);
    }
}
