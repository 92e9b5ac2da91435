//! One ksym: what an object declares of a variable or function of the kernel.

/// A variable or function of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ksym {
    /// The C name.
    pub name: String,
    /// What it is.
    pub kind: KsymKind,
    /// Whether a kernel may be without it: its address is 0 then.
    pub weak: bool,
    /// The [shape](crate::btf::Btf::shape) of a kfunc's prototype or of a variable's type; `None` without a type. The runtime compares
    /// it with the kernel's. If they differ, a weak kfunc counts as missing, and any other symbol is refused.
    pub shape: Option<String>,
}

/// What a ksym is, and where the kernel finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KsymKind {
    /// A kfunc, found in the BTF of the kernel and its modules.
    Func,
    /// A variable, found there.
    Var,
    /// A symbol without a type (`extern const void`), found in kallsyms. All that is known of it is its address.
    Address,
}

impl Ksym {
    /// Its name in the kernel: of a kfunc, up to the last `___`, behind which one source tells several prototypes
    /// of it apart.
    pub fn kernel_name(&self) -> &str {
        match self.kind {
            KsymKind::Func => essential_name(&self.name),
            KsymKind::Var | KsymKind::Address => &self.name,
        }
    }
}

/// `name` without its flavour: `bpf_task_acquire` of `bpf_task_acquire___v2`.
fn essential_name(name: &str) -> &str {
    let flavour = |at: &usize| matches!(name.as_bytes()[*at..], [before, b'_', b'_', b'_', after, ..] if before != b'_' && after != b'_');
    (0..name.len()).rev().find(flavour).map_or(name, |at| &name[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flavour_is_not_part_of_the_kernels_name() {
        let names = [
            ("bpf_task_acquire", "bpf_task_acquire"),
            ("bpf_task_acquire___one", "bpf_task_acquire"),
            ("bpf_task_acquire___one___two", "bpf_task_acquire___one"),
            ("a___b", "a"),
            ("a____b", "a____b"),
            ("a__b", "a__b"),
            ("___b", "___b"),
            ("a___", "a___"),
            ("ä___ö", "ä"),
            ("", ""),
        ];
        for (name, essential) in names {
            assert_eq!(essential_name(name), essential, "{name}");
        }
        let ksym = |kind| Ksym { name: "it___one".to_owned(), kind, weak: false, shape: None };
        assert_eq!(ksym(KsymKind::Func).kernel_name(), "it");
        assert_eq!(ksym(KsymKind::Var).kernel_name(), "it___one");
        assert_eq!(ksym(KsymKind::Address).kernel_name(), "it___one");
    }
}
