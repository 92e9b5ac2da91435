//! `derive(Skeleton)`: from the struct and the object it names to the skeleton's module.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use skelgen::emit::{self, Emission, Options, Spelling, Unmatched};
use syn::{Data, DataStruct, DeriveInput, Error, Fields, LitStr, Result};

use crate::attribute::SkeletonAttribute;
use crate::object::ObjectFile;

/// The skeleton's module, `open` for the struct, and what has the crate built again when the object changes.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let SkeletonAttribute { object, runtime, min_kernel, license, types } =
        match (check_unit(input), SkeletonAttribute::of(input)) {
            (Ok(()), Ok(attribute)) => attribute,
            (Err(mut error), Err(other)) => {
                error.combine(other);
                return Err(error);
            }
            (Err(error), Ok(_)) | (Ok(()), Err(error)) => return Err(error),
        };
    let file = ObjectFile::read(&object)?;
    let failed = |error: skelgen::Error| Error::new_spanned(&object, error);

    let docs = input.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let mut options = Options {
        visibility: input.vis.to_token_stream(),
        entry: Some(input.ident.clone()),
        docs: quote!(#(#docs)*),
        types: types.options.clone(),
        ..Options::default()
    };
    options.runtime = runtime.map_or_else(crate::runtime::path, ToTokens::into_token_stream);
    let plan = skelgen::plan::PlanOptions { min_kernel, license: license.as_ref().map(LitStr::value) };
    let skeleton = skelgen::Skeleton::with(&plan, &file.name, &file.bytes).map_err(failed)?;
    let Emission { tokens, unmatched } = emit::emission(&skeleton, &options).map_err(failed)?;
    let of_license = Unmatched::license(&skeleton, plan.license.as_deref(), Spelling::Code);
    let of_license = of_license.map(|unmatched| {
        let error = skelgen::Error::from(unmatched).in_object(file.name.as_str());
        Error::new_spanned(&license, error)
    });
    let errors = unmatched.iter().map(|unmatched| types.error(unmatched, &file.name)).chain(of_license);
    if let Some(error) = errors.reduce(|mut error, other| {
        error.combine(other);
        error
    }) {
        return Err(error);
    }
    let watch = file.watch();
    Ok(quote!(#watch #tokens))
}

/// The errors for rustc. The first one is inside the type of a function `open`: rustc then reports no further errors in code
/// that uses the skeleton.
pub(crate) fn refused(input: &DeriveInput, error: Error) -> TokenStream {
    let mut errors = error.into_iter().map(Error::into_compile_error);
    let (first, others) = (errors.next(), errors);
    let ident = &input.ident;
    let (parameters, arguments, conditions) = input.generics.split_for_impl();
    quote! {
        impl #parameters #ident #arguments #conditions {
            pub fn open() -> [(); #first] {
                loop {}
            }
        }
        #(#others)*
    }
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
        let error = derived("../fixtures/bad/static_map.bpf.o");
        assert!(error.starts_with("static_map.bpf.o: section .maps: hidden: "), "{error}");
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
    fn the_structs_docs_open_the_modules() {
        let tokens = derive(&parse_quote! {
            /// What it counts.
            #[allow(unused)]
            #[doc(hidden)]
            #[skeleton(object = "../fixtures/counters.bpf.o")]
            struct Counters;
        });
        let tokens = tokens.unwrap_or_else(|error| error.into_compile_error()).to_string();
        let expected = "# [doc = r\" What it counts.\"] # [doc (hidden)] # [doc = \"\"] # [doc = \" Light skeleton of \
                        `counters.bpf.o`.\"]";
        assert!(tokens.contains(expected), "{}", &tokens[..tokens.len().min(1000)]);
    }

    #[test]
    fn cargo_watches_the_object() {
        // Of the run, as the derive reads it: clones that share a target directory run each other's test binaries.
        let path = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/../fixtures/counters.bpf.o";
        assert!(derived("../fixtures/counters.bpf.o").contains(&format!(":: core :: include_bytes ! ({path:?})")));
    }
}
