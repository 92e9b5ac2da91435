//! What follows the prefix of a section's name.
//!
//! Each function takes what stands behind `prefix/`, empty if nothing does, and makes an [`AttachTo`] of it. Nothing
//! fails: a program whose target cannot be read can still be loaded.

use super::{AttachTo, BtfTarget, KprobeTarget, TracepointTarget, UprobeMultiTarget, UprobeTarget, UsdtTarget};
use crate::uapi::{BTF_KIND_FUNC, BTF_KIND_TYPEDEF, BtfKind};

fn malformed(extra: &str, expected: &'static str) -> AttachTo {
    AttachTo::Malformed { extra: extra.to_owned(), expected }
}

fn given(extra: &str) -> Option<String> {
    (!extra.is_empty()).then(|| extra.to_owned())
}

/// A number as C writes it: decimal, `0x` hexadecimal or `0` octal.
fn number(digits: &str) -> Option<u64> {
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    // from_str_radix takes a sign of its own; "+-4" is no offset.
    digits.starts_with(|c: char| c.is_digit(radix)).then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

fn is_function(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b))
}

fn is_pattern(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.*?".contains(&b))
}

/// `function[+offset]`.
pub(super) fn kprobe(extra: &str) -> AttachTo {
    if extra.is_empty() {
        return AttachTo::Kprobe { target: None, ret: false };
    }
    let (function, offset) = match extra.split_once('+') {
        Some((function, offset)) => (function, number(offset)),
        None => (extra, Some(0)),
    };
    match offset {
        Some(offset) if is_function(function) => {
            AttachTo::Kprobe { target: Some(KprobeTarget { function: function.to_owned(), offset }), ret: false }
        }
        _ => malformed(extra, "function[+offset]"),
    }
}

/// `function`: the place a function returns to is no offset into it.
pub(super) fn kretprobe(extra: &str) -> AttachTo {
    match kprobe(extra) {
        AttachTo::Kprobe { target, .. } if target.as_ref().is_none_or(|target| target.offset == 0) => {
            AttachTo::Kprobe { target, ret: true }
        }
        _ => malformed(extra, "function"),
    }
}

/// `pattern`.
pub(super) fn kprobe_multi(extra: &str, ret: bool, session: bool) -> AttachTo {
    if extra.is_empty() || is_pattern(extra) {
        AttachTo::KprobeMulti { pattern: given(extra), ret, session }
    } else {
        malformed(extra, "function pattern")
    }
}

/// `name`.
pub(super) fn ksyscall(extra: &str, ret: bool) -> AttachTo {
    AttachTo::Ksyscall { name: given(extra), ret }
}

/// `binary:function`, both filled.
fn in_binary(extra: &str) -> Option<(&str, &str)> {
    extra.split_once(':').filter(|(binary, function)| !binary.is_empty() && !function.is_empty())
}

/// `binary:function[+offset]`.
pub(super) fn uprobe(extra: &str) -> AttachTo {
    if extra.is_empty() {
        return AttachTo::Uprobe { target: None, ret: false };
    }
    let Some((binary, function)) = in_binary(extra) else {
        return malformed(extra, "binary:function[+offset]");
    };
    // Names of functions can hold a `+` (C++ and Rust do not mangle all of them away): only a number is an offset.
    let (function, offset) = function
        .rsplit_once('+')
        .and_then(|(function, offset)| Some((function, number(offset)?)))
        .filter(|(function, _)| !function.is_empty())
        .unwrap_or((function, 0));
    let target = UprobeTarget { binary: binary.to_owned(), function: function.to_owned(), offset };
    AttachTo::Uprobe { target: Some(target), ret: false }
}

/// `binary:function`.
pub(super) fn uretprobe(extra: &str) -> AttachTo {
    match uprobe(extra) {
        AttachTo::Uprobe { target, .. } if target.as_ref().is_none_or(|target| target.offset == 0) => {
            AttachTo::Uprobe { target, ret: true }
        }
        _ => malformed(extra, "binary:function"),
    }
}

