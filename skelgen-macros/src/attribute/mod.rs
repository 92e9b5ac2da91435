//! The attributes: `#[skeleton(object = "counters.bpf.o", crate = path)]`, and `#[percpu(...)]`, which has `section` and
//! `map` besides.

mod types;

use quote::quote;
use skelgen::KernelVersion;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, DeriveInput, Error, LitStr, Path, Result};

use crate::nearest::nearest;

pub(crate) use types::Types;

/// What `#[skeleton(...)]` says.
pub(crate) struct SkeletonAttribute {
    /// The object, by its path from the package's folder.
    pub(crate) object: LitStr,
    /// Where the runtime crate is, if not at its usual place.
    pub(crate) runtime: Option<Path>,
    /// The oldest kernel that the skeleton is for, if not any.
    pub(crate) min_kernel: Option<KernelVersion>,
    /// The programs' license, if the object has no `license` section.
    pub(crate) license: Option<LitStr>,
    /// What is said of generated types.
    pub(crate) types: Types,
}

impl SkeletonAttribute {
    /// Reads the attributes of `input`.
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let known =
            ["object", "min_kernel", "license", "type_derive", "type_attribute", "add_type", "opaque_type", "crate"];
        let Keys { object, runtime, min_kernel, license, types, attribute, .. } = Keys::of(input, "skeleton", &known)?;
        let read = KernelVersion::parse_min_kernel;
        let min_kernel = min_kernel.map(|text| read(&text.value()).map_err(|error| Error::new_spanned(text, error)));
        let wanted = "which object? say #[skeleton(object = \"path/from/the/package.bpf.o\")]";
        match (object, attribute) {
            (Some(object), _) => {
                let min_kernel = min_kernel.transpose()?;
                Ok(SkeletonAttribute { object, runtime, min_kernel, license, types })
            }
            (None, Some(attribute)) => Err(Error::new_spanned(attribute, wanted)),
            (None, None) => Err(Error::new_spanned(&input.ident, wanted)),
        }
    }
}

/// What `#[percpu(...)]` says.
pub(crate) struct PerCpuAttribute {
    /// What the struct is compared to, if to anything.
    pub(crate) source: Result<Option<Source>>,
    /// Where the runtime crate is, if not at its usual place.
    pub(crate) runtime: Option<Path>,
}

/// What a struct is the value of.
pub(crate) struct Source {
    /// The object, by its path from the package's folder.
    pub(crate) object: LitStr,
    pub(crate) kind: SourceKind,
    /// The name of the section or map.
    pub(crate) name: LitStr,
}

/// What can have per-CPU values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceKind {
    Section,
    Map,
}

impl PerCpuAttribute {
    /// Reads the attributes of `input`. Fails if there is no telling where the runtime crate is.
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let Keys { object, section, map, runtime, .. } =
            Keys::of(input, "percpu", &["object", "section", "map", "crate"])?;
        let source = match (object, section, map) {
            (_, Some(_), Some(map)) => {
                Err(Error::new_spanned(map, "a struct is the value of a `section` or of a `map`, not of both"))
            }
            (None, Some(name), None) | (None, None, Some(name)) => {
                Err(Error::new_spanned(name, "of which object? add object = \"path/from/the/package.bpf.o\" before it"))
            }
            (None, None, None) => Ok(None),
            (Some(object), None, Some(name)) => Ok(Some(Source { object, kind: SourceKind::Map, name })),
            (Some(object), section, None) => {
                let name = section.unwrap_or_else(|| LitStr::new(".percpu", object.span()));
                Ok(Some(Source { object, kind: SourceKind::Section, name }))
            }
        };
        Ok(PerCpuAttribute { source, runtime })
    }
}

/// The keys of an attribute, and their values.
#[derive(Default)]
struct Keys<'a> {
    object: Option<LitStr>,
    section: Option<LitStr>,
    map: Option<LitStr>,
    runtime: Option<Path>,
    min_kernel: Option<LitStr>,
    license: Option<LitStr>,
    types: Types,
    /// The first attribute of the name.
    attribute: Option<&'a Attribute>,
}

impl<'a> Keys<'a> {
    /// Reads all attributes of this name, which know these keys.
    fn of(input: &'a DeriveInput, name: &str, known: &[&'static str]) -> Result<Self> {
        let mut keys = Keys::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident(name)) {
            keys.attribute.get_or_insert(attribute);
            attribute.parse_nested_meta(|meta| {
                let key = known.iter().find(|key| meta.path.is_ident(key));
                match key.copied() {
                    Some("object") => set(&mut keys.object, &meta, text(&meta, "counters.bpf.o")?),
                    Some("section") => set(&mut keys.section, &meta, text(&meta, ".percpu")?),
                    Some("map") => set(&mut keys.map, &meta, text(&meta, "flows")?),
                    Some("min_kernel") => set(&mut keys.min_kernel, &meta, text(&meta, "7.3")?),
                    Some("license") => set(&mut keys.license, &meta, text(&meta, "GPL")?),
                    Some(option @ ("type_derive" | "type_attribute" | "add_type" | "opaque_type")) => {
                        keys.types.parse(option, &meta)
                    }
                    Some("crate") => set(&mut keys.runtime, &meta, path(&meta)?),
                    _ => Err(unknown(&meta, name, known)),
                }
            })?;
        }
        Ok(keys)
    }
}

/// The text that a key has for its value, as in `example`.
fn text(meta: &ParseNestedMeta<'_>, example: &str) -> Result<LitStr> {
    let written =
        |error: Error| Error::new(error.span(), format!("{error}; it is written {} = {example:?}", key_of(meta)));
    let text: LitStr = meta.value().and_then(|value| value.parse()).map_err(written)?;
    if text.value().is_empty() { Err(written(Error::new_spanned(text, "there is nothing in it"))) } else { Ok(text) }
}

/// The path that a key has for its value.
fn path(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    let path = meta.value().and_then(|value| value.call(Path::parse_mod_style));
    path.map_err(|error| {
        Error::new(error.span(), format!("{error}; it is written {} = path::to::skelgen_runtime", key_of(meta)))
    })
}

/// The error for a key that there is not.
fn unknown(meta: &ParseNestedMeta<'_>, attribute: &str, known: &[&str]) -> Error {
    let key = key_of(meta);
    let meant = nearest(&key, known.iter().copied());
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    meta.error(format!("#[{attribute}(...)] knows no `{key}`{meant}\n  it knows {}", listed(known)))
}

fn key_of(meta: &ParseNestedMeta<'_>) -> String {
    let path = &meta.path;
    quote!(#path).to_string().replace(' ', "")
}

/// Keeps the value of a key that has none yet.
fn set<T>(key: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> Result<()> {
    match key.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error(format!("`{}` is there twice", key_of(meta)))),
    }
}

/// `a`, `b` and `c`.
fn listed(keys: &[&str]) -> String {
    let mut text = String::new();
    for (index, key) in keys.iter().enumerate() {
        text += match index {
            0 => "",
            _ if index + 1 == keys.len() => " and ",
            _ => ", ",
        };
        text += &format!("`{key}`");
    }
    text
}
