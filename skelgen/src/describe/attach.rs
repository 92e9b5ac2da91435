//! How the runtime attaches a program, by what its section says.

use skelgen_abi::desc::Attach;

use crate::object::{AttachTo, SecDef, UsdtTarget};

/// The way to attach a program of this section.
pub fn attach(sec: &SecDef) -> Attach<'_> {
    match &sec.attach {
        AttachTo::RawTracepoint { name: Some(name) } => Attach::RawTracepoint { name: name.into() },
        AttachTo::Trace { .. } | AttachTo::Freplace { .. } => Attach::Tracing,
        AttachTo::Iter { target: Some(target) } if needs_more(&target.name) => Attach::Manual,
        AttachTo::Iter { .. } => Attach::Iter,
        AttachTo::Tracepoint { target: Some(target) } => {
            Attach::Tracepoint { category: (&target.category).into(), name: (&target.name).into() }
        }
        AttachTo::Kprobe { target: Some(target), ret } => {
            Attach::Kprobe { function: (&target.function).into(), offset: target.offset, ret: *ret }
        }
        AttachTo::TraceMulti { module, pattern } => {
            Attach::TracingMulti { module: module.as_ref().map(Into::into), pattern: pattern.as_ref().map(Into::into) }
        }
        AttachTo::Usdt { target } => {
            let probe = |target: &UsdtTarget| format!("{}:{}:{}", target.binary, target.provider, target.name).into();
            Attach::Usdt { probe: target.as_ref().map(probe) }
        }
        AttachTo::Malformed { extra, expected } => {
            Attach::Unsupported { why: format!("`{extra}` is not {expected}").into() }
        }
        attach if attach.is_automatic() => {
            let kind = not_attached_yet(attach);
            Attach::Unsupported { why: format!("skelgen does not attach {kind} programs by their section yet").into() }
        }
        _ => Attach::Manual,
    }
}

/// The `SEC()` name of a kind whose targets the runtime does not look up.
fn not_attached_yet(attach: &AttachTo) -> &'static str {
    match attach {
        AttachTo::KprobeMulti { session: true, .. } => "kprobe.session",
        AttachTo::KprobeMulti { ret: true, .. } => "kretprobe.multi",
        AttachTo::KprobeMulti { .. } => "kprobe.multi",
        AttachTo::Ksyscall { ret: true, .. } => "kretsyscall",
        AttachTo::Ksyscall { .. } => "ksyscall",
        AttachTo::Uprobe { ret: true, .. } => "uretprobe",
        AttachTo::Uprobe { .. } => "uprobe",
        AttachTo::UprobeMulti { session: true, .. } => "uprobe.session",
        AttachTo::UprobeMulti { ret: true, .. } => "uretprobe.multi",
        AttachTo::UprobeMulti { .. } => "uprobe.multi",
        _ => "such",
    }
}

/// Iterators over what one map holds are attached to that map, and one over cgroups has no order of its own.
fn needs_more(target: &str) -> bool {
    const ITERATORS: [&str; 4] = ["bpf_map_elem", "bpf_sk_storage_map", "sockmap", "cgroup"];
    target.strip_prefix("bpf_iter_").is_some_and(|name| ITERATORS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::sec;

    fn plan(section: &str) -> Attach<'static> {
        attach(&sec::parse(section).unwrap()).to_static()
    }

    #[test]
    fn what_a_section_leaves_open_the_user_says() {
        for section in ["iter/bpf_map_elem", "iter/bpf_sk_storage_map", "iter/sockmap", "iter/cgroup", "xdp", "kprobe"]
        {
            assert_eq!(plan(section), Attach::Manual, "{section}");
        }
        assert_eq!(plan("iter/task"), Attach::Iter);
        assert_eq!(plan("usdt"), Attach::Usdt { probe: None });
        assert_eq!(plan("fexit.multi"), Attach::TracingMulti { module: None, pattern: None });
    }

    #[test]
    fn a_kind_that_is_not_attached_yet_is_named() {
        for section in [
            "kprobe.multi/vfs_*",
            "kretprobe.multi/vfs_*",
            "kprobe.session/vfs_*",
            "ksyscall/openat",
            "kretsyscall/openat",
            "uprobe//bin/sh:main",
            "uretprobe//bin/sh:main",
            "uprobe.multi//bin/sh:ma*",
            "uretprobe.multi//bin/sh:ma*",
            "uprobe.session//bin/sh:ma*",
        ] {
            let kind = section.split('/').next().unwrap();
            let why = format!("skelgen does not attach {kind} programs by their section yet");
            assert_eq!(plan(section), Attach::Unsupported { why: why.into() }, "{section}");
        }
    }

    #[test]
    fn what_it_says_is_handed_on() {
        let text = |text: &str| Some(text.to_owned().into());
        assert_eq!(plan("usdt.s/libc.so.6:libc:setjmp"), Attach::Usdt { probe: text("libc.so.6:libc:setjmp") });
        let multi = |module, pattern| Attach::TracingMulti { module, pattern };
        assert_eq!(plan("fentry.multi/vfs_*"), multi(None, text("vfs_*")));
        assert_eq!(plan("fsession.multi.s/ext4:ext4_?et"), multi(text("ext4"), text("ext4_?et")));
        assert!(matches!(plan("fentry.multi/a-b"), Attach::Unsupported { why } if why.contains("`a-b`")));
    }
}
