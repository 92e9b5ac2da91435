//! Diffs between a checked-in file and its newly generated version.

use std::io::{self, Write};

use similar::TextDiff;

use super::elide;
use crate::ui::plain;
use crate::ui::style::{BAD, GOOD, NOTE};

/// A unified diff from the checked-in to the generated text; long literals are shortened.
pub(crate) fn text(kept: &str, made: &str, (from, to): (&str, &str)) -> String {
    let (kept, made) = (elide::long_literals(kept), elide::long_literals(made));
    TextDiff::from_lines(&kept, &made).unified_diff().header(from, to).to_string()
}

/// The same for binary files.
pub(crate) fn binary(kept: &str, made: &str) -> String {
    format!("{kept} differs from the file {made}\n")
}

/// Writes a diff in colours.
pub(crate) fn coloured(diff: &str, out: &mut impl Write) -> io::Result<()> {
    diff.lines().try_for_each(|line| {
        let line = plain(line);
        let style = match line.bytes().next() {
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            Some(b'@') => NOTE,
            _ => return writeln!(out, "{line}"),
        };
        writeln!(out, "{style}{line}{style:#}")
    })
}
