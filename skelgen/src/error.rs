//! What is wrong with an object, and where.

use std::fmt;

use crate::btf::{Btf, StrOff};
use crate::printable;

/// A result whose error says what is wrong with an object, and where.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a failure, for callers that decide on it; the words are in the [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not what their format says they must be.
    Malformed,
    /// The object is sound but asks for something that cannot work, or not yet.
    Unsupported,
    /// A name or an address that nothing in the object defines.
    Unresolved,
    /// A limit of the kernel is passed.
    TooLarge,
    /// A file could not be read or written.
    Io,
}

/// What is wrong, and where: object, section, symbol and instruction, as far as they are known.
///
/// The first to name a part of the place knows it best, and stays: the runtime's error has the same rule for reasons and
/// hints. So a stage fills in the place it knows from the inside out, with [`at_insn`](Error::at_insn),
/// [`in_symbol`](Error::in_symbol), [`in_section`](Error::in_section) and [`in_object`](Error::in_object). Where an
/// instruction is known, so is mostly its line of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    object: Option<String>,
    section: Option<String>,
    symbol: Option<String>,
    insn: Option<usize>,
    source: Option<SourceLine>,
    what: String,
}

/// A line of the C source, as line_info has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceLine {
    /// The file, as the compiler was given it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1; 0 if it is not known.
    pub column: u32,
    /// The line's text, without the space around it; empty if it is not known.
    pub text: String,
}

impl SourceLine {
    /// From a record of line_info: `line_col` is line number << 10 | column.
    pub fn new(btf: &Btf, file: StrOff, text: StrOff, line_col: u32) -> Self {
        SourceLine {
            file: btf.name(file).to_owned(),
            line: line_col >> 10,
            column: line_col & 0x3ff,
            text: btf.name(text).trim().to_owned(),
        }
    }
}

impl fmt::Display for SourceLine {
    /// `src/counters.bpf.c:12:7`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SourceLine { file, line, column, .. } = self;
        write!(f, "{}:{line}", printable(file))?;
        if *column > 0 { write!(f, ":{column}") } else { Ok(()) }
    }
}

impl Error {
    /// A failure of `kind`; `what` is a clause without a final full stop.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        let what = what.into();
        Error(Box::new(Inner { kind, object: None, section: None, symbol: None, insn: None, source: None, what }))
    }

    /// [`ErrorKind::Malformed`].
    pub fn malformed(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, what)
    }

    /// [`ErrorKind::Unsupported`].
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, what)
    }

    /// [`ErrorKind::Unresolved`].
    pub fn unresolved(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unresolved, what)
    }

    /// [`ErrorKind::TooLarge`].
    pub fn too_large(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, what)
    }

    /// Names the object, unless a name is known already.
    #[must_use]
    pub fn in_object(mut self, name: impl Into<String>) -> Self {
        self.0.object.get_or_insert_with(|| name.into());
        self
    }

    /// Names the ELF section, unless one is named already.
    #[must_use]
    pub fn in_section(mut self, name: impl Into<String>) -> Self {
        self.0.section.get_or_insert_with(|| name.into());
        self
    }

    /// Names the symbol (function, variable or map), unless one is named already.
    #[must_use]
    pub fn in_symbol(mut self, name: impl Into<String>) -> Self {
        self.0.symbol.get_or_insert_with(|| name.into());
        self
    }

    /// Names the instruction, counted in 8-byte slots from the start of the function, unless one is named already.
    #[must_use]
    pub fn at_insn(mut self, insn: usize) -> Self {
        self.0.insn.get_or_insert(insn);
        self
    }

    /// Shows the line of the source that made the instruction, unless one is shown already.
    #[must_use]
    pub fn at_source(mut self, source: SourceLine) -> Self {
        self.0.source.get_or_insert(source);
        self
    }

    /// The kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The section at fault, if one is.
    pub fn section(&self) -> Option<&str> {
        self.0.section.as_deref()
    }

    /// The function, variable or map at fault, if one is.
    pub fn symbol(&self) -> Option<&str> {
        self.0.symbol.as_deref()
    }

    /// The instruction at fault, if one is, counted in 8-byte slots from the start of the function.
    pub fn insn(&self) -> Option<usize> {
        self.0.insn
    }

    /// The line of the source at fault, if the object has line_info for it.
    pub fn source_line(&self) -> Option<&SourceLine> {
        self.0.source.as_ref()
    }
}

impl fmt::Display for Error {
    /// Outside in: `counters.bpf.o: section .percpu: symbol hits: insn 3: what`. Below it, if it is known, the line of
    /// the source: `  --> counters.bpf.c:12:7` and its text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = &self.0.object {
            write!(f, "{}: ", printable(object))?;
        }
        if let Some(section) = &self.0.section {
            write!(f, "section {}: ", printable(section))?;
        }
        if let Some(symbol) = &self.0.symbol {
            write!(f, "{}: ", printable(symbol))?;
        }
        if let Some(insn) = self.0.insn {
            write!(f, "insn {insn}: ")?;
        }
        // Some messages have several lines, and any line may quote a name from the object.
        for (index, line) in self.0.what.split('\n').enumerate() {
            f.write_str(if index > 0 { "\n" } else { "" })?;
            f.write_str(&printable(line))?;
        }
        let Some(source) = &self.0.source else { return Ok(()) };
        write!(f, "\n  --> {source}")?;
        if source.text.is_empty() { Ok(()) } else { write!(f, "\n   | {}", printable(&source.text)) }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_place_stays_and_the_source_stands_below() {
        let source = SourceLine { file: "a.bpf.c".to_owned(), line: 12, column: 7, text: "return 0;".to_owned() };
        let error = Error::unsupported("what").at_insn(3).in_symbol("f").at_source(source.clone()).in_section("xdp");
        let error = error.at_insn(9).in_symbol("g").in_object("a.bpf.o");
        let shown = "a.bpf.o: section xdp: f: insn 3: what\n  --> a.bpf.c:12:7\n   | return 0;";
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.source_line(), Some(&source));

        let no_text = SourceLine { column: 0, text: String::new(), ..source };
        assert_eq!(Error::malformed("what").at_source(no_text).to_string(), "what\n  --> a.bpf.c:12");
    }
}
