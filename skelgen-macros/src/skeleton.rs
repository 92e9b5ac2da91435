//! `derive(Skeleton)`: from the struct and the object it names to the skeleton's module.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use skelgen::emit::{self, Options};
use syn::{Data, DataStruct, DeriveInput, Error, Fields, Result};

use crate::attribute::SkeletonAttribute;
use crate::object::ObjectFile;

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
    let file = ObjectFile::read(&object)?;
    let failed = |error: skelgen::Error| Error::new_spanned(&object, error);

    let mut options =
        Options { visibility: input.vis.to_token_stream(), entry: Some(input.ident.clone()), ..Options::default() };
    if let Some(runtime) = runtime {
        options.runtime = runtime.into_token_stream();
    }
    let skeleton = skelgen::Skeleton::new(&file.name, &file.bytes).map_err(failed)?;
    let module = emit::emit(&skeleton, &options).map_err(failed)?;
    let watch = file.watch();
    Ok(quote!(#watch #module))
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
