//! What users can change of generated types: attributes and derives of their own, more types, and types as bytes.

use std::collections::BTreeSet;
use std::fmt;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Path, Token};

use super::Pattern;
use crate::emit::Spelling;
use crate::{Error, Result, Skeleton};

/// A derive, by its path.
#[derive(Clone, Debug)]
struct Derive {
    path: TokenStream,
    /// Its name, if it could be one of the standard library's.
    of_std: Option<String>,
    /// Whether it is serde's derive, which reads `#[serde(...)]` on fields.
    of_serde: bool,
}

impl Derive {
    fn new(path: &Path) -> Self {
        let mut segments = path.segments.iter().map(|segment| segment.ident.to_string());
        let of_std = path.segments.len() == 1 || segments.next().is_some_and(|first| first == "core" || first == "std");
        let name = path.segments.last().map(|last| last.ident.to_string());
        let is_of_serde = |name: &str| matches!(name, "Serialize" | "Deserialize");
        let of_serde = name.as_deref().is_some_and(is_of_serde)
            && path.segments.iter().any(|segment| ["serde", "serde_derive"].iter().any(|serde| segment.ident == serde));
        Derive { path: path.into_token_stream(), of_std: name.filter(|_| of_std), of_serde }
    }
}

/// What is added to generated types, which types are added, and which become bytes. Empty by default.
#[derive(Clone, Debug, Default)]
pub struct TypeOptions {
    spelling: Spelling,
    derives: Vec<(Pattern, Vec<Derive>)>,
    attributes: Vec<(Pattern, TokenStream)>,
    added: Vec<Pattern>,
    opaque: Vec<Pattern>,
}

/// An option that has no effect: it names a type that the object does not have, with a name or a pattern, or it is the license of
/// an object that has another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The option, as in `type_derive`.
    pub option: &'static str,
    /// The name, or the pattern.
    pub name: String,
    /// The names that the object has.
    pub known: Vec<String>,
    /// How errors write the option.
    pub spelling: Spelling,
}

impl Unmatched {
    /// The option `license`, if the object of `skeleton` has another license of its own.
    pub fn license(skeleton: &Skeleton, license: Option<&str>, spelling: Spelling) -> Option<Unmatched> {
        let (name, own) = (license?, &skeleton.object.license);
        let known = vec![own.clone()];
        (own != name).then(|| Unmatched { option: LICENSE, name: name.to_owned(), known, spelling })
    }
}

/// How many names an error lists.
const LISTED: usize = 12;

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmatched { option, name, known, spelling } = self;
        let written = spelling.option(option);
        if *option == LICENSE {
            let own = known.first().map_or("", String::as_str);
            return write!(
                f,
                "{written}: the object has a license of its own, {own:?}, which stays; this option is for objects without \
                 a section `license`"
            );
        }
        let whose = if *option == ADD_TYPE || *option == OPAQUE_TYPE { "the object has" } else { "the skeleton has" };
        let is_exact = Pattern::from(name.as_str()).is_exact();
        let what = if is_exact { "no type" } else { "no type that matches" };
        write!(f, "{written}: {whose} {what} `{name}`")?;
        match known.as_slice() {
            [] => f.write_str(", nor any other")?,
            known => {
                let listed: Vec<_> = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
                let more = if known.len() > LISTED { ", ..." } else { "" };
                write!(f, "; there are {}{more}", listed.join(", "))?;
            }
        }
        if *option == ADD_TYPE && is_exact {
            write!(
                f,
                ". The compiler keeps types of maps, variables and functions' arguments: `struct {name} \
                 *unused_{name} __attribute__((unused));` keeps this one"
            )?;
        }
        Ok(())
    }
}

impl From<Unmatched> for Error {
    fn from(unmatched: Unmatched) -> Self {
        Error::unresolved(unmatched.to_string())
    }
}

