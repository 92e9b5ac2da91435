//! From the kernel's error number to what could be done about it, with a look at the system.
//!
//! This runs only when something has failed.

use std::borrow::Cow;
use std::fs;

use super::release::too_old;
use crate::Error;
use crate::sys::Errno;

const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// The files that say what restricts the kernel.
struct Restrictions<'a> {
    jit: &'a str,
    lockdown: &'a str,
}

const RESTRICTIONS: Restrictions<'static> =
    Restrictions { jit: "/proc/sys/net/core/bpf_jit_enable", lockdown: "/sys/kernel/security/lockdown" };

/// Adds a hint for a refused bpf(2) command, if the verifier has not said what is wrong.
pub(crate) fn explain(error: Error) -> Error {
    explain_by(error, &RESTRICTIONS)
}

fn explain_by(error: Error, files: &Restrictions<'_>) -> Error {
    // ENOTSUPP is what a load comes to whose program the kernel cannot run without its JIT, with a log or without.
    if error.errno() == Some(Errno::ENOTSUPP) && is_off(files.jit) {
        return error.hint(JIT_IS_OFF);
    }
    if let Some(log) = error.verifier_log() {
        return match restriction(log, &content(files.lockdown), is_off(files.jit)) {
            Some(hint) => error.hint(hint),
            None => error,
        };
    }
    if let Some(hint) = too_old() {
        return error.hint(hint);
    }
    match error.errno() {
        Some(Errno::EPERM | Errno::EACCES) => match lacking() {
            Some(lacking) => error.because(lacking),
            None => error.hint(permission(files.lockdown)),
        },
        Some(Errno::ENOSYS) => {
            error.hint("this kernel is built without bpf(2) (CONFIG_BPF_SYSCALL), or a seccomp filter hides it")
        }
        Some(Errno::ENOMEM) => error.hint("the kernel or this memory cgroup is out of memory, or a map is too large"),
        Some(Errno::EINVAL | Errno::EOPNOTSUPP) if is_off(files.jit) => error.hint(JIT_IS_OFF),
        Some(Errno::EMFILE) => error.hint("this process has reached its file descriptor limit: raise RLIMIT_NOFILE"),
        _ => error,
    }
}

const JIT_IS_OFF: &str = "the kernel's JIT for BPF is off, and this may need it: sysctl net.core.bpf_jit_enable=1";

/// A hint at lockdown or at a JIT that is off, if the verifier log shows that this is the reason.
fn restriction(log: &str, lockdown: &str, jit_is_off: bool) -> Option<Cow<'static, str>> {
    // The verifier reports a helper that lockdown withholds as unknown.
    let withheld = |names: &[&str]| {
        let unknown = |line: &str| line.contains("unknown func ") || line.contains("cannot use helper ");
        log.lines().any(|line| unknown(line) && names.iter().any(|name| line.contains(name)))
    };
    if lockdown.contains("[confidentiality]") && withheld(&["bpf_probe_read", "bpf_copy_from_user", "bpf_get_stack"]) {
        return Some(Cow::Borrowed(LOCKED_DOWN));
    }
    if lockdown.contains("[integrity]") && withheld(&["bpf_probe_write_user"]) {
        return Some(Cow::Borrowed(
            "the kernel is locked down (/sys/kernel/security/lockdown), which withholds this helper",
        ));
    }
    (jit_is_off && log.contains("JIT")).then_some(Cow::Borrowed(JIT_IS_OFF))
}

const LOCKED_DOWN: &str = "the kernel is locked down for confidentiality (/sys/kernel/security/lockdown), which withholds the \
                           helpers that read its memory: the loader and most tracing need them";

