//! BPF tokens (Linux 6.9): what the machine's administrator has delegated to a user namespace by its BPF file system.
//!
//! With one, processes that are root in their namespace only can load: `BPF_MAP_CREATE`, `BPF_BTF_LOAD` and `BPF_PROG_LOAD`
//! take it. The loader's own commands do as well, since it runs in the process that has the token open. What the
//! loader needs, a token has to allow: these three commands, maps of type array, programs of type syscall, with the attach
//! type that all have which say none (`cgroup_inet_ingress`, number 0), beside what the object is made of. Its addresses of
//! kernel symbols take CAP_SYSLOG of the machine itself, which no token gives.

use std::env;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::kernel::TOKENS;
use crate::map::BPF_FS;
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose, kernel};

/// As libbpf has it.
const VARIABLE: &str = "LIBBPF_BPF_TOKEN_PATH";

/// `/proc/self/ns/user` in the namespace that every machine begins with, where there are no tokens
/// (`PROC_USER_INIT_INO`).
const FIRST_NAMESPACE: &str = "user:[4026531837]";

/// Where a load has its token from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum TokenFrom {
    /// The environment's choice, or else the usual BPF file system, if that delegates anything.
    #[default]
    Anywhere,
    /// None is to be used.
    Nowhere,
    /// This BPF file system.
    Path(PathBuf),
}

/// Makes the token for a load, if it is to have one.
pub(crate) fn create(from: &TokenFrom) -> Result<Option<OwnedFd>> {
    match from {
        TokenFrom::Nowhere => Ok(None),
        TokenFrom::Path(path) => of(path).map(Some),
        TokenFrom::Anywhere => match env::var_os(VARIABLE) {
            Some(path) if path.is_empty() => Ok(None),
            Some(path) => of(Path::new(&path)).map(Some),
            None if fs::read_link("/proc/self/ns/user").is_ok_and(|link| link == Path::new(FIRST_NAMESPACE)) => {
                Ok(None)
            }
            // It does without, if it can.
            None => Ok(of(Path::new(BPF_FS)).ok()),
        },
    }
}

fn of(path: &Path) -> Result<OwnedFd> {
    let failed = || Error::new("make a BPF token of").subject(path.display().to_string());
    let file_system = File::open(path)
        .map_err(|error| failed().io(error).hint("mount a BPF file system there that this process may open"))?;
    bpf::token_create(file_system.as_fd()).map_err(|errno| {
        let error = failed().errno_is(errno);
        match errno {
            Errno::EINVAL if kernel::is_older(TOKENS.since) => {
                error.because(kernel::missing(TOKENS.name, TOKENS.since))
            }
            Errno::EINVAL => error.because("a BPF file system is not mounted there"),
            Errno::ENOENT => error
                .because("it delegates nothing")
                .hint("it has to be mounted with delegate_cmds, delegate_maps, delegate_progs and delegate_attachs"),
            Errno::EOPNOTSUPP => error.because("this process is in the initial user namespace, and needs no token"),
            Errno::EPERM => error.hint(
                "the file system has to be of this process's user namespace, and the process to have CAP_BPF there",
            ),
            _ => error,
        }
    })
}

/// Says of a refusal that the token may not have been enough.
pub(crate) fn blame(error: Error, token: Option<&OwnedFd>) -> Error {
    let refused = matches!(error.errno(), Some(Errno::EPERM | Errno::EACCES));
    if token.is_none() || !refused || error.verifier_log().is_some() {
        return error;
    }
    const NOT_ALLOWED: &str = "the BPF token may not allow it: the object needs its types of maps, programs and \
                               attachment, and the loader commands map_create, prog_load and btf_load, maps of type \
                               array, programs of type syscall and attach type cgroup_inet_ingress";
    // The token stands for the capabilities that the process lacks.
    if error.reason() == diagnose::lacking().as_deref() {
        error.replace_reason(NOT_ALLOWED)
    } else {
        error.because(NOT_ALLOWED)
    }
}
