//! What it means that the kernel lacks something that a program refers to.

use std::fs;

use crate::btf::kind;
use crate::desc::StepDesc;
use crate::image::{MISSING_KFUNC, OP_BPF, OP_FIND_BTF, OP_FIND_KSYM, Read, Step};
use crate::sys::Errno;
use crate::sys::uapi::BPF_MAP_CREATE;
use crate::{Error, diagnose};

/// Adds to the failure of `step` of `image` what it says about what is missing.
pub(super) fn explain(error: Error, image: &[u8], step: &Step) -> Error {
    match (step.op, error.errno()) {
        (OP_FIND_BTF, Some(Errno::ENOENT)) => {
            let what = match step.cmd {
                kind::FUNC => "function",
                kind::VAR => "variable",
                _ => "type",
            };
            let name = name(image, step);
            error.because(format!("the BTF of the kernel and of its loaded modules has no {what} `{name}`"))
        }
        (OP_FIND_BTF, Some(Errno::EINVAL)) => error.hint("this kernel is built without BTF (CONFIG_DEBUG_INFO_BTF)"),
        (OP_FIND_KSYM, Some(Errno::ENOENT)) => {
            error.because(format!("the kernel and its loaded modules have no symbol `{}`", name(image, step)))
        }
        (OP_FIND_KSYM, Some(Errno::EPERM)) => {
            let restrict = fs::read_to_string("/proc/sys/kernel/kptr_restrict").unwrap_or_default();
            error.because("the kernel hides the addresses of its symbols").hint(hidden(restrict.trim()))
        }
        (OP_BPF, Some(Errno::EINVAL)) if step.cmd == BPF_MAP_CREATE => {
            match image.u32(step.arg).and_then(diagnose::newer_map_type) {
                Some(hint) => error.hint(hint),
                None => diagnose::explain(error),
            }
        }
        _ => diagnose::explain(error),
    }
}

/// What makes the kernel tell its symbols' addresses (`kallsyms_show_value` in its source).
fn hidden(kptr_restrict: &str) -> &'static str {
    match kptr_restrict {
        "0" | "1" => "this process lacks CAP_SYSLOG, which makes it tell them",
        _ => "with kernel.kptr_restrict at 0 or 1 it tells them to a process with CAP_SYSLOG",
    }
}

/// The name that `step` was to find.
fn name(image: &[u8], step: &Step) -> String {
    let bytes = image.get(step.arg as usize..).and_then(|rest| rest.get(..step.size as usize)).unwrap_or_default();
    String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes)).into_owned()
}

/// Adds to the verifier's refusal of a program what its log says about what is missing.
pub(super) fn explain_log(error: Error, log: &str, steps: &[StepDesc<'_>]) -> Error {
    if let Some(kfunc) = missing_kfunc(log, steps) {
        let ask = format!("the program must not call it unless bpf_ksym_exists({kfunc})");
        return error.because(format!("this kernel has no kfunc `{kfunc}`")).hint(ask);
    }
    if log.contains("failed to find the address for kernel symbol") {
        return error.hint("this kernel is built without the addresses of its variables (CONFIG_KALLSYMS_ALL)");
    }
    error
}

/// Which weak kfunc a refused program calls, though the kernel has none of that name.
fn missing_kfunc<'a>(log: &str, steps: &'a [StepDesc<'_>]) -> Option<&'a str> {
    let (_, called) = log.rsplit_once("unknown#")?;
    let digits = called.split(|c: char| !c.is_ascii_digit()).next()?;
    let step = digits.parse::<u32>().ok()?.checked_sub(MISSING_KFUNC)?;
    steps.get(step as usize).map(|step| step.subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_tells_which_kfunc_is_missing() {
        let steps = ["", "bpf_one", "bpf_two"].map(|subject| StepDesc { what: "find kfunc", subject });
        let found = |log: &str| missing_kfunc(log, &steps);
        assert_eq!(found("1: (85) call unknown#2002000002\ninvalid func unknown#2002000001\n"), Some("bpf_one"));
        assert_eq!(found("invalid func unknown#2002000003\n"), None);
        assert_eq!(found("invalid func unknown#195\n"), None);
        assert_eq!(found("invalid func unknown#\n"), None);
        assert_eq!(found("R1 !read_ok\n"), None);
    }
}