fn content(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// Whether `net.core.bpf_jit_enable`, in `file`, is 0; kernels with CONFIG_BPF_JIT_ALWAYS_ON have it at 1.
fn is_off(file: &str) -> bool {
    content(file).trim() == "0"
}

/// Capabilities and seccomp filters are a thread's, and `/proc/self/status` tells of the first.
const STATUS: &str = "/proc/thread-self/status";

/// The capabilities of this thread, as bits; `None` if `/proc` does not tell.
fn capabilities() -> Option<u64> {
    effective(&fs::read_to_string(STATUS).ok()?)
}

/// `error` for `errno`, from a system call on something that exists already: a map, a link, a pin. Where that may be why,
/// it names the capabilities that this process lacks.
pub(crate) fn refused(error: Error, errno: Errno) -> Error {
    let error = error.errno_is(errno);
    match errno {
        Errno::EPERM => match missing() {
            Some(missing) => error.hint(format!("this process lacks {missing}")),
            None => error.hint("a seccomp filter or a security module may forbid it"),
        },
        Errno::EMFILE => explain(error),
        _ => error,
    }
}

/// Which of the capabilities that every skeleton needs this process lacks, and what to do.
pub(crate) fn lacking() -> Option<String> {
    missing().map(|missing| format!("this process lacks {missing}, which loading BPF needs; run it as root"))
}

/// Which of the capabilities that every skeleton needs this process lacks.
fn missing() -> Option<String> {
    let capabilities = capabilities()?;
    let has = |cap: u32| capabilities >> cap & 1 == 1 || capabilities >> CAP_SYS_ADMIN & 1 == 1;
    let missing: Vec<&str> = [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")]
        .into_iter()
        .filter_map(|(cap, name)| (!has(cap)).then_some(name))
        .collect();
    (!missing.is_empty()).then(|| missing.join(" and "))
}

/// Why bpf(2) is not permitted to a process that has the capabilities every skeleton needs.
fn permission(lockdown: &str) -> String {
    let Ok(status) = fs::read_to_string(STATUS) else {
        return "loading BPF needs CAP_BPF and CAP_PERFMON, or root".to_owned();
    };
    if content(lockdown).contains("[confidentiality]") {
        return LOCKED_DOWN.to_owned();
    }
    suspects(&status)
}

/// What may forbid it, by the thread's `status`.
fn suspects(status: &str) -> String {
    let mut suspects = Vec::new();
    if effective(status).is_some_and(|all| all >> CAP_NET_ADMIN & 1 == 0 && all >> CAP_SYS_ADMIN & 1 == 0) {
        suspects.push("it lacks CAP_NET_ADMIN, which networking programs need");
    }
    // SECCOMP_MODE_FILTER
    if field(status, "Seccomp:") == Some("2") {
        suspects.push("its seccomp filter denies bpf(2), as a container's may");
    }
    suspects.push("this kernel lacks what such programs need (trampolines, for those at functions)");
    suspects.push("a user namespace or a security module forbids it");
    format!(
        "this process has the capabilities that every skeleton needs; it may be that {}",
        suspects.join(", or that ")
    )
}

/// The effective capabilities of a thread's `status`.
fn effective(status: &str) -> Option<u64> {
    u64::from_str_radix(field(status, "CapEff:")?, 16).ok()
}

/// A line of a thread's `status`.
fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_restricts_the_kernel_is_told_where_the_log_shows_it() {
        let log = "12: (85) call bpf_probe_read_kernel#113\nprogram of this type cannot use helper bpf_probe_read_kernel#113\n";
        let (none, all) = ("[none] integrity confidentiality\n", "none integrity [confidentiality]\n");
        assert_eq!(restriction(log, none, true), None);
        assert_eq!(restriction(log, all, false).as_deref(), Some(LOCKED_DOWN));
        assert_eq!(restriction("R1 !read_ok\n", all, true), None);
        let write = "unknown func bpf_probe_write_user#36\n";
        assert!(
            restriction(write, "none [integrity] confidentiality", false).is_some_and(|hint| hint.contains("lockdown"))
        );
        let callbacks = "callbacks are not allowed in non-JITed programs\n";
        assert_eq!(restriction(callbacks, none, true).as_deref(), Some(JIT_IS_OFF));
        assert_eq!(restriction(callbacks, none, false), None);
    }

    #[test]
    fn a_jit_that_is_off_is_blamed_for_errors_that_it_can_explain() {
        let folder = std::env::temp_dir().join(format!("skelgen-jit-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let hint = |value: Option<&str>, errno, log: &str| {
            let file = folder.join("bpf_jit_enable");
            match value {
                Some(value) => fs::write(&file, value).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            let files = Restrictions { jit: file.to_str().unwrap(), lockdown: "/nowhere" };
            let error = Error::new("load program").subject("on_exec").errno_is(errno).log(Some(log.to_owned()));
            explain_by(error, &files).hint_text().map(str::to_owned)
        };
        // The verifier was content, and then there was nothing to run the program by.
        let content = "processed 12 insns (limit 1000000) max_states_per_insn 0\n";
        let kfunc = "JIT is required for calling kernel function\n";
        let rejected = "R1 !read_ok\n";
        for (errno, log, is_blamed) in [
            (Errno::ENOTSUPP, "", true),
            (Errno::ENOTSUPP, content, true),
            (Errno::ENOTSUPP, kfunc, true),
            (Errno::EINVAL, kfunc, true),
            (Errno::EINVAL, "", true),
            (Errno::EINVAL, rejected, false),
            (Errno::EACCES, rejected, false),
            (Errno::E2BIG, "", false),
        ] {
            let told = hint(Some("0\n"), errno, log);
            assert_eq!(told.as_deref() == Some(JIT_IS_OFF), is_blamed, "{errno:?} {log:?}: {told:?}");
            for on in [Some("1\n"), Some("2\n"), None] {
                assert_ne!(hint(on, errno, log).as_deref(), Some(JIT_IS_OFF), "{errno:?} {log:?}");
                fs::write(folder.join("bpf_jit_enable"), "").unwrap();
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn capabilities_are_read() {
        assert_eq!(effective("Name:\tx\nCapEff:\t000001fffeffffff\n"), Some(0x1ff_feff_ffff));
        assert_eq!(effective("CapEff:\tzz\n"), None);
    }

    #[test]
    fn all_that_may_forbid_it_is_told() {
        let (network, filter) = ("it lacks CAP_NET_ADMIN", "its seccomp filter denies bpf(2)");
        for (status, lacks_network, filtered) in [
            ("CapEff:\t000000c000000000\nSeccomp:\t0\n", true, false),
            ("CapEff:\t000000c000000000\nSeccomp:\t2\nSeccomp_filters:\t1\n", true, true),
            ("CapEff:\t000000c000001000\nSeccomp:\t2\n", false, true),
            ("CapEff:\t0000000000200000\nSeccomp:\t0\n", false, false),
        ] {
            let told = suspects(status);
            assert_eq!((told.contains(network), told.contains(filter)), (lacks_network, filtered), "{told}");
            assert!(told.ends_with("or that a user namespace or a security module forbids it"), "{told}");
        }
    }
}
