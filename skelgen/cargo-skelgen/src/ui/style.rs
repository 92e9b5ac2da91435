//! Colours by meaning, as in cargo.

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;

/// Success.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Failure.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A warning or note.
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
/// Unknown.
pub(crate) const UNSURE: Style = AnsiColor::Yellow.on_default().bold();
/// A heading.
pub(crate) const TITLE: Style = Style::new().bold();
/// Less important text.
pub(crate) const DIM: Style = Style::new().dimmed();
/// The name of a variable, map or program.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// A type.
pub(crate) const TYPE: Style = AnsiColor::Green.on_default();
/// A variable's value.
pub(crate) const VALUE: Style = AnsiColor::Magenta.on_default();
/// Padding.
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
