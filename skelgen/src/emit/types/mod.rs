//! C types as Rust: from BTF to definitions that any bytes are values of.
//!
//! In: types of [`Btf`], and the variables of data sections. Out: tokens that use the types, and their definitions.
//! Definitions are macro calls of the runtime (`plain!`, `plain_enum!`), which prove while they compile that there is
//! no padding and no invalid value; offsets and sizes are asserted beside them. The tokens hold no `unsafe`.
//!
//! | C | Rust |
//! |---|---|
//! | integers, `float`, `double` | `u8` to `u128`, `i8` to `i128`, `f32`, `f64`; other sizes as bytes |
//! | `char` | `u8` |
//! | `bool` | `Bool`, of which every byte is a value |
//! | pointers | `u64`; the C type is in the doc |
//! | arrays | arrays; a flexible array has length 0 in a type, and in a variable as many elements as fit |
//! | `struct task_event` | `struct TaskEvent`, fields named and placed as in C, holes as fields `_padOFFSET` |
//! | `union` | bytes with `as_member()` and `set_member()` |
//! | `enum` | a number with constants named as in C |
//! | bit-fields | bytes `_bitsOFFSET` with `member()` and `set_member()` |
//! | members at odd addresses | `Unaligned<T>` |
//! | anonymous members | fields `anon0`, `anon1`, ... |
//! | types nested more than 64 deep | bytes |
//!
//! Nameless types are named after the typedef that names them, else after where they are used: `EventInner` is the type
//! of `inner` in `Event`. Names that Rust or an earlier type has taken get a `_` or a number.

mod bitfields;
mod datasec;
mod enums;
mod flexible;
mod names;
mod options;
mod pattern;
mod pretty;
mod record;
mod structs;
mod unions;
mod value;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::btf::{Btf, Type, TypeId};
use crate::{Error, Result};
pub use datasec::SectionVar;
pub use names::{Members, field_ident, type_name};
use names::{Names, type_ident_text};
pub use options::{TypeOptions, Unmatched};
pub use pattern::Pattern;
pub use pretty::pretty;
use value::Value;

/// Collects types as they are used, and defines each once.
pub struct TypeEmitter<'a> {
    btf: &'a Btf,
    /// The path of the runtime crate.
    rt: TokenStream,
    options: TypeOptions,
    names: Names,
    /// The typedef that names a nameless type: the first that there is.
    typedefs: BTreeMap<TypeId, &'a str>,
    /// What the types that have a definition are called for options.
    defined: BTreeSet<String>,
    /// Types that have a definition; `None` while it is being made.
    known: BTreeMap<TypeId, Option<Value>>,
    /// Definitions in the order of first use; what a type is made of comes behind it.
    defs: Vec<TokenStream>,
    /// Indexes of definitions in the order of completion: the types of a type's members come before it.
    done: Vec<usize>,
}

/// Where a type is used, to name it and to tell of it if it has no name of its own.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The Rust name of what contains it.
    parent: &'a str,
    /// The C name of what contains it.
    c_parent: &'a str,
    /// The member or variable.
    member: &'a str,
    /// How many types contain it.
    depth: usize,
}

/// How deep types with definitions can nest; deeper types are bytes. rustc handles types by recursion, with a limit of 128.
const MAX_DEPTH: usize = 64;

/// From this depth on the innermost types are written first. rustc computes layouts in the order of the source, with a few
/// steps of recursion for each nested layout that it does not know yet, and a limit of 128 steps.
const DEEP: usize = 32;

