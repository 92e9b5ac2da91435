//! What `#[skeleton(...)]` says of generated types, and where.

use proc_macro2::Span;
use skelgen::emit::{TypeOptions, Unmatched};
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitStr, Path, Result, Token, parenthesized};

/// The options, and the names of types in them.
#[derive(Default)]
pub(crate) struct Types {
    pub(crate) options: TypeOptions,
    /// By option.
    names: Vec<(&'static str, LitStr)>,
}

impl Types {
    /// Reads one option: `type_derive("pair", Eq, Hash)`, `type_attribute("pair", #[must_use])`, `add_type = "event"`,
    /// `opaque_type = "huge"`.
    pub(super) fn parse(&mut self, option: &'static str, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = match option {
            "type_derive" => {
                let (name, derives) = named(meta, "type_derive(\"pair\", Eq, Hash)", |rest| {
                    Punctuated::<Path, Token![,]>::parse_terminated(rest)
                        .map(|paths| paths.into_iter().collect::<Vec<_>>())
                })?;
                self.options.type_derive(name.value(), derives);
                name
            }
            "type_attribute" => {
                let (name, attributes) = named(meta, "type_attribute(\"pair\", #[must_use])", Attribute::parse_outer)?;
                self.options.type_attribute(name.value(), attributes);
                name
            }
            _ => {
                let name = super::text(meta, "event")?;
                match option {
                    "add_type" => self.options.add_type(name.value()),
                    _ => self.options.opaque_type(name.value()),
                }
                name
            }
        };
        self.names.push((option, name));
        Ok(())
    }

    /// The error for an option that names a type which there is not: it stands on the name.
    pub(crate) fn error(&self, unmatched: &Unmatched, object: &str) -> Error {
        let error = skelgen::Error::from(unmatched.clone()).in_object(object);
        let at = self.names.iter().find(|(option, name)| *option == unmatched.option && name.value() == unmatched.name);
        Error::new(at.map_or_else(Span::call_site, |(_, name)| name.span()), error)
    }
}

/// `("pair", REST)`, where `rest` reads what is to be more than nothing.
fn named<T>(
    meta: &ParseNestedMeta<'_>,
    example: &str,
    rest: impl FnOnce(ParseStream<'_>) -> Result<Vec<T>>,
) -> Result<(LitStr, Vec<T>)> {
    let is_written = |error: Error| Error::new(error.span(), format!("{error}; it is written {example}"));
    let list = || {
        let content;
        parenthesized!(content in meta.input);
        let name: LitStr = content.parse()?;
        content.parse::<Token![,]>()?;
        if content.is_empty() {
            return Err(content.error("nothing is said of the type"));
        }
        let rest = rest(&content)?;
        if content.is_empty() { Ok((name, rest)) } else { Err(content.error("unexpected token")) }
    };
    list().map_err(is_written)
}
