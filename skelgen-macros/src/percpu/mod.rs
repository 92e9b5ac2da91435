//! `derive(PerCpu)`: from a struct to its `Value`, and to its comparison with the object that it names.
//!
//! ```text
//! shape    what struct it must be
//! value    its `Value`
//! source   the section or map that it is compared to
//! layout   BTF to the C side of the comparison
//! names    fields and members by their names: the macro knows them
//! check    the rest, left to rustc, which alone knows sizes and offsets
//! ```

mod check;
pub(crate) mod layout;
pub(crate) mod names;
mod shape;
pub(crate) mod source;
mod value;

use proc_macro2::TokenStream;
use quote::ToTokens;
use skelgen::object::Object;
use syn::{DeriveInput, Error};

use crate::attribute::{PerCpuAttribute, Source};
use crate::object::ObjectFile;
use shape::Shape;

/// The `Value` of the struct, what compares it, and all that is wrong with it.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Vec::new();
    let shape = Shape::of(input, &mut errors);
    let attribute = PerCpuAttribute::of(input).map_err(|error| errors.push(error));
    let mut tokens = TokenStream::new();
    if let (Some(shape), Ok(PerCpuAttribute { source, runtime })) = (shape, attribute) {
        let rt = runtime.map_or_else(crate::runtime::path, ToTokens::into_token_stream);
        // Also if something is wrong, so that nobody is told that there is none.
        tokens.extend(value::implementation(&shape, &rt));
        match source {
            Ok(None) => {}
            Ok(Some(source)) => tokens.extend(compare(&shape, &source, &rt, &mut errors)),
            Err(error) => errors.push(error),
        }
    }
    tokens.extend(errors.into_iter().map(Error::into_compile_error));
    tokens
}

/// What compares the struct to the object, and has it built again when the object changes.
fn compare(shape: &Shape<'_>, source: &Source, rt: &TokenStream, errors: &mut Vec<Error>) -> TokenStream {
    let file = match ObjectFile::read(&source.object) {
        Ok(file) => file,
        Err(error) => {
            errors.push(error);
            return TokenStream::new();
        }
    };
    let mut tokens = file.watch();
    let object = Object::parse(&file.name, &file.bytes).map_err(|error| Error::new_spanned(&source.object, error));
    match object.and_then(|object| source::value(&object, &file.name, source)) {
        Ok(c) => {
            let before = errors.len();
            let pairs = names::compare(shape, &c, errors);
            // Without `repr(C)` the layout is any; without a field, so is the size.
            if shape.is_c {
                tokens.extend(check::checks(shape, &c, &pairs, errors.len() == before, rt));
            }
        }
        Err(error) => errors.push(error),
    }
    tokens
}

#[cfg(test)]
mod tests {
    #[test]
    fn cargo_watches_the_object() {
        // Of the run, as the derive reads it: clones that share a target directory run each other's test binaries.
        let path = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/../fixtures/counters.bpf.o";
        // Also if the struct is wrong: it may be the object that changes.
        let tokens = super::derive(&syn::parse_quote! {
            #[repr(C)]
            #[percpu(object = "../fixtures/counters.bpf.o")]
            struct Wrong {}
        });
        assert!(tokens.to_string().contains(&format!(":: core :: include_bytes ! ({path:?})")));
    }
}
