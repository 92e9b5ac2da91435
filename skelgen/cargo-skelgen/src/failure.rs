//! What can be wrong with an object: one sentence, and what the kernel has to say besides.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use skelgen_runtime::Errno;

use crate::path::file_name;

/// Why nothing can be made of an object.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    pub(crate) cause: Cause,
}

/// The error, by the stage that failed.
#[derive(Debug)]
pub(crate) enum Cause {
    Read(io::Error),
    Generate(skelgen::Error),
    Load(skelgen_runtime::Error),
    /// It has not what the user asked for.
    Asked(String),
}

impl Failure {
    pub(crate) fn new(path: &Path, cause: Cause) -> Self {
        Failure { path: path.to_owned(), cause }
    }

    /// What failed and why, in one line.
    pub(crate) fn sentence(&self) -> String {
        let error = match &self.cause {
            Cause::Read(error) => return format!("cannot read it: {error}"),
            Cause::Generate(error) => error.to_string(),
            Cause::Load(error) => error.to_string(),
            Cause::Asked(why) => return why.clone(),
        };
        // Both begin with the object's name, which stands before the sentence already, as the user wrote it.
        let line = error.lines().next().unwrap_or_default();
        let name = file_name(&self.path);
        line.strip_prefix(&*name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(line).to_owned()
    }

    /// The lines below the sentence: the end of the verifier's log, or all of it, and a hint.
    pub(crate) fn details(&self, whole_log: bool) -> Vec<String> {
        let Cause::Load(error) = &self.cause else { return Vec::new() };
        if !whole_log {
            return error.to_string().lines().skip(1).map(str::to_owned).collect();
        }
        let log = error.verifier_log().into_iter().flat_map(str::lines).map(|line| format!("  | {line}"));
        log.chain(error.hint_text().map(|hint| format!("  hint: {hint}"))).collect()
    }

    /// Why no object at all can be loaded, if that is what this failure says: the kernel refused the loader itself.
    pub(crate) fn forbids_all(&self) -> Option<&str> {
        let Cause::Load(error) = &self.cause else { return None };
        if error.subject_name() != Some("of the loader") {
            return None;
        }
        let refused = matches!(error.errno(), Some(Errno::EPERM | Errno::EACCES | Errno::ENOSYS));
        error.reason().or(error.hint_text().filter(|_| refused))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.sentence())
    }
}
