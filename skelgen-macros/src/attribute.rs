//! `#[skeleton(object = "counters.bpf.o", crate = path)]`.

use syn::{Attribute, DeriveInput, Error, LitStr, Path, Result};

/// What the attribute says.
pub(crate) struct SkeletonAttribute {
    /// The object, by its path from the package's folder.
    pub(crate) object: LitStr,
    /// Where the runtime crate is, if not at its usual place.
    pub(crate) runtime: Option<Path>,
}

impl SkeletonAttribute {
    /// Reads the attributes of `input`.
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let (mut object, mut runtime) = (None, None);
        let mut first = None;
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("skeleton")) {
            first.get_or_insert(attribute);
            read(attribute, &mut object, &mut runtime)?;
        }
        let wanted = "which object? say #[skeleton(object = \"path/from/the/package.bpf.o\")]";
        match (object, first) {
            (Some(object), _) => Ok(SkeletonAttribute { object, runtime }),
            (None, Some(attribute)) => Err(Error::new_spanned(attribute, wanted)),
            (None, None) => Err(Error::new_spanned(&input.ident, wanted)),
        }
    }
}

fn read(attribute: &Attribute, object: &mut Option<LitStr>, runtime: &mut Option<Path>) -> Result<()> {
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("object") {
            let path = meta.value()?.parse()?;
            object.replace(path).map_or(Ok(()), |_| Err(meta.error("`object` is there twice")))
        } else if meta.path.is_ident("crate") {
            let path = meta.value()?.call(Path::parse_mod_style)?;
            runtime.replace(path).map_or(Ok(()), |_| Err(meta.error("`crate` is there twice")))
        } else {
            Err(meta.error("there are `object` and `crate` only"))
        }
    })
}
