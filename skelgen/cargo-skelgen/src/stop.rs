//! Why the command stops.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{fmt, io};

use crate::failure::Failure;
use crate::path::shown;
use crate::ui;
use crate::ui::style::BAD;

/// Why the command stops before it is done, or without success.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An object is no use.
    Object(Failure),
    /// A file or folder cannot be read.
    Read(PathBuf, io::Error),
    /// Cargo does not say what the packages are, in its own words.
    Cargo(String),
    /// There is nothing to do, and why.
    Nothing(String),
    /// A file cannot be written.
    Write(PathBuf, io::Error),
    /// Nobody reads what comes, or it cannot be written.
    Output(io::Error),
    /// This process may not load anything, and why.
    Forbidden(String),
    /// Objects have failed to load, so this was not run.
    NotRun(OsString),
    /// The command line is wrong, in a way that only shows when it is looked at as a whole.
    Usage(String),
}

impl Stop {
    /// Says it on standard error.
    pub(crate) fn tell(&self) {
        // A reader that has gone, like `head`, has had enough.
        if !matches!(self, Stop::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            tell(self);
        }
        if let Stop::Object(failure) = self {
            // Where that cannot be written, there is nobody to tell.
            let _ = failure.tell_details(&mut ui::err(), false, ui::columns(io::stderr()));
        }
    }

    /// The status to end with.
    pub(crate) fn status(&self) -> u8 {
        if matches!(self, Stop::Usage(_)) { 2 } else { 1 }
    }
}

/// Writes `error: WHAT` to standard error, without colours that names in it may bring along; where that cannot be written, there is nobody to tell.
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
            Stop::Usage(what) => write!(f, "{what} (--help tells more)"),
            Stop::NotRun(program) => write!(f, "not all objects are loaded, so {} was not run", program.display()),
        }
    }
}