const TYPE_DERIVE: &str = "type_derive";
const TYPE_ATTRIBUTE: &str = "type_attribute";
const ADD_TYPE: &str = "add_type";
const OPAQUE_TYPE: &str = "opaque_type";
const LICENSE: &str = "license";

impl TypeOptions {
    /// Nothing yet; errors will write the options like this.
    pub fn spelled(spelling: Spelling) -> Self {
        TypeOptions { spelling, ..TypeOptions::default() }
    }

    /// Derives for types, by their paths as seen from anywhere. Those that the types have anyway may be among them.
    pub fn type_derive(&mut self, types: impl Into<Pattern>, derives: impl IntoIterator<Item = Path>) {
        self.derives.push((types.into(), derives.into_iter().map(|path| Derive::new(&path)).collect()));
    }

    /// The same from text: `"zerocopy::FromBytes, Hash"`.
    ///
    /// # Errors
    ///
    /// That are no paths.
    pub fn parse_type_derive(&mut self, types: impl Into<Pattern>, derives: &str) -> Result<()> {
        let types = types.into();
        let paths = Punctuated::<Path, Token![,]>::parse_terminated.parse_str(derives).map_err(|error| {
            self.not_parsed(TYPE_DERIVE, &types, derives, &error, "derives are written `Eq, serde::Serialize`")
        })?;
        self.type_derive(types, paths);
        Ok(())
    }

    /// Attributes for types. They stand behind the derives, and so can be those that a derive knows.
    pub fn type_attribute(&mut self, types: impl Into<Pattern>, attributes: impl IntoIterator<Item = Attribute>) {
        self.attributes.push((types.into(), attributes.into_iter().map(ToTokens::into_token_stream).collect()));
    }

    /// The same from text: `"#[serde(deny_unknown_fields)]"`.
    ///
    /// # Errors
    ///
    /// That are no attributes.
    pub fn parse_type_attribute(&mut self, types: impl Into<Pattern>, attributes: &str) -> Result<()> {
        let types = types.into();
        let parsed = Attribute::parse_outer.parse_str(attributes).map_err(|error| {
            self.not_parsed(TYPE_ATTRIBUTE, &types, attributes, &error, "attributes are written `#[non_exhaustive]`")
        })?;
        self.type_attribute(types, parsed);
        Ok(())
    }

    /// Types of the object that are to be defined though no section and no map has them, say of a ring buffer's records.
    pub fn add_type(&mut self, types: impl Into<Pattern>) {
        self.added.push(types.into());
    }

    /// Types that are not to be defined: structs and unions are bytes where they are used, and enums integers.
    pub fn opaque_type(&mut self, types: impl Into<Pattern>) {
        self.opaque.push(types.into());
    }

