//! What a CO-RE relocation asks for that the kernel does not have.
//!
//! The kernel puts a call of no function in the place of such an instruction (`bpf_core_poison_insn` in
//! `tools/lib/bpf/relo_core.c`, which it is built with), so that the verifier refuses a program that may come there. What
//! it is about stands further up in the verifier's log.

/// The function that does not exist.
const POISON: &str = "unknown#195896080";

/// What cannot be: the reason, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unmet {
    pub(super) reason: String,
    pub(super) hint: &'static str,
}

/// What the instruction asks for at which the verifier stopped; `None` if it stopped for something else.
pub(super) fn unmet(log: &str) -> Option<Unmet> {
    let (before, _) = log.rsplit_once(&format!("(85) call {POISON}"))?;
    let insn = before.rsplit('\n').next()?.trim().strip_suffix(':')?;
    // "prog '': relo #3: substituting insn #12 w/ invalid insn"
    let poisoned = format!(": substituting insn #{insn} w/ ");
    let relo = log.lines().find_map(|line| line.split_once(&poisoned)).map(|(relo, _)| format!("{relo}: "))?;
    let mut lines = log.lines().filter_map(|line| line.strip_prefix(&relo));
    // "<byte_off> [5] STRUCT task_struct.pid (0:2 @ offset 8)"
    let spec = lines.clone().find(|line| line.starts_with('<'))?;
    let what = c_name(spec)?;
    if lines.any(|line| line.starts_with("no matching targets found")) {
        let hint = match spec {
            _ if spec.starts_with("<enumval") => "the program must not use it unless bpf_core_enum_value_exists()",
            _ if spec.starts_with("<type") => "the program must not use it unless bpf_core_type_exists()",
            _ => "the program must not read it unless bpf_core_field_exists()",
        };
        return Some(Unmet { reason: format!("this kernel has no `{what}`"), hint });
    }
    Some(Unmet {
        reason: format!("this kernel has `{what}` with another size or type"),
        hint: "loads of pointers and unsigned integers are adjusted, others have to be as the kernel has them",
    })
}

/// `<enumval_value> [8] ENUM some::VALUE = 9` is `enum some::VALUE`.
fn c_name(spec: &str) -> Option<String> {
    let (_, spec) = spec.split_once("] ")?;
    let (kind, rest) = spec.split_once(' ')?;
    let name = rest.split([' ', '\n']).next()?;
    Some(match kind {
        "TYPEDEF" => name.to_owned(),
        kind => format!("{} {name}", kind.to_ascii_lowercase()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.18 writes it, and without what other instructions are about.
    const LOG: &str = "\
CO-RE relocating STRUCT task_struct: found target candidate [114]
prog '': relo #0: <byte_off> [5] STRUCT task_struct.tgid (0:1 @ offset 4)
prog '': relo #0: matching candidate #0 <byte_off> [114] STRUCT task_struct.tgid (0:69 @ offset 2468)
prog '': relo #0: patched insn #2 (LDX/ST/STX) off 4 -> 2468
prog '': relo #1: <byte_off> [5] STRUCT task_struct.skelgen_no_such_member (0:2 @ offset 8)
prog '': relo #1: non-matching candidate #0 <byte_off> [114] STRUCT task_struct (0 @ offset 0)
prog '': relo #1: no matching targets found
prog '': relo #1: substituting insn #12 w/ invalid insn
prog '': relo #2: <enumval_value> [8] ENUM bpf_link_type::BPF_LINK_TYPE_SKELGEN = 1000
prog '': relo #2: no matching targets found
prog '': relo #2: substituting insn #1 w/ invalid insn
prog '': relo #3: <byte_off> [9] STRUCT task_struct___wide.tgid (0:0 @ offset 0)
prog '': relo #3: insn #4 (LDX/ST/STX) accesses field incorrectly. Make sure you are accessing pointers
prog '': relo #3: substituting insn #4 w/ invalid insn
prog '': relo #4: <type_id> [10] TYPEDEF none_t
prog '': relo #4: no matching targets found
prog '': relo #4: substituting insn #7 w/ invalid insn
0: R1=ctx() R10=fp0
";

    fn stopped_at(insn: u32) -> Option<(String, &'static str)> {
        let Unmet { reason, hint } =
            unmet(&format!("{LOG}{insn}: (85) call unknown#195896080\ninvalid func unknown#195896080\n"))?;
        Some((reason, hint))
    }

    #[test]
    fn what_is_missing_has_its_name_in_c() {
        let reason = |insn| stopped_at(insn).map(|(reason, _)| reason);
        assert_eq!(reason(12).as_deref(), Some("this kernel has no `struct task_struct.skelgen_no_such_member`"));
        assert_eq!(reason(1).as_deref(), Some("this kernel has no `enum bpf_link_type::BPF_LINK_TYPE_SKELGEN`"));
        assert_eq!(reason(7).as_deref(), Some("this kernel has no `none_t`"));
        assert!(stopped_at(12).unwrap().1.ends_with("bpf_core_field_exists()"));
        assert!(stopped_at(1).unwrap().1.ends_with("bpf_core_enum_value_exists()"));
        assert!(stopped_at(7).unwrap().1.ends_with("bpf_core_type_exists()"));
    }

    #[test]
    fn what_has_another_size_is_not_missing() {
        let (reason, hint) = stopped_at(4).unwrap();
        assert_eq!(reason, "this kernel has `struct task_struct___wide.tgid` with another size or type");
        assert!(hint.starts_with("loads of pointers"));
    }

    #[test]
    fn other_reasons_are_not_taken_for_this_one() {
        // An instruction that no relocation is of, another function, another reason.
        assert_eq!(stopped_at(2), None);
        assert_eq!(unmet(&format!("{LOG}12: (85) call unknown#2002000001\n")), None);
        assert_eq!(unmet(&format!("{LOG}12: (61) r1 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n")), None);
        assert_eq!(unmet("(85) call unknown#195896080"), None);
        assert_eq!(unmet(""), None);
    }
}
