//! The source line of an instruction, by line_info.

use super::model::{Function, Line};
use crate::btf::Btf;
use crate::{Error, SourceLine};

/// Adds the source line to an error that names a function and an instruction of it, as far as line_info knows it.
pub(super) fn locate(error: Error, functions: &[Function], btf: &Btf) -> Error {
    let (Some(symbol), Some(insn)) = (error.symbol(), error.insn()) else { return error };
    let here = |function: &&Function| {
        function.name == symbol && error.section().is_none_or(|section| function.section == section)
    };
    // A stage that knows the program names its section, not that of a function it calls.
    let function = functions.iter().find(here).or_else(|| functions.iter().find(|function| function.name == symbol));
    match function.and_then(|function| line_of(function, insn)) {
        Some(line) => error.at_source(SourceLine::new(btf, line.file, line.line, line.line_col)),
        None => error,
    }
}

/// The line that made slot `insn`: the last that begins there or before.
fn line_of(function: &Function, insn: usize) -> Option<&Line> {
    function.lines.iter().take_while(|line| line.insn <= insn).last()
}
