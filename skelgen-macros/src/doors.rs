//! The derive and the builder lead to the same: for every fixture that has a skeleton, the same tokens but for where the
//! entry type stands. (`cargo-skelgen` tests that `cargo skelgen gen` writes what the builder does.)

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use quote::{ToTokens, format_ident, quote};
use syn::{Fields, File, Ident, Item, ItemImpl, ItemMod, parse_quote};

/// Names of the fixtures with a skeleton.
fn fixtures() -> Vec<String> {
    let files = fs::read_dir("../fixtures").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let objects = files.filter_map(|file| Some(file.strip_suffix(".bpf.o")?.to_owned()));
    let has_skeleton = |name: &String| {
        let bytes = fs::read(object(name)).unwrap();
        skelgen::Skeleton::new(&format!("{name}.bpf.o"), &bytes).is_ok()
    };
    objects.filter(has_skeleton).collect()
}

fn object(name: &str) -> String {
    format!("../fixtures/{name}.bpf.o")
}

/// What a module holds beside the entry type, the entry's name, and its `open`.
struct Door {
    module: ItemMod,
    entry: Ident,
    open: ItemImpl,
}

/// What the builder writes: a module, in which the entry type is.
fn by_builder(builder: skelgen::Builder, scratch: &Path) -> Door {
    builder.generate(scratch).unwrap();
    let file: File = syn::parse_str(&fs::read_to_string(scratch).unwrap()).unwrap();
    let [Item::Mod(module)] = <[Item; 1]>::try_from(file.items).unwrap_or_else(|_| panic!("one module")) else {
        panic!("a module")
    };
    let mut module = module;
    let (_, items) = module.content.as_mut().unwrap();
    let at = items.iter().position(|item| matches!(item, Item::Struct(item) if matches!(item.fields, Fields::Unit)));
    let at = at.expect("an entry type");
    let Item::Struct(entry) = items.remove(at) else { unreachable!() };
    let Item::Impl(open) = items.remove(at) else { panic!("its `open`") };
    Door { module, entry: entry.ident, open }
}

/// What the derive does: something for cargo to watch, the module, and `open` for the user's entry type.
fn by_derive(input: &syn::DeriveInput) -> Door {
    let tokens = crate::skeleton::derive(input).unwrap_or_else(|error| panic!("{error}"));
    // Printed, as the builder's are: a comment's tokens are not those that it is written with.
    let file: File = syn::parse_str(&skelgen::emit::types::pretty(tokens).unwrap()).unwrap();
    let mut items = file.items.into_iter();
    match (items.next(), items.next(), items.next(), items.next()) {
        (Some(Item::Const(_)), Some(Item::Mod(module)), Some(Item::Impl(open)), None) => {
            Door { module, entry: input.ident.clone(), open }
        }
        _ => panic!("a constant, a module and an implementation"),
    }
}

/// Fails where they begin to differ; whole skeletons are long.
fn assert_same(fixture: &str, built: &impl ToTokens, derived: &impl ToTokens) {
    // A line that is too long is broken behind a comma that nobody wrote.
    let text = |tokens: &dyn ToTokens| tokens.to_token_stream().to_string().replace(" , >", " >");
    let (built, derived) = (text(built), text(derived));
    if let Some(at) = built.bytes().zip(derived.bytes()).position(|(one, other)| one != other) {
        let from = at.saturating_sub(100);
        let shown = |text: &str| String::from_utf8_lossy(&text.as_bytes()[from..text.len().min(at + 100)]).into_owned();
        panic!("{fixture}: {}\n\nand\n\n{}", shown(&built), shown(&derived));
    }
    assert_eq!(built.len(), derived.len(), "{fixture}");
}

fn compare(fixture: &str, built: &Door, derived: &Door) {
    assert_eq!(built.entry, derived.entry);
    assert_same(fixture, &built.module, &derived.module);
    // Beside the module `open` names its types from there.
    let (module, open) = (&built.module.ident, format_ident!("Open{}", built.entry));
    let text = built.open.to_token_stream().to_string();
    let text = text.replace("rt :: Result", ":: skelgen_runtime :: Result");
    let text = text.replace(&open.to_string(), &quote!(#module::#open).to_string());
    // Printed again: a line that became longer may be broken.
    let printed = skelgen::emit::types::pretty(text.parse().unwrap()).unwrap();
    assert_same(fixture, &syn::parse_str::<ItemImpl>(&printed).unwrap(), &derived.open);
}

fn scratch(name: &str) -> PathBuf {
    env::temp_dir().join(format!("skelgen-doors-{}-{name}.rs", process::id()))
}

#[test]
fn both_doors_lead_to_the_same() {
    let scratch = scratch("plain");
    let fixtures = fixtures();
    assert!(fixtures.len() > 15, "{fixtures:?}");
    for fixture in fixtures {
        let object = object(&fixture);
        let built = by_builder(skelgen::Builder::new().object(&object), &scratch);
        let entry = &built.entry;
        let derived = by_derive(&parse_quote! {
            #[skeleton(object = #object)]
            pub struct #entry;
        });
        compare(&fixture, &built, &derived);
    }
    fs::remove_file(scratch).unwrap();
}

#[test]
fn with_the_same_options_too() {
    let scratch = scratch("options");
    let builder = skelgen::Builder::new()
        .object(object("counters"))
        .visibility("pub(crate)")
        .min_kernel(7, 3)
        .license("Dual MIT/GPL")
        .type_derive("*", "Eq, ::core::hash::Hash")
        .type_derive("call_range", "serde::Serialize")
        .type_attribute("call_range", "#[serde(default)] #[must_use]")
        .add_type("exec_*")
        .opaque_type("bpf_raw_tracepoint_args");
    let built = by_builder(builder, &scratch);
    let derived = by_derive(&parse_quote! {
        #[skeleton(object = "../fixtures/counters.bpf.o", min_kernel = "7.3", license = "Dual MIT/GPL")]
        #[skeleton(type_derive("*", Eq, ::core::hash::Hash), type_derive("call_range", serde::Serialize))]
        #[skeleton(type_attribute("call_range", #[serde(default)] #[must_use]))]
        #[skeleton(add_type = "exec_*", opaque_type = "bpf_raw_tracepoint_args")]
        pub(crate) struct Counters;
    });
    compare("counters", &built, &derived);
    fs::remove_file(scratch).unwrap();
}
