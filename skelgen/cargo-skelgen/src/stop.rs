//! Why the command stops.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{fmt, io};

use crate::failure::Failure;
use crate::path::shown;
use crate::ui;
use crate::ui::style::BAD;

/// Why the command stops without success.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An object has an error.
    Object(Failure),
    /// A file or folder cannot be read.
    Read(PathBuf, io::Error),
    /// Cargo's error message about the packages.
    Cargo(String),
    /// There is nothing to do; the reason.
    Nothing(String),
    /// A file cannot be written.
    Write(PathBuf, io::Error),
    /// Standard output is closed or cannot be written.
    Output(io::Error),
    /// This process cannot load BPF; the reason.
    Forbidden(String),
    /// This command was not run, because objects failed to load.
    NotRun(OsString),
    /// The command line is wrong in a way that clap cannot check.
    Usage(String),
}

impl Stop {
    /// Prints it to standard error.
    pub(crate) fn tell(&self) {
        // A reader that closes the pipe, like `head`, wants no more output.
        if !matches!(self, Stop::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            tell(self);
        }
        if let Stop::Object(failure) = self {
            // If standard error cannot be written, the message is lost.
            let _ = failure.tell_details(&mut ui::err(), false, ui::columns(io::stderr()));
        }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        if matches!(self, Stop::Usage(_)) { 2 } else { 1 }
    }
}

/// Writes `error: WHAT` to standard error, without escape sequences from names. An error while writing is ignored.
pub(crate) fn tell(what: impl fmt::Display) {
    let what = ui::fold(&ui::plain(&what.to_string()), 7, "       ", ui::columns(io::stderr()));
    let _ = io::Write::write_fmt(&mut ui::err(), format_args!("{BAD}error:{BAD:#} {what}\n"));
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Object(failure) => failure.fmt(f),
            Stop::Read(path, error) => write!(f, "{}: cannot read it: {error}", shown(path)),
            Stop::Cargo(said) => f.write_str(said),
            Stop::Nothing(what) => f.write_str(what),
            Stop::Write(path, error) => write!(f, "{}: cannot write it: {error}", shown(path)),
            Stop::Output(error) => write!(f, "cannot write to standard output: {error}"),
            Stop::Forbidden(why) => write!(f, "cannot load BPF: {why}"),
            Stop::Usage(what) => write!(f, "{what} (see --help)"),
            Stop::NotRun(program) => write!(f, "not all objects are loaded, so {} was not run", program.display()),
        }
    }
}
