//! The colours, by what they mean; they are those of cargo.

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;

/// It worked.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// It did not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// It did, and there is something to know.
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
/// It is not known.
pub(crate) const UNSURE: Style = AnsiColor::Yellow.on_default().bold();
/// The name of a part.
pub(crate) const TITLE: Style = Style::new().bold();
/// What is there to be passed over.
pub(crate) const DIM: Style = Style::new().dimmed();
/// The name of a variable, map or program.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// A type.
pub(crate) const TYPE: Style = AnsiColor::Green.on_default();
/// A variable's value.
pub(crate) const VALUE: Style = AnsiColor::Magenta.on_default();
/// Bytes of no variable.
pub(crate) const HOLE: Style = AnsiColor::Yellow.on_default().dimmed();
/// A line of source.
pub(crate) const SOURCE: Style = AnsiColor::Blue.on_default();

/// clap's own.
pub(crate) const HELP: Styles = Styles::styled()
    .header(GOOD)
    .usage(GOOD)
    .literal(NOTE)
    .placeholder(AnsiColor::Cyan.on_default())
    .error(BAD)
    .valid(NOTE)
    .invalid(UNSURE);