    /// Whether the type of this name is to be defined in any case.
    pub(super) fn adds(&self, name: &str) -> bool {
        self.added.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether the type of this name is not to be defined.
    pub(super) fn is_opaque(&self, name: &str) -> bool {
        self.opaque.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether the type of this name derives one of serde's traits.
    pub(super) fn is_for_serde(&self, name: &str) -> bool {
        let derives = self.derives.iter().filter(|(pattern, _)| pattern.matches(name));
        derives.flat_map(|(_, derives)| derives).any(|derive| derive.of_serde)
    }

    /// The attributes of a type that derives `own`.
    pub(super) fn attributes_of(&self, name: &str, own: &[&str]) -> TokenStream {
        let of_name = |pattern: &Pattern| pattern.matches(name);
        let mut seen = BTreeSet::new();
        let derives = self.derives.iter().filter(|(pattern, _)| of_name(pattern)).flat_map(|(_, derives)| derives);
        let derives = derives
            .filter(|derive| derive.of_std.as_deref().is_none_or(|name| !own.contains(&name)))
            .filter(|derive| seen.insert(derive.path.to_string()))
            .map(|derive| &derive.path);
        let derives: Vec<_> = derives.collect();
        let derives = if derives.is_empty() { TokenStream::new() } else { quote!(#[derive(#(#derives),*)]) };
        let attributes = self.attributes.iter().filter(|(pattern, _)| of_name(pattern));
        let attributes = attributes.map(|(_, attributes)| attributes);
        quote!(#derives #(#attributes)*)
    }

    /// The options that name a type which is neither among those that were defined nor, where that is what they are
    /// about, among those that the object has.
    pub(super) fn unmatched(&self, defined: &BTreeSet<String>, in_object: &BTreeSet<String>) -> Vec<Unmatched> {
        let derives = self.derives.iter().map(|(pattern, _)| (TYPE_DERIVE, pattern, defined));
        let attributes = self.attributes.iter().map(|(pattern, _)| (TYPE_ATTRIBUTE, pattern, defined));
        let added = self.added.iter().map(|pattern| (ADD_TYPE, pattern, in_object));
        let opaque = self.opaque.iter().map(|pattern| (OPAQUE_TYPE, pattern, in_object));
        derives
            .chain(attributes)
            .chain(added)
            .chain(opaque)
            // All types are all types, even if there is none.
            .filter(|(_, pattern, _)| pattern.text() != "*")
            .filter(|(_, pattern, names)| !names.iter().any(|name| pattern.matches(name)))
            .map(|(option, pattern, names)| Unmatched {
                option,
                name: pattern.text().to_owned(),
                known: names.iter().cloned().collect(),
                spelling: self.spelling,
            })
            .collect()
    }

    fn not_parsed(&self, option: &str, types: &Pattern, text: &str, error: &syn::Error, example: &str) -> Error {
        let written = self.spelling.with_types(option, types.text(), text);
        Error::malformed(format!("{written}: {error}; {example}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TypeEmitter, pretty};
    use super::*;
    use crate::btf::build::Builder;
    use crate::btf::{Btf, Int, TypeId};

    fn attributes_of(options: &TypeOptions, name: &str) -> String {
        options.attributes_of(name, &["Clone", "Debug"]).to_string()
    }

    #[test]
    fn each_derive_is_there_once_and_before_the_attributes() {
        let mut options = TypeOptions::default();
        options.parse_type_attribute("pair", "#[serde(default)] #[non_exhaustive]").unwrap();
        options.parse_type_derive("*", "Debug, ::core::clone::Clone, serde::Serialize,").unwrap();
        options.parse_type_derive("pair", "serde::Serialize, other::Debug").unwrap();
        options.parse_type_derive("", "").unwrap();
        assert_eq!(attributes_of(&options, "single"), "# [derive (serde :: Serialize)]");
        let expected = "# [derive (serde :: Serialize , other :: Debug)] # [serde (default)] # [non_exhaustive]";
        assert_eq!(attributes_of(&options, "pair"), expected);
        assert_eq!(attributes_of(&TypeOptions::default(), "pair"), "");
    }

    #[test]
    fn serde_is_known_by_its_path() {
        let is_for_serde = |derives: &str| {
            let mut options = TypeOptions::default();
            options.parse_type_derive("pair", derives).unwrap();
            options.is_for_serde("pair") && !options.is_for_serde("single")
        };
        for derives in
            ["Eq, serde::Serialize", "::serde::Deserialize", "serde_derive::Serialize", "crate::serde::Serialize"]
        {
            assert!(is_for_serde(derives), "{derives}");
        }
        for derives in ["Eq", "rkyv::Serialize", "serde::Other", ""] {
            assert!(!is_for_serde(derives), "{derives}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let mut options = TypeOptions::default();
        let derive = options.parse_type_derive("pair", "zero copy").unwrap_err();
        assert_eq!(
            derive.to_string(),
            r#"type_derive("pair", "zero copy"): expected `,`; derives are written `Eq, serde::Serialize`"#
        );
        let attribute = options.parse_type_attribute("*", "serde(default)").unwrap_err();
        assert_eq!(
            attribute.to_string(),
            r#"type_attribute("*", "serde(default)"): unexpected token; attributes are written `#[non_exhaustive]`"#
        );
    }

    #[test]
    fn names_of_nothing_are_found() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let mut options = TypeOptions::default();
        options.parse_type_derive("pair", "Eq").unwrap();
        options.parse_type_attribute("pare", "#[x]").unwrap();
        options.add_type("event");
        options.opaque_type("none_*");
        options.opaque_type("pai?");
        options.opaque_type("*");
        options.opaque_type("none");
        let unmatched = options.unmatched(&names(&["pair", ".bss"]), &names(&["pair"]));
        let told: Vec<_> = unmatched.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "type_attribute: the skeleton has no type `pare`; there are `.bss`, `pair`",
                "add_type: the object has no type `event`; there are `pair`. The compiler keeps types of maps, variables \
                 and functions' arguments: `struct event *unused_event __attribute__((unused));` keeps this one",
                "opaque_type: the object has no type that matches `none_*`; there are `pair`",
                "opaque_type: the object has no type `none`; there are `pair`",
            ]
        );
    }

    /// `struct pair { enum kind kind; struct { int x; } inner; unsigned int small : 3; }`, and an enum that nothing uses.
    fn btf() -> (Btf, TypeId) {
        let mut b = Builder::default();
        let int = b.int("int", 4, Int::SIGNED);
        let kind = b.enumeration("kind", 4, false, &[("ONE", 1)]);
        let inner = b.structure("", 4, &[("x", int, 0, 0)]);
        let members = [("kind", kind, 0, 0), ("inner", inner, 32, 0), ("small", kind, 64, 3)];
        let pair = b.structure("pair", 12, &members);
        let unnamed = b.structure("", 4, &[("y", int, 0, 0)]);
        b.typedef("event_t", unnamed);
        (b.0, pair)
    }

    /// What is written for `pair` with these options, and the options that name nothing.
    fn written(change: impl FnOnce(&mut TypeOptions)) -> (String, usize) {
        let (btf, pair) = btf();
        let (mut types, mut options) = (TypeEmitter::new(&btf, quote!(rt)), TypeOptions::default());
        change(&mut options);
        types.set_options(options);
        types.use_of(pair, "").unwrap();
        types.add_types().unwrap();
        let unmatched = types.unmatched().len();
        (pretty(types.finish()).unwrap(), unmatched)
    }

    #[test]
    fn each_type_goes_by_one_name() {
        let (text, unmatched) = written(|options| {
            for (name, derive) in [("pair", "A"), ("kind", "B, Eq"), ("PairInner", "C"), ("event_t", "D")] {
                options.parse_type_derive(name, derive).unwrap();
            }
            options.add_type("event_t");
        });
        assert_eq!(unmatched, 0);
        for lines in [
            "/// `struct pair`\n    #[derive(A)]\n    pub struct Pair {",
            "/// `enum kind`\n    #[derive(B)]\n    pub enum Kind {",
            "#[derive(C)]\n    pub struct PairInner {",
            "/// `typedef struct {...} event_t`\n    #[derive(D)]\n    pub struct EventT {",
        ] {
            assert!(text.contains(lines), "{lines}\n{text}");
        }
        assert_eq!(written(|options| options.parse_type_derive("event_t", "D").unwrap()).1, 1);
    }

    #[test]
    fn what_is_opaque_is_bytes_and_integers() {
        let (text, unmatched) = written(|options| options.opaque_type("kind"));
        assert_eq!(unmatched, 0);
        for line in ["pub kind: u32,", "pub fn small(&self) -> u32 {", "pub inner: PairInner,"] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("Kind"), "{text}");
        let (text, _) = written(|options| {
            options.opaque_type("*");
            options.add_type("event_t");
        });
        assert!(text.is_empty(), "{text}");
    }
}
