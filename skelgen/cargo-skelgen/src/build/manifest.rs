//! A manifest's text, and the mistakes in it.

use std::ops::Range;
use std::path::PathBuf;

/// A manifest.
pub(super) struct Manifest {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) mistakes: Vec<Mistake>,
}

/// A mistake, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) what: String,
    pub(super) path: PathBuf,
    /// From 1.
    pub(super) line: usize,
    /// From 1.
    pub(super) column: usize,
    /// The line's text.
    pub(super) text: String,
}

impl Manifest {
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        Manifest { path, text, mistakes: Vec::new() }
    }

    /// Adds a mistake in these bytes.
    pub(super) fn mistake(&mut self, at: Range<usize>, what: impl Into<String>) {
        let mistake = self.at(at, what);
        self.mistakes.push(mistake);
    }

    /// What is wrong in these bytes, without noting it.
    pub(super) fn at(&self, at: Range<usize>, what: impl Into<String>) -> Mistake {
        let before = self.text.get(..at.start).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Mistake {
            what: what.into(),
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            text: self.text[start..].lines().next().unwrap_or_default().trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_columns() {
        let mut manifest = Manifest::new("Cargo.toml".into(), "[a]\n  é = 1\n".to_owned());
        for at in [0..3, 9..10, 4..6, 99..100] {
            manifest.mistake(at, "what");
        }
        let places: Vec<_> = manifest.mistakes.iter().map(|at| (at.line, at.column, at.text.as_str())).collect();
        assert_eq!(places, [(1, 1, "[a]"), (2, 5, "é = 1"), (2, 1, "é = 1"), (1, 1, "[a]")]);
    }
}
