//! `derive(Skeleton)`: from the struct and the object it names to the skeleton's module.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use skelgen::emit::{self, Options};
use syn::{Data, DataStruct, DeriveInput, Error, Fields, LitStr, Result};

use crate::attribute::SkeletonAttribute;

/// The skeleton's module, `open` for the struct, and what has the crate built again when the object changes.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let SkeletonAttribute { object, runtime } = match (check_unit(input), SkeletonAttribute::of(input)) {
        (Ok(()), Ok(attribute)) => attribute,
        (Err(mut error), Err(other)) => {
            error.combine(other);
            return Err(error);
        }
        (Err(error), Ok(_)) | (Ok(()), Err(error)) => return Err(error),
    };
    let path = in_package(&object)?;
    let failed = |error: skelgen::Error| Error::new_spanned(&object, error);

    let mut options =
        Options { visibility: input.vis.to_token_stream(), entry: Some(input.ident.clone()), ..Options::default() };
    if let Some(runtime) = runtime {
        options.runtime = runtime.into_token_stream();
    }
    let bytes = fs::read(&path).map_err(|error| {
        Error::new_spanned(&object, format!("cannot read {} in the package's folder: {error}", object.value()))
    })?;
    let skeleton = skelgen::Skeleton::new(&file_name(&path), &bytes).map_err(failed)?;
    let module = emit::emit(&skeleton, &options).map_err(failed)?;

    let Some(path) = path.to_str() else {
        return Err(Error::new_spanned(&object, "the package's folder has a name that is not UTF-8"));
    };
    Ok(quote! {
        // Cargo watches what is included.
        const _: &[::core::primitive::u8] = ::core::include_bytes!(#path);
        #module
    })
}

/// The struct stands for an object, and has nothing of its own.
fn check_unit(input: &DeriveInput) -> Result<()> {
    if !matches!(&input.data, Data::Struct(DataStruct { fields: Fields::Unit, .. })) {
        return Err(Error::new_spanned(
            &input.ident,
            "a skeleton is derived for a struct without fields: `struct Name;`",
        ));
    }
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a skeleton has no parameters"));
    }
    Ok(())
}

/// The object's absolute path.
fn in_package(object: &LitStr) -> Result<PathBuf> {
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => Ok(Path::new(&package).join(object.value())),
        None => Err(Error::new_spanned(object, "CARGO_MANIFEST_DIR is not set, so this path leads nowhere")),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::derive;

    fn derived(object: &str) -> String {
        match derive(&parse_quote! {
            #[skeleton(object = #object)]
            pub(crate) struct BPFStuff;
        }) {
            Ok(tokens) => tokens.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_object_that_cannot_be_loaded_is_named_and_so_is_the_place() {
        let error = derived("../fixtures/bad/unknown_section.bpf.o");
        assert!(error.starts_with("unknown_section.bpf.o: section nonsense/foo: "), "{error}");
        let error = derived("../fixtures/bad/unresolved_extern.bpf.o");
        assert!(error.starts_with("unresolved_extern.bpf.o: "), "{error}");
    }

    #[test]
    fn the_module_is_named_and_as_visible_as_the_struct() {
        let tokens = derived("../fixtures/counters.bpf.o");
        assert!(tokens.contains("pub (crate) mod bpfstuff {"), "{}", &tokens[..tokens.len().min(1000)]);
        assert!(tokens.contains("impl BPFStuff {"));
        assert!(!tokens.contains("struct BPFStuff ;"));
    }

    #[test]
    fn cargo_watches_the_object() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/counters.bpf.o");
        assert!(derived("../fixtures/counters.bpf.o").contains(&format!(":: core :: include_bytes ! ({path:?})")));
    }
}
