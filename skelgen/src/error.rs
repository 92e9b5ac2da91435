//! What is wrong with an object, and where.

use std::fmt;

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
/// A stage fills in the place it knows from the inside out, with [`at_insn`](Error::at_insn),
/// [`in_symbol`](Error::in_symbol), [`in_section`](Error::in_section) and [`in_object`](Error::in_object).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    object: Option<String>,
    section: Option<String>,
    symbol: Option<String>,
    insn: Option<usize>,
    what: String,
}

impl Error {
    /// A failure of `kind`; `what` is a clause without a final full stop.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error { kind, object: None, section: None, symbol: None, insn: None, what: what.into() }
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
        self.object.get_or_insert_with(|| name.into());
        self
    }

    /// Names the ELF section, unless one is named already.
    #[must_use]
    pub fn in_section(mut self, name: impl Into<String>) -> Self {
        self.section.get_or_insert_with(|| name.into());
        self
    }

    /// Names the symbol (function, variable or map), unless one is named already.
    #[must_use]
    pub fn in_symbol(mut self, name: impl Into<String>) -> Self {
        self.symbol.get_or_insert_with(|| name.into());
        self
    }

    /// Names the instruction, counted in 8-byte slots from the start of the function, unless one is named already.
    #[must_use]
    pub fn at_insn(mut self, insn: usize) -> Self {
        self.insn.get_or_insert(insn);
        self
    }

    /// The kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The section at fault, if one is.
    pub fn section(&self) -> Option<&str> {
        self.section.as_deref()
    }

    /// The function, variable or map at fault, if one is.
    pub fn symbol(&self) -> Option<&str> {
        self.symbol.as_deref()
    }
}

impl fmt::Display for Error {
    /// Outside in: `counters.bpf.o: section .percpu: symbol hits: insn 3: what`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        if let Some(section) = &self.section {
            write!(f, "section {section}: ")?;
        }
        if let Some(symbol) = &self.symbol {
            write!(f, "{symbol}: ")?;
        }
        if let Some(insn) = self.insn {
            write!(f, "insn {insn}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}