impl<'a> TypeEmitter<'a> {
    /// `runtime` is the path of the runtime crate, as in `::skelgen_runtime`.
    pub fn new(btf: &'a Btf, runtime: TokenStream) -> Self {
        let mut typedefs = BTreeMap::new();
        for (_, ty) in btf.types() {
            if let Type::Typedef(def) = ty {
                typedefs.entry(def.ty).or_insert(btf.name(def.name));
            }
        }
        TypeEmitter {
            btf,
            rt: runtime,
            options: TypeOptions::default(),
            names: Names::default(),
            typedefs,
            defined: BTreeSet::new(),
            known: BTreeMap::new(),
            defs: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Heeds `options` for all types that are defined from here on.
    pub fn set_options(&mut self, options: TypeOptions) {
        self.options = options;
    }

    /// Keeps a Rust name from being given to a C type; [`datasec`](Self::datasec) may use it.
    pub fn reserve(&mut self, rust_name: &str) {
        self.names.reserve(&type_ident_text(rust_name));
    }

    /// The type to write where a value of this C type is meant, say a map's key.
    ///
    /// `hint` names the type if C does not.
    pub fn use_of(&mut self, id: TypeId, hint: &str) -> Result<TokenStream> {
        Ok(self.value(id, Place { parent: "", c_parent: "", member: hint, depth: 0 })?.tokens)
    }

    /// Defines the types that the options add.
    pub fn add_types(&mut self) -> Result<()> {
        let btf = self.btf;
        for (id, ty) in btf.types() {
            if is_definable(ty) && self.option_name(id).is_some_and(|name| self.options.adds(name)) {
                self.use_of(id, "")?;
            }
        }
        Ok(())
    }

    /// The options that name no type: they are mistakes, if no other object has one.
    pub fn unmatched(&self) -> Vec<Unmatched> {
        let names = self.btf.types().filter(|(_, ty)| is_definable(ty)).filter_map(|(id, _)| self.option_name(id));
        self.options.unmatched(&self.defined, &names.map(ToOwned::to_owned).collect())
    }

    /// What a type of the object is called in options; `None` if it has no name in C.
    fn option_name(&self, id: TypeId) -> Option<&'a str> {
        let own = self.btf.name_of(id);
        if own.is_empty() { self.typedefs.get(&id).copied().filter(|name| !name.is_empty()) } else { Some(own) }
    }

    /// The definitions of all types that were used.
    pub fn finish(mut self) -> TokenStream {
        let is_deep = self.known.values().flatten().any(|value| value.height > DEEP);
        if is_deep {
            self.done.iter().map(|&slot| std::mem::take(&mut self.defs[slot])).collect()
        } else {
            self.defs.into_iter().collect()
        }
    }

    /// The value of a type that has a definition, which is made by the first call.
    fn defined(
        &mut self,
        id: TypeId,
        place: Place<'_>,
        define: impl FnOnce(&mut Self, &Definition) -> Result<(TokenStream, Value)>,
    ) -> Result<Value> {
        let c_type = self.btf.c_type(id);
        match self.known.get(&id) {
            Some(Some(value)) => return Ok(value.clone()),
            Some(None) => return Err(Error::malformed(format!("`{c_type}` contains itself"))),
            None => {}
        }
        let own = self.btf.name_of(id);
        let typedef = self.typedefs.get(&id).copied().unwrap_or("");
        let (wanted, c_name) = match (own, typedef) {
            ("", "") => {
                // A nameless parent has its Rust name here: its C name would name all of its parents.
                let parent = match (place.c_parent, place.parent) {
                    ("", _) => String::new(),
                    (c_parent, parent) if c_parent.contains("{...}") => format!(" of `{parent}`"),
                    (c_parent, _) => format!(" of {c_parent}"),
                };
                let wanted = format!("{}{}", place.parent, type_name(place.member));
                (wanted, format!("{} of {}{parent}", quoted(&c_type), quoted(place.member)))
            }
            ("", typedef) => (type_name(typedef), quoted(&format!("typedef {c_type} {typedef}"))),
            (own, _) => (type_name(own), quoted(&c_type)),
        };
        let name = self.names.claim(&wanted);
        let option_name = self.option_name(id).unwrap_or(&name).to_owned();
        let definition = Definition { ident: format_ident!("{name}"), c_name, option_name, name, depth: place.depth };
        self.defined.insert(definition.option_name.clone());
        self.known.insert(id, None);
        let slot = self.defs.len();
        self.defs.push(TokenStream::new());
        // What fails leaves no trace but its name: another use of it fails for the same reason.
        let (tokens, value) = define(self, &definition).inspect_err(|_| drop(self.known.remove(&id)))?;
        self.defs[slot] = tokens;
        self.done.push(slot);
        self.known.insert(id, Some(value.clone()));
        Ok(value)
    }
}

/// The names of a type that is being defined.
struct Definition {
    name: String,
    ident: Ident,
    /// For docs and errors, in backquotes.
    c_name: String,
    /// For options: see [`Pattern`].
    option_name: String,
    /// How many types contain it.
    depth: usize,
}

impl Definition {
    fn place<'b>(&'b self, member: &'b str) -> Place<'b> {
        Place { parent: &self.name, c_parent: &self.c_name, member, depth: self.depth + 1 }
    }

    /// Says which member an error is about.
    fn member_error(&self, member: &str, error: Error) -> Error {
        Error::new(error.kind(), format!("{}: {}: {error}", self.c_name, quoted(member)))
    }
}

/// Whether types like this have definitions in Rust.
fn is_definable(ty: &Type) -> bool {
    matches!(ty, Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_))
}

/// C text in backquotes, for one line of documentation: names in BTF and ELF can be any text.
pub(super) fn quoted(c: &str) -> String {
    format!("`{}`", shown(c).replace('`', "?"))
}

/// Text for one line of a comment. Newlines and characters that change the direction of text become `?`: rustc refuses
/// them in comments.
pub(super) fn shown(text: &str) -> String {
    let shown = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    text.chars().map(|c| if shown(c) { c } else { '?' }).collect()
}

/// A doc comment of one line.
pub(super) fn doc(text: &str) -> TokenStream {
    let text = format!(" {text}");
    quote!(#[doc = #text])
}
