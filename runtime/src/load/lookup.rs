//! What it means that the kernel lacks something that a program refers to.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use super::core_relos::{self, Unmet};
use super::not_created;
use crate::btf::kind;
use crate::desc::{ObjectDesc, StepDesc};
use crate::image::{AT_STEP_EXPECT, MISSING_KFUNC, OP_BPF, OP_FIND_BTF, OP_FIND_KSYM, Read, Step};
use crate::sys::Errno;
use crate::sys::attr::place;
use crate::sys::uapi::*;
use crate::{Error, diagnose, kernel};

/// Adds to the failure of `step` of `image` what it says about what is missing.
///
/// `memory` is the image that was carried out, with what was changed of `image`.
pub(super) fn explain(error: Error, image: &[u8], memory: &impl Read, step: &Step) -> Error {
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
        (OP_BPF, Some(Errno::EINVAL)) if step.cmd == BPF_MAP_CREATE.0 => {
            if let Some((size, place)) = zero_size(memory, step) {
                let in_object = step.arg.checked_add(place).and_then(|place| image.u32(place));
                return error.hint(if in_object == Some(0) {
                    format!("the object leaves {size} at 0: set it before the load")
                } else {
                    format!("{size} was set to 0 before the load: leave it as the object has it, or set another size")
                });
            }
            match image.u32(step.arg).map(MapType).and_then(kernel::newer_map_type) {
                Some(hint) => error.hint(hint),
                None => diagnose::explain(error),
            }
        }
        _ => diagnose::explain(error),
    }
}

