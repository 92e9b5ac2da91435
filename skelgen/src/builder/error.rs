//! Why a build script generated nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fmt, io};

use super::cargo::Cargo;
use crate::clang::ClangError;
use crate::emit::Unmatched;
use crate::{Error, printable};

/// Why nothing was generated: all that was found to be wrong, a line or more each.
pub struct BuildError {
    causes: Vec<Cause>,
    unread: Option<Unread>,
}

/// Reports an error of a build script that is dropped unread. Cargo shows the output of a script that fails, so an error that
/// the script prints needs nothing else. An unread one goes to cargo as an error, which fails the build.
struct Unread {
    cargo: Cargo,
    text: String,
    read: AtomicBool,
}

impl Drop for Unread {
    fn drop(&mut self) {
        if !*self.read.get_mut() {
            self.cargo.error(&self.text);
        }
    }
}

/// One thing that is wrong.
pub(super) enum Cause {
    NoOutDir,
    Nothing,
    NotOne(usize),
    NameOfMany(String),
    SameName(PathBuf, PathBuf),
    SameModule(String, PathBuf, PathBuf),
    LineBreak(PathBuf),
    /// The objects, and the option that is about none of them.
    Unmatched(String, Unmatched),
    IsInput(PathBuf),
    Io(&'static str, PathBuf, io::Error),
    Object(Error),
    Clang(ClangError),
}

impl BuildError {
    /// All that is wrong, each by itself.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn fmt::Display + 'static)> {
        self.mark_read();
        self.causes.iter().map(|cause| cause as &dyn fmt::Display)
    }

    /// The same, each with the option that is at fault, if it is one that names something which there is not.
    pub fn causes_with_options(&self) -> impl Iterator<Item = (&(dyn fmt::Display + 'static), Option<&Unmatched>)> {
        self.causes().zip(self.causes.iter().map(Cause::option))
    }

    /// Fails if there is a cause.
    pub(super) fn of(causes: Vec<Cause>) -> Result<(), BuildError> {
        if causes.is_empty() { Ok(()) } else { Err(causes.into()) }
    }

    /// The causes, for another error.
    pub(super) fn into_causes(self) -> Vec<Cause> {
        self.mark_read();
        self.causes
    }

    /// Lets cargo show the error if the script drops it unread.
    pub(super) fn told_to(mut self, cargo: Cargo) -> Self {
        let text = self.to_string();
        self.unread = Some(Unread { cargo, text, read: AtomicBool::new(false) });
        self
    }

    fn mark_read(&self) {
        if let Some(unread) = &self.unread {
            unread.read.store(true, Ordering::Relaxed);
        }
    }
}

impl From<Cause> for BuildError {
    fn from(cause: Cause) -> Self {
        vec![cause].into()
    }
}

impl From<Vec<Cause>> for BuildError {
    fn from(causes: Vec<Cause>) -> Self {
        BuildError { causes, unread: None }
    }
}

impl From<Vec<Error>> for BuildError {
    fn from(errors: Vec<Error>) -> Self {
        errors.into_iter().map(Cause::Object).collect::<Vec<_>>().into()
    }
}

impl Cause {
    fn option(&self) -> Option<&Unmatched> {
        match self {
            Cause::Unmatched(_, unmatched) => Some(unmatched),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::NoOutDir => f.write_str(
                "OUT_DIR is not set, so this is no build script: say with Builder::out_dir where the skeletons go",
            ),
            Cause::Nothing => f.write_str("nothing to generate: add a Builder::object or a Builder::source"),
            Cause::NotOne(count) => write!(f, "generate() writes one skeleton, and there are {count} objects"),
            Cause::NameOfMany(name) => {
                write!(f, "only one skeleton can be named `{name}`: give its object a builder of its own")
            }
            Cause::SameName(one, other) => write!(
                f,
                "the skeletons of {} and {} would be one file: give one of them a builder of its own, with a name",
                one.display(),
                other.display()
            ),
            Cause::SameModule(module, one, other) => write!(
                f,
                "the skeletons of {} and {} would both be the module `{module}`: give one of them a builder of its own, with \
                 a name",
                one.display(),
                other.display()
            ),
            Cause::LineBreak(path) => write!(
                f,
                "the file name {path:?} has a line break, and cargo cannot be told to watch such a file: rename it"
            ),
            Cause::Unmatched(objects, unmatched) => write!(f, "{}: {unmatched}", printable(objects)),
            Cause::IsInput(path) => write!(
                f,
                "{} is an object or source of this builder, and writing the output there would replace it",
                path.display()
            ),
            Cause::Io(what, path, error) => write!(f, "cannot {what} {}: {error}", path.display()),
            Cause::Object(error) => error.fmt(f),
            Cause::Clang(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mark_read();
        for (index, cause) in self.causes.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{cause}")?;
        }
        Ok(())
    }
}

/// As `Display`: what a build script's `main` returns is shown by `Debug`.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.causes.as_slice() {
            [Cause::Io(_, _, error)] => Some(error),
            [Cause::Clang(error)] => std::error::Error::source(error),
            _ => None,
        }
    }
}
