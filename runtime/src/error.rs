//! What failed, on what, and what to do about it.
//!
//! # Who sets the reason and the hint
//!
//! The first to set one: the code next to the failure knows most about it. Code further out fills in what is missing, as
//! `diagnose` does with what the error number alone tells. Code that knows better says so, with
//! `replace_reason` and `replace_hint`. The generator's error has the same rule for the place of a failure.

use std::borrow::Cow;
use std::{fmt, io};

use crate::sys::Errno;

/// A result whose error says what failed, on what, and why.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Lines of the verifier's log that an error shows; all of it is in [`Error::verifier_log`].
const SHOWN_LINES: usize = 12;

/// What failed: an operation on a subject, the kernel's error number and words, the verifier's log, and a hint.
///
/// `{}` and `{:?}` show all of it, and of a log the end; [the guide](crate::guide::trouble) has the most frequent.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
/// use skelgen_runtime::Errno;
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// let skel = match Counters::open()?.load() {
///     Ok(skel) => skel,
///     Err(error) if error.errno() == Some(Errno::EPERM) => std::process::exit(77),
///     Err(error) => {
///         eprintln!("{}", error.verifier_log().unwrap_or_default());
///         return Err(error);
///     }
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    object: Option<String>,
    operation: Cow<'static, str>,
    step: Option<usize>,
    subject: Option<String>,
    key: Option<String>,
    target: Option<String>,
    errno: Option<Errno>,
    reason: Option<String>,
    log: Option<String>,
    hint: Option<Cow<'static, str>>,
}

impl Error {
    /// A failure of `operation`, a verb in the infinitive and its object: `create map`.
    pub(crate) fn new(operation: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner {
            object: None,
            operation: operation.into(),
            step: None,
            subject: None,
            key: None,
            target: None,
            errno: None,
            reason: None,
            log: None,
            hint: None,
        }))
    }

    /// What the operation was on: a map's or program's name, a path.
    pub(crate) fn subject(mut self, subject: impl Into<String>) -> Error {
        self.0.subject = Some(subject.into());
        self
    }

    /// Which of the object's steps it was.
    pub(crate) fn at_step(mut self, step: usize) -> Error {
        self.0.step = Some(step);
        self
    }

    /// The element's key in the map that is the subject.
    pub(crate) fn at_key(mut self, key: &dyn fmt::Debug) -> Error {
        self.0.key = Some(format!("{key:?}"));
        self
    }

    /// The skeleton.
    pub(crate) fn object(mut self, object: &str) -> Error {
        self.0.object.get_or_insert_with(|| object.to_owned());
        self
    }

    pub(crate) fn errno_is(mut self, errno: Errno) -> Error {
        self.0.errno = Some(errno);
        self
    }

    /// What the subject was to be attached or bound to, as in `kernel function do_unlinkat`.
    pub(crate) fn to(mut self, target: impl Into<String>) -> Error {
        self.0.target = Some(target.into());
        self
    }

    /// Why, where no error number says it, unless a reason is there already; a clause without a full stop.
    pub(crate) fn because(mut self, reason: impl Into<String>) -> Error {
        self.0.reason.get_or_insert_with(|| reason.into());
        self
    }

    /// The same error with another reason, for code that knows that the first one is not true.
    pub(crate) fn replace_reason(mut self, reason: impl Into<String>) -> Error {
        self.0.reason = Some(reason.into());
        self
    }

    pub(crate) fn io(self, error: io::Error) -> Error {
        match error.raw_os_error() {
            Some(number) => self.errno_is(Errno::new(number)),
            None => self.because(error.to_string()),
        }
    }

    pub(crate) fn log(mut self, log: Option<String>) -> Error {
        self.0.log = log.filter(|log| !log.is_empty());
        self
    }

    /// What could be done about it, unless a hint is there already.
    pub(crate) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Error {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// The same error with another hint, for code that knows better or adds to it.
    pub(crate) fn replace_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// The object file's name, if a skeleton's loading failed.
    #[must_use]
    pub fn object_name(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// What was being done, as in `create map` and `load program`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// Which of [`ObjectDesc::steps`](crate::ObjectDesc::steps) it was, if the loader failed in one.
    #[must_use]
    pub fn step(&self) -> Option<usize> {
        self.0.step
    }

    /// What it was done to: the name of a map, program or file.
    #[must_use]
    pub fn subject_name(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The key of the element, if it was done to one: as its type's `Debug` shows it, or as hexadecimal bytes.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// What the subject was to be attached or bound to, as in `kernel function do_unlinkat`.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// The kernel's error number, if the kernel refused.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        self.0.errno
    }

    /// Why it failed, where that is more than the kernel's error number says.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The whole log that the verifier, or the check of BTF, left behind.
    #[must_use]
    pub fn verifier_log(&self) -> Option<&str> {
        self.0.log.as_deref()
    }

    /// What could be done about it.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    /// `counters: load program on_exec: EACCES: Permission denied`, then the log's last useful lines, then the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { object, operation, subject, key, target, errno, reason, log, hint, step: _ } = &*self.0;
        if let Some(object) = object {
            write!(f, "{object}: ")?;
        }
        f.write_str(operation)?;
        if let Some(subject) = subject {
            write!(f, " {subject}")?;
        }
        if let Some(key) = key {
            write!(f, " at key {key}")?;
        }
        if let Some(target) = target {
            write!(f, ": {target}")?;
        }
        if let Some(reason) = reason {
            write!(f, ": {reason}")?;
        }
        if let Some(errno) = errno {
            write!(f, ": {errno}")?;
        }
        for line in log.iter().flat_map(|log| last_useful_lines(log)) {
            write!(f, "\n  | {line}")?;
        }
        if let Some(hint) = hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    /// As [`Display`](fmt::Display): this is what `unwrap` and a `main` that returns an error print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = error.errno().map_or(io::ErrorKind::Other, |e| io::Error::from_raw_os_error(e.number()).kind());
        io::Error::new(kind, error)
    }
}

