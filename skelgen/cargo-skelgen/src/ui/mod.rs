//! Output: colours and tables on a terminal, plain text elsewhere.
//!
//! All code writes colours; [`out`] and [`err`] remove them if the stream is not a terminal. `--color always` and `CLICOLOR_FORCE`
//! keep colours, `NO_COLOR` removes them.

mod clean;
mod fold;
pub(crate) mod style;
mod table;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, StderrLock, StdoutLock, Write};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use skelgen::printable;

pub(crate) use clean::Clean;
pub(crate) use fold::{columns, fold};
use style::GOOD;
pub(crate) use table::{Align, Cell, Table};

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, if NO_COLOR is not set
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

impl Color {
    /// The setting in `args`, read before they are parsed: errors about the command line have colours too.
    pub(crate) fn of(args: &[OsString]) -> Self {
        let args = args.iter().take_while(|arg| *arg != "--").map(OsString::as_os_str);
        let mut chosen = Color::Auto;
        let mut value_follows = false;
        for arg in args {
            let arg = arg.to_str().unwrap_or_default();
            let value = if value_follows { Some(arg) } else { arg.strip_prefix("--color=") };
            if let Some(color) = value.and_then(|value| Color::from_str(value, false).ok()) {
                chosen = color;
            }
            value_follows = OsStr::new(arg) == "--color";
        }
        chosen
    }

    /// Applies the setting to [`out`] and [`err`].
    pub(crate) fn set(self) {
        let choice = match self {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        choice.write_global();
    }

    /// The same setting for clap's own output.
    pub(crate) fn for_clap(self) -> clap::ColorChoice {
        match self {
            Color::Auto => clap::ColorChoice::Auto,
            Color::Always => clap::ColorChoice::Always,
            Color::Never => clap::ColorChoice::Never,
        }
    }
}

/// Standard output, cleaned.
pub(crate) type Out = Clean<AutoStream<StdoutLock<'static>>>;

/// Standard output.
pub(crate) fn out() -> Out {
    Clean(AutoStream::auto(io::stdout().lock()))
}

/// Standard error.
pub(crate) fn err() -> Clean<AutoStream<StderrLock<'static>>> {
    Clean(AutoStream::auto(io::stderr().lock()))
}

/// The text without escape sequences, which names of files and arguments can contain: [`out`] and [`err`] let colours pass. It keeps
/// newlines.
pub(crate) fn plain(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Writes an action to standard error in cargo's style: `   Compiling counters.bpf.c`. An error while writing is ignored.
pub(crate) fn status(verb: &str, what: impl fmt::Display) {
    let _ = writeln!(err(), "{GOOD}{verb:>12}{GOOD:#} {}", plain(&what.to_string()));
}

/// `1 map`, `2 maps`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1,234,567`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_is_found_wherever_it_stands() {
        let of = |line: &str| Color::of(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("cargo-skelgen load x.bpf.o"), Color::Auto);
        assert_eq!(of("cargo-skelgen --color never load x.bpf.o"), Color::Never);
        assert_eq!(of("cargo-skelgen load --color=always x.bpf.o"), Color::Always);
        assert_eq!(of("cargo-skelgen load x.bpf.o -- ls --color=always"), Color::Auto);
        assert_eq!(of("cargo-skelgen load --color sometimes"), Color::Auto);
    }

    #[test]
    fn numbers_are_read_in_threes() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((count(1, "map"), count(1024, "map")), ("1 map".to_owned(), "1,024 maps".to_owned()));
    }
}
