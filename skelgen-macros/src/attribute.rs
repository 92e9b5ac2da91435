//! `#[skeleton(object = "counters.bpf.o", crate = path)]`.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, DeriveInput, Error, LitStr, Path, Result};

/// What `#[skeleton(...)]` says.
pub(crate) struct SkeletonAttribute {
    /// The object, by its path from the package's folder.
    pub(crate) object: LitStr,
    /// Where the runtime crate is, if not at its usual place.
    pub(crate) runtime: Option<Path>,
}

impl SkeletonAttribute {
    /// Reads the attributes of `input`.
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let Keys { object, runtime, attribute } = Keys::of(input, "skeleton", &["object", "crate"])?;
        let wanted = "which object? say #[skeleton(object = \"path/from/the/package.bpf.o\")]";
        match (object, attribute) {
            (Some(object), _) => Ok(SkeletonAttribute { object, runtime }),
            (None, Some(attribute)) => Err(Error::new_spanned(attribute, wanted)),
            (None, None) => Err(Error::new_spanned(&input.ident, wanted)),
        }
    }
}

/// The keys of an attribute, and their values.
#[derive(Default)]
struct Keys<'a> {
    object: Option<LitStr>,
    runtime: Option<Path>,
    /// The first attribute of the name.
    attribute: Option<&'a Attribute>,
}

impl<'a> Keys<'a> {
    /// Reads all attributes of this name, which know these keys.
    fn of(input: &'a DeriveInput, name: &str, known: &[&str]) -> Result<Self> {
        let mut keys = Keys::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident(name)) {
            keys.attribute.get_or_insert(attribute);
            attribute.parse_nested_meta(|meta| {
                let key = known.iter().find(|key| meta.path.is_ident(key));
                match key.copied() {
                    Some("object") => set(&mut keys.object, &meta, meta.value()?.parse()?),
                    Some("crate") => set(&mut keys.runtime, &meta, meta.value()?.call(Path::parse_mod_style)?),
                    _ => Err(meta.error(format!("there are {} only", listed(known)))),
                }
            })?;
        }
        Ok(keys)
    }
}

/// Keeps the value of a key that has none yet.
fn set<T>(key: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> Result<()> {
    match key.replace(value) {
        None => Ok(()),
        Some(_) => {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            Err(meta.error(format!("`{name}` is there twice")))
        }
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