/// Which size of a map is 0, though maps of its type need one, and its offset in the arguments.
fn zero_size(memory: &impl Read, step: &Step) -> Option<(&'static str, u32)> {
    let word = |place: u32| memory.u32(step.arg.checked_add(place)?);
    let map_type = MapType(word(place!(MapCreate.map_type))?);
    let is_ring = matches!(map_type, BPF_MAP_TYPE_RINGBUF | BPF_MAP_TYPE_USER_RINGBUF | BPF_MAP_TYPE_ARENA);
    let is_storage = matches!(
        map_type,
        BPF_MAP_TYPE_SK_STORAGE
            | BPF_MAP_TYPE_INODE_STORAGE
            | BPF_MAP_TYPE_TASK_STORAGE
            | BPF_MAP_TYPE_CGRP_STORAGE
            | BPF_MAP_TYPE_CGROUP_STORAGE
            | BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
    );
    let is_keyless = matches!(map_type, BPF_MAP_TYPE_QUEUE | BPF_MAP_TYPE_STACK | BPF_MAP_TYPE_BLOOM_FILTER);
    let sizes = [
        ("max_entries", place!(MapCreate.max_entries), !is_storage),
        ("value_size", place!(MapCreate.value_size), !is_ring),
        ("key_size", place!(MapCreate.key_size), !is_ring && !is_keyless),
    ];
    sizes
        .into_iter()
        .find(|&(_, place, is_needed)| is_needed && word(place) == Some(0))
        .map(|(size, place, _)| (size, place))
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

/// What to write over `image` for `step`, which is at `at` and did not find its symbol, to take 0 for its address; `None`
/// if that is not where the kernel has it.
///
/// `bpf_kallsyms_lookup_name` says of a symbol at 0 that there is none. On x86_64, before Linux 6.15, the kernel's per-CPU
/// variables began there (`__per_cpu_start`).
pub(super) fn at_zero(image: &[u8], step: &Step, at: u32, errno: Errno) -> Option<Vec<(u32, u32)>> {
    (step.op == OP_FIND_KSYM && errno == Errno::ENOENT).then_some(())?;
    let symbols = BufReader::new(File::open("/proc/kallsyms").ok()?);
    // With any number there need not be such a symbol.
    has_at_zero(symbols, &name(image, step)).then(|| vec![(at + AT_STEP_EXPECT, 1)])
}

/// Whether the first symbol called `name` is at 0. The helper has shown its address before, so that 0 does not stand for
/// one that is hidden.
fn has_at_zero(symbols: impl BufRead, name: &str) -> bool {
    // "0000000000000000 A __per_cpu_start", and behind a module's its name.
    let mut symbols = symbols.lines().map_while(Result::ok);
    let symbol = symbols.find(|line| line.split_ascii_whitespace().nth(2) == Some(name));
    symbol.is_some_and(|line| {
        line.split_ascii_whitespace().next().is_some_and(|address| address.trim_matches('0').is_empty())
    })
}

/// Adds to the verifier's refusal of a program what its log says about what is missing.
pub(super) fn explain_log(error: Error, log: &str, license: &str, desc: &ObjectDesc<'_>) -> Error {
    let steps = desc.steps;
    if let Some(map) = not_created::reached(log, desc.maps) {
        let why = format!("it uses map {map}, which was not created: its autocreate is off");
        return error.because(why).hint("make that code unreachable, or leave the program out: set_autoload(false)");
    }
    if let Some(kfunc) = missing_kfunc(log, steps) {
        let ask = format!("the program must not call it unless bpf_ksym_exists({kfunc})");
        return error.because(format!("this kernel has no kfunc `{kfunc}`")).hint(ask);
    }
    if let Some(Unmet { reason, hint }) = core_relos::unmet(log) {
        return error.because(reason).hint(hint);
    }
    if let Some(symbol) = without_address(log) {
        let is_kfunc = steps.iter().any(|step| step.what == FIND_KFUNC && is_flavour_of(step.subject, symbol));
        let why = if is_kfunc {
            // Functions are in kallsyms on every kernel.
            "this kernel has no such function: its BTF declares one, but none was linked into it"
        } else {
            "this kernel is built without the addresses of its variables (CONFIG_KALLSYMS_ALL)"
        };
        return error.hint(why);
    }
    if license.is_empty() && asks_for_gpl(log) {
        return error.hint(
            "the object has no section `license`: give it one, char LICENSE[] SEC(\"license\") = \"GPL\", or generate the \
             skeleton with a license (`license`, --license), as for objects of aya-ebpf",
        );
    }
    error
}

/// What the plan calls the step that finds a kfunc.
const FIND_KFUNC: &str = "find kfunc";

/// The symbol whose address the verifier did not find: "ldimm64 failed to find the address for kernel symbol 'runqueues'."
fn without_address(log: &str) -> Option<&str> {
    let (_, symbol) = log.rsplit_once("failed to find the address for kernel symbol '")?;
    symbol.split('\'').next()
}

/// Whether `name` is `kernel_name`, or a flavour of it.
fn is_flavour_of(name: &str, kernel_name: &str) -> bool {
    name.strip_prefix(kernel_name).is_some_and(|rest| rest.is_empty() || rest.starts_with("___"))
}

/// Whether the verifier refuses a program for its license: "cannot call GPL-restricted function from non-GPL compatible
/// program" and others, which differ by kernel and by what is called.
fn asks_for_gpl(log: &str) -> bool {
    log.lines().rev().take(SAID_LAST).any(|line| {
        line.contains("GPL") && ["cannot call", "must have a GPL", "non-GPL"].iter().any(|words| line.contains(words))
    })
}

/// In so many lines at a log's end the reason stands, with the verifier's statistics.
const SAID_LAST: usize = 8;

/// Which weak kfunc a refused program calls, though the kernel has none of that name.
fn missing_kfunc<'a>(log: &str, steps: &'a [StepDesc<'_>]) -> Option<&'a str> {
    let step = unknown_helper(log)?.checked_sub(MISSING_KFUNC)?;
    steps.get(step as usize).map(|step| step.subject)
}

/// The number of the helper that the verifier does not know: "invalid func unknown#2002000001".
pub(super) fn unknown_helper(log: &str) -> Option<u32> {
    let (_, called) = log.rsplit_once("unknown#")?;
    called.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kallsyms_tells_what_is_at_0() {
        let symbols =
            "0000000000000000 A __per_cpu_start\nffffffff81000000 T _text\n0000000000000000 d own\t[module]\n";
        let is = |name| has_at_zero(symbols.as_bytes(), name);
        assert!(is("__per_cpu_start") && is("own"));
        assert!(!is("_text") && !is("none") && !is("A") && !is("__per_cpu"));
    }

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
