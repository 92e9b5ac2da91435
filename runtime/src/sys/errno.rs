//! Error numbers.

use std::{fmt, io};

/// An error number of the kernel, positive; any number is one, known or not.
///
/// Displays as its name and the system's words for it: `EPERM: Operation not permitted`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

macro_rules! names {
    ($($name:ident)*) => {
        #[allow(missing_docs, reason = "the names are the kernel's; errno(3) tells what they mean")]
        impl Errno {
            $(pub const $name: Errno = Errno(libc::$name);)*

            /// The number's name, as in `EPERM`; `None` if it is one that skelgen has no name for.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Errno::$name => Some(stringify!($name)),)*
                    Errno::ENOTSUPP => Some("ENOTSUPP"),
                    _ => None,
                }
            }
        }
    };
}

names! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR
    EINVAL ENFILE EMFILE EFBIG ENOSPC EROFS EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOSYS ENODATA EPROTO EOVERFLOW
    EILSEQ EMSGSIZE EPROTONOSUPPORT EOPNOTSUPP EADDRINUSE ENOBUFS ETIMEDOUT EALREADY ESTALE ENOKEY EKEYREJECTED
    ENOLINK EINPROGRESS
}

impl Errno {
    /// `ENOTSUPP`, which the kernel means to keep to itself and returns from bpf(2) all the same.
    pub const ENOTSUPP: Errno = Errno(524);

    /// The error of this number; the sign is dropped.
    #[must_use]
    pub const fn new(number: i32) -> Errno {
        Errno(number.saturating_abs())
    }

    /// The calling thread's `errno`.
    pub(crate) fn last() -> Errno {
        Errno::new(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    /// The number, positive.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = io::Error::from_raw_os_error(self.0).to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        match self.name() {
            Some("ENOTSUPP") => f.write_str("ENOTSUPP: Operation is not supported"),
            Some(name) => write!(f, "{name}: {words}"),
            None => write!(f, "errno {}: {words}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl From<io::Error> for Errno {
    /// `EIO` for an error that is not the system's.
    fn from(error: io::Error) -> Self {
        error.raw_os_error().map_or(Errno::EIO, Errno::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_names_and_words() {
        assert_eq!(Errno::new(-1).to_string(), "EPERM: Operation not permitted");
        assert_eq!(format!("{:?} {:?}", Errno::EOPNOTSUPP, Errno::new(9999)), "EOPNOTSUPP Errno(9999)");
        assert_eq!(Errno::ENOTSUPP.to_string(), "ENOTSUPP: Operation is not supported");
        assert!(Errno::new(9999).to_string().starts_with("errno 9999: "));
        assert_eq!(Errno::new(i32::MIN).number(), i32::MAX);
    }
}