/// The end of a log without the verifier's statistics.
fn last_useful_lines(log: &str) -> Vec<&str> {
    let statistics = ["processed ", "verification time ", "stack depth ", "max_states_per_insn "];
    let useful = |line: &&str| !line.trim().is_empty() && !statistics.iter().any(|start| line.starts_with(start));
    let mut lines: Vec<&str> = log.lines().rev().filter(useful).take(SHOWN_LINES).collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_why_and_what_to_do() {
        let log = "0: (b7) r0 = 0\nR1 !read_ok\n\nprocessed 2 insns (limit 1000000) max_states_per_insn 0\n";
        let error = Error::new("load program")
            .subject("on_exec")
            .errno_is(Errno::EACCES)
            .log(Some(log.to_owned()))
            .hint("set r1")
            .hint("second")
            .object("counters")
            .object("other");
        let shown = "counters: load program on_exec: EACCES: Permission denied\n  | 0: (b7) r0 = 0\n  | R1 !read_ok\n  \
                     hint: set r1";
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.verifier_log(), Some(log));
        assert_eq!(
            (error.operation(), error.subject_name(), error.errno()),
            ("load program", Some("on_exec"), Some(Errno::EACCES))
        );
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn the_first_reason_and_hint_stay_until_they_are_replaced() {
        let error = Error::new("attach program").because("inner").hint("inner").because("outer").hint("outer");
        assert_eq!((error.reason(), error.hint_text()), (Some("inner"), Some("inner")));
        let error = error.io(io::Error::other("outer")).to("kernel function f");
        assert_eq!(error.to_string(), "attach program: kernel function f: inner\n  hint: inner");
        let error = error.replace_reason("better").replace_hint("better").because("outer").hint("outer");
        assert_eq!((error.reason(), error.hint_text()), (Some("better"), Some("better")));
        assert_eq!(error.target(), Some("kernel function f"));
    }

    #[test]
    fn an_elements_key_stands_behind_its_map() {
        let error = Error::new("write to map").subject("flows").at_key(&(1, 2)).errno_is(Errno::E2BIG);
        assert_eq!(error.to_string(), "write to map flows at key (1, 2): E2BIG: Argument list too long");
        assert_eq!((error.key(), error.subject_name()), (Some("(1, 2)"), Some("flows")));
    }

    #[test]
    fn only_the_end_of_a_long_log_is_shown() {
        let log: String = (0..1000).map(|i| format!("line {i}\n")).collect();
        let lines = last_useful_lines(&log);
        assert_eq!((lines.len(), lines[0], lines[SHOWN_LINES - 1]), (SHOWN_LINES, "line 988", "line 999"));
    }

    #[test]
    fn errors_can_be_sent_and_are_small() {
        fn sent<T: Send + Sync + 'static>() -> usize {
            size_of::<T>()
        }
        assert_eq!(sent::<Error>(), size_of::<usize>());
    }
}
