//! C names as Rust names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;

use crate::btf::{Btf, Composite, Member};

/// Keywords that `r#` makes a name of.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Keywords that nothing makes a name of.
const NEVER: &[&str] = &["Self", "_", "crate", "self", "super"];

/// Types, traits and variants of the prelude, which a type of the same name would hide from those who import it.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Self",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// The name of a field or method: the C name, with `r#` or a `_` behind it if Rust has taken it.
pub fn field_ident(c_name: &str) -> Ident {
    let name = sanitized(c_name);
    if KEYWORDS.contains(&name.as_str()) {
        Ident::new_raw(&name, Span::call_site())
    } else if NEVER.contains(&name.as_str()) {
        Ident::new(&format!("{name}_"), Span::call_site())
    } else {
        Ident::new(&name, Span::call_site())
    }
}

/// The name of a type: `task_event` becomes `TaskEvent`, `__u64` becomes `U64`.
pub fn type_name(c_name: &str) -> String {
    let mut name = String::new();
    for word in sanitized(c_name).split('_').filter(|word| !word.is_empty()) {
        if name.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_digit()) {
            name.push('_');
        }
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_ascii_uppercase());
        let shouted = !rest.is_empty() && !word.contains(|c: char| c.is_ascii_lowercase());
        name.push_str(&if shouted { rest.to_ascii_lowercase() } else { rest.to_owned() });
    }
    match name.chars().next() {
        None => "Anon".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// What a caller wants a type to be called, made a name that needs no `r#`.
pub(super) fn type_ident_text(name: &str) -> String {
    let name = sanitized(name);
    let taken = KEYWORDS.contains(&name.as_str()) || NEVER.contains(&name.as_str());
    if taken { format!("{name}_") } else { name }
}

/// The name as an identifier: with a `_` or a number for each character that identifiers do not have.
pub(super) fn sanitized(c_name: &str) -> String {
    let mut name = crate::text::ascii_word(c_name);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// Whether Rust's lint of names lets a C name with a prefix and a `_` before it pass.
pub(super) fn is_snake(c_name: &str) -> bool {
    !c_name.starts_with('_') && !c_name.contains("__") && !c_name.contains(|c: char| c.is_ascii_uppercase())
}

/// The names of types that are taken.
#[derive(Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    reserved: BTreeSet<String>,
    /// The number that the next namesake gets.
    next: BTreeMap<String, u32>,
}

impl Names {
    /// Takes the name until [`redeem`](Self::redeem) asks for it.
    pub(super) fn reserve(&mut self, name: &str) {
        self.reserved.insert(name.to_owned());
        self.taken.insert(name.to_owned());
    }

    /// The name as it is if it was reserved, else as [`claim`](Self::claim) gives it.
    pub(super) fn redeem(&mut self, name: &str) -> String {
        if self.reserved.remove(name) { name.to_owned() } else { self.claim(name) }
    }

    /// Takes the name, or the nearest to it that is free.
    pub(super) fn claim(&mut self, wanted: &str) -> String {
        let wanted = if PRELUDE.contains(&wanted) { format!("{wanted}_") } else { wanted.to_owned() };
        let mut name = wanted.clone();
        while !self.taken.insert(name.clone()) {
            let next = self.next.entry(wanted.clone()).or_insert(2);
            name = format!("{wanted}{next}");
            *next += 1;
        }
        name
    }
}

/// The most `_` that are appended to make a name unique; then come numbers.
const MAX_UNDERSCORES: usize = 4;

/// The names in one Rust scope: a struct's fields or methods, an enum's constants.
#[derive(Clone, Debug, Default)]
pub struct Members {
    taken: BTreeSet<String>,
    /// By name: the number for the next namesake.
    next: BTreeMap<String, u32>,
}

impl Members {
    /// Names for all members of one scope. Valid Rust names stay as they are, and the others follow: beside `a_b`, `a$b`
    /// becomes `a_b_`, in any order. Compilers put dots into names of statics: `look.lost` is a static of the function
    /// `look`, and `pair.0` a piece of `pair`.
    pub fn claim_all<'n>(&mut self, c_names: impl IntoIterator<Item = &'n str>) -> Vec<Ident> {
        let c_names: Vec<_> = c_names.into_iter().collect();
        let kept = |c_name: &str| field_ident(c_name).unraw() == c_name;
        let mut idents: Vec<_> = c_names.iter().map(|name| kept(name).then(|| self.claim(name))).collect();
        for (ident, c_name) in idents.iter_mut().zip(&c_names) {
            if ident.is_none() {
                *ident = Some(self.claim(c_name));
            }
        }
        idents.into_iter().flatten().collect()
    }

    /// Whether the Rust name of this C name is taken.
    pub fn has(&self, c_name: &str) -> bool {
        self.taken.contains(&field_ident(c_name).to_string())
    }

    /// The name, made unique with `_` at its end, or with a number after four of them.
    pub fn claim(&mut self, c_name: &str) -> Ident {
        let mut ident = field_ident(c_name);
        for _ in 0..MAX_UNDERSCORES {
            if !self.taken.contains(&ident.to_string()) {
                break;
            }
            ident = field_ident(&format!("{}_", sanitized(&ident.to_string().replace("r#", ""))));
        }
        let plain = ident.clone();
        while self.taken.contains(&ident.to_string()) {
            let next = self.next.entry(plain.to_string()).or_insert(2);
            ident = field_ident(&format!("{plain}{next}"));
            *next += 1;
        }
        self.taken.insert(ident.to_string());
        ident
    }

    /// The names of a struct's or union's members: `anon0`, `anon1`, ... of those without a name; none of bit-fields,
    /// which are no fields.
    pub fn claim_members(&mut self, btf: &Btf, ty: &Composite) -> Vec<Option<Ident>> {
        // The C names first: they are kept, and the made-up ones go around them.
        let is_named = |member: &&Member| !btf.name(member.name).is_empty() && btf.bitfield(member).is_none();
        let mut named =
            self.claim_all(ty.members.iter().filter(is_named).map(|member| btf.name(member.name))).into_iter();
        let mut idents: Vec<_> =
            ty.members.iter().map(|member| if is_named(&member) { named.next() } else { None }).collect();
        let mut anon = 0;
        for (member, ident) in ty.members.iter().zip(&mut idents) {
            if ident.is_none() && btf.bitfield(member).is_none() {
                *ident = Some(self.numbered("anon", anon));
                anon += 1;
            }
        }
        idents
    }

    /// `prefix` and `number`, with as many zeroes between as it takes to be the only one.
    pub(super) fn numbered(&mut self, prefix: &str, number: u32) -> Ident {
        let mut zeroes = String::new();
        while self.taken.contains(&format!("{prefix}{zeroes}{number}")) {
            zeroes.push('0');
        }
        self.claim(&format!("{prefix}{zeroes}{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_names() {
        let table = [
            ("pid", "pid"),
            ("type", "r#type"),
            ("gen", "r#gen"),
            ("self", "self_"),
            ("Self", "Self_"),
            ("crate", "crate_"),
            ("_", "__"),
            ("touch.count", "touch_count"),
            ("", "_"),
            ("9p", "_9p"),
            ("naïve \"}", "nauefve___"),
        ];
        for (c, rust) in table {
            let rust = if rust == "_" { "__" } else { rust };
            assert_eq!(field_ident(c).to_string(), rust, "{c}");
        }
    }

    #[test]
    fn types_are_camel() {
        let table = [
            ("task_event", "TaskEvent"),
            ("__u64", "U64"),
            ("Option", "Option"),
            ("FOO_BAR", "FooBar"),
            ("sched_ext_T", "SchedExtT"),
            ("v_1_2", "V1_2"),
            ("3d", "_3d"),
            ("___", "Anon"),
            ("a<b, c>", "ABC"),
            ("myType", "MyType"),
        ];
        for (c, rust) in table {
            assert_eq!(type_name(c), rust, "{c}");
        }
    }

    #[test]
    fn c_names_stay_and_compiler_names_give_way() {
        let claim = |names: &[&str]| {
            let idents = Members::default().claim_all(names.iter().copied());
            idents.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(claim(&["pair.0", "pair_0", "pair.1"]), ["pair_0_", "pair_0", "pair_1"]);
        assert_eq!(claim(&["a", "f.a", "a", "f_a", "f.a"]), ["a", "f_a_", "a_", "f_a", "f_a__"]);
    }

    #[test]
    fn names_are_given_once() {
        let mut names = Names::default();
        names.reserve("Percpu");
        let claimed = ["Event", "Event", "Event2", "Event", "Option", "Option", "Percpu"].map(|name| names.claim(name));
        assert_eq!(claimed, ["Event", "Event2", "Event22", "Event3", "Option_", "Option_2", "Percpu2"]);
        assert_eq!([names.redeem("Percpu"), names.redeem("Percpu")], ["Percpu", "Percpu3"]);
        let mut members = Members::default();
        let claimed = ["a", "a", "type", "type", "a_", "_pad4"].map(|name| members.claim(name).to_string());
        assert_eq!(claimed, ["a", "a_", "r#type", "type_", "a__", "_pad4"]);
        assert_eq!(members.numbered("_pad", 4), "_pad04");
        let claimed = Members::default().claim_all(["a$b", "self", "a_b", "type", "self_", "a-b"]);
        let claimed: Vec<_> = claimed.iter().map(ToString::to_string).collect();
        assert_eq!(claimed, ["a_b_", "self__", "a_b", "r#type", "self_", "a_b__"]);
    }
}
