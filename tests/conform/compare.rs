//! Both outcomes of an object, side by side.

use crate::outcome::{Outcome, Refusal, Stage};

/// What the two came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Both load, to the same.
    Same,
    /// Both load, but not to the same.
    Differs,
    /// Both fail, at the same map or program, for the same reason.
    SameRefusal,
    /// Both fail, but not so.
    OtherRefusal,
    OnlyLibbpf,
    OnlySkelgen,
    /// One of them crashed or did not end.
    Died,
    /// Neither was tried.
    NotLoaded,
}

impl Class {
    pub(crate) const ALL: [Class; 8] = [
        Class::Same,
        Class::Differs,
        Class::SameRefusal,
        Class::OtherRefusal,
        Class::OnlyLibbpf,
        Class::OnlySkelgen,
        Class::Died,
        Class::NotLoaded,
    ];

    /// As the list of explained differences has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Class::Same => "same",
            Class::Differs => "differs",
            Class::SameRefusal => "same-refusal",
            Class::OtherRefusal => "other-refusal",
            Class::OnlyLibbpf => "only-libbpf",
            Class::OnlySkelgen => "only-skelgen",
            Class::Died => "died",
            Class::NotLoaded => "not-loaded",
        }
    }
}

/// The class, and a line for each thing that is not the same.
pub(crate) fn compare(libbpf: &Outcome, skelgen: &Outcome) -> (Class, Vec<String>) {
    match (libbpf, skelgen) {
        (Outcome::Died(how), _) => (Class::Died, vec![format!("libbpf: {how}")]),
        (_, Outcome::Died(how)) => (Class::Died, vec![format!("skelgen: {how}")]),
        (Outcome::Loaded(a), Outcome::Loaded(b)) => {
            let differences = a.differences(b);
            (if differences.is_empty() { Class::Same } else { Class::Differs }, differences)
        }
        (Outcome::Loaded(_), Outcome::Refused(refusal)) => {
            (Class::OnlyLibbpf, vec![format!("skelgen: {}", refusal.describe())])
        }
        (Outcome::Refused(refusal), Outcome::Loaded(_)) => {
            (Class::OnlySkelgen, vec![format!("libbpf: {}", refusal.describe())])
        }
        (Outcome::Refused(a), Outcome::Refused(b)) if same_refusal(a, b) => (Class::SameRefusal, vec![a.describe()]),
        (Outcome::Refused(a), Outcome::Refused(b)) => {
            (Class::OtherRefusal, vec![format!("libbpf: {}", a.describe()), format!("skelgen: {}", b.describe())])
        }
    }
}

/// Whether both refuse to read the object; or the same map or program is refused, by the verifier for the same reason.
fn same_refusal(a: &Refusal, b: &Refusal) -> bool {
    if (a.stage, b.stage) == (Stage::Open, Stage::Open) {
        return true;
    }
    let same_reason = match (a.verified, b.verified) {
        (true, true) => a.words == b.words || is_poison(&a.words, &b.words),
        (false, false) => true,
        _ => false,
    };
    !a.subject.is_empty() && a.subject == b.subject && a.stage == b.stage && same_reason
}

/// Whether the verifier has come to what takes the place of something that the kernel lacks: libbpf then says in its log
/// what that is.
fn is_poison(libbpf: &str, skelgen: &str) -> bool {
    let poison = skelgen.strip_prefix("invalid func unknown#").unwrap_or_default();
    if libbpf.starts_with("failed to resolve CO-RE relocation") {
        return poison == "195896080";
    }
    // Each kfunc has a number of its own.
    libbpf.ends_with("is referenced but wasn't resolved") && poison.starts_with("20020000")
}
