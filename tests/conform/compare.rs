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

/// Whether both refuse to read the object; or the same map or program is refused, with the same error, and by the
/// verifier for the same reason.
fn same_refusal(a: &Refusal, b: &Refusal) -> bool {
    if (a.stage, b.stage) == (Stage::Open, Stage::Open) {
        return true;
    }
    let same_reason = match (a.verified, b.verified) {
        (true, true) => a.words == b.words || same_poison(&a.words, &b.words),
        (false, false) => true,
        _ => false,
    };
    let same_error = a.errno == b.errno || [a.errno, b.errno].contains(&0);
    !a.subject.is_empty() && a.subject == b.subject && a.stage == b.stage && same_error && same_reason
}

/// What takes the place of an instruction that refers to something which is not there: the call of a helper which no
/// kernel has, so that the verifier refuses it if it comes to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Poison {
    /// A CO-RE relocation for a type or member that the kernel lacks.
    CoRe,
    /// A map that is not created.
    Map,
    /// A kfunc that the kernel lacks.
    Kfunc,
}

impl Poison {
    /// That of a log with these last words: libbpf has its own in their place, if it finds out what is lacking.
    fn of(words: &str) -> Option<Poison> {
        if let Some(helper) = words.strip_prefix("invalid func unknown#") {
            return match helper.parse().ok()? {
                195_896_080 => Some(Poison::CoRe),
                2_001_000_000..2_002_000_000 => Some(Poison::Map),
                2_002_000_000..2_003_000_000 => Some(Poison::Kfunc),
                _ => None,
            };
        }
        let named = |start: &str, end: &str| words.starts_with(start) && words.ends_with(end);
        match words {
            _ if named("failed to resolve CO-RE relocation ", "") => Some(Poison::CoRe),
            _ if named("BPF map '", "' is referenced but wasn't created") => Some(Poison::Map),
            _ if named("kfunc '", "' is referenced but wasn't resolved") => Some(Poison::Kfunc),
            _ => None,
        }
    }
}

/// Whether the verifier has come, in both, to what takes the place of the same kind of thing.
fn same_poison(a: &str, b: &str) -> bool {
    Poison::of(a).is_some_and(|poison| Some(poison) == Poison::of(b))
}