/// `binary:pattern`.
pub(super) fn uprobe_multi(extra: &str, ret: bool, session: bool) -> AttachTo {
    if extra.is_empty() {
        return AttachTo::UprobeMulti { target: None, ret, session };
    }
    match in_binary(extra) {
        Some((binary, pattern)) => {
            let target = UprobeMultiTarget { binary: binary.to_owned(), pattern: pattern.to_owned() };
            AttachTo::UprobeMulti { target: Some(target), ret, session }
        }
        None => malformed(extra, "binary:function pattern"),
    }
}

/// `binary:provider:name`.
pub(super) fn usdt(extra: &str) -> AttachTo {
    if extra.is_empty() {
        return AttachTo::Usdt { target: None };
    }
    let parts: Vec<&str> = extra.split(':').collect();
    match parts[..] {
        [binary, provider, name] if parts.iter().all(|part| !part.is_empty()) => {
            let target = UsdtTarget { binary: binary.to_owned(), provider: provider.to_owned(), name: name.to_owned() };
            AttachTo::Usdt { target: Some(target) }
        }
        _ => malformed(extra, "binary:provider:name"),
    }
}

/// `category/name`.
pub(super) fn tracepoint(extra: &str) -> AttachTo {
    if extra.is_empty() {
        return AttachTo::Tracepoint { target: None };
    }
    match extra.split_once('/') {
        Some((category, name)) if !category.is_empty() && !name.is_empty() => {
            let target = TracepointTarget { category: category.to_owned(), name: name.to_owned() };
            AttachTo::Tracepoint { target: Some(target) }
        }
        _ => malformed(extra, "category/name"),
    }
}

/// `name`.
pub(super) fn raw_tracepoint(extra: &str) -> AttachTo {
    AttachTo::RawTracepoint { name: given(extra) }
}

/// `[module:]name`, the name to be found in BTF with the prefix the kernel gives to names of its sort.
fn btf(extra: &str, prefix: &str, kind: BtfKind, to: fn(Option<BtfTarget>) -> AttachTo) -> AttachTo {
    if extra.is_empty() {
        return to(None);
    }
    let (module, name) = match extra.split_once(':') {
        // libbpf takes `vmlinux` as the module that is the kernel.
        Some(("vmlinux", name)) => (None, name),
        Some((module, name)) => (Some(module), name),
        None => (None, extra),
    };
    if name.is_empty() || module.is_some_and(str::is_empty) {
        return malformed(extra, "[module:]name");
    }
    to(Some(BtfTarget { kind, name: format!("{prefix}{name}"), module: module.map(str::to_owned) }))
}

/// The tracepoint's `btf_trace_*` typedef.
pub(super) fn tp_btf(extra: &str) -> AttachTo {
    btf(extra, "btf_trace_", BTF_KIND_TYPEDEF, |target| AttachTo::Trace { target })
}

/// A function.
pub(super) fn function(extra: &str) -> AttachTo {
    btf(extra, "", BTF_KIND_FUNC, |target| AttachTo::Trace { target })
}

/// The hook's `bpf_lsm_*` function.
pub(super) fn lsm(extra: &str) -> AttachTo {
    btf(extra, "bpf_lsm_", BTF_KIND_FUNC, |target| AttachTo::Trace { target })
}

/// The hook's `bpf_lsm_*` function.
pub(super) fn lsm_cgroup(extra: &str) -> AttachTo {
    btf(extra, "bpf_lsm_", BTF_KIND_FUNC, |target| AttachTo::LsmCgroup { target })
}

/// The iterator's `bpf_iter_*` function.
pub(super) fn iter(extra: &str) -> AttachTo {
    btf(extra, "bpf_iter_", BTF_KIND_FUNC, |target| AttachTo::Iter { target })
}

/// `[module:]pattern`.
pub(super) fn functions(extra: &str) -> AttachTo {
    let (module, pattern) = match extra.split_once(':') {
        Some((module, pattern)) => (Some(module), pattern),
        None => (None, extra),
    };
    if extra.is_empty() {
        AttachTo::TraceMulti { module: None, pattern: None }
    } else if is_pattern(pattern) && module.is_none_or(is_function) {
        AttachTo::TraceMulti { module: module.map(str::to_owned), pattern: given(pattern) }
    } else {
        malformed(extra, "[module:]function pattern")
    }
}

/// `function`.
pub(super) fn freplace(extra: &str) -> AttachTo {
    AttachTo::Freplace { function: given(extra) }
}
