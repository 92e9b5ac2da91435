//! Tokens as text that a person would have written.

use syn::{Item, ItemMod};

use crate::{Error, Result};

/// Prints a file.
///
/// `prettyplease` sets what stands in a macro call as one run of tokens. What stands in `plain!` and `plain_enum!` are
/// items, and they are set as such.
pub fn pretty(tokens: proc_macro2::TokenStream) -> Result<String> {
    let mut file: syn::File =
        syn::parse2(tokens).map_err(|error| Error::malformed(format!("generated code: {error}")))?;
    let mut macros = Vec::new();
    file.items.iter_mut().for_each(|item| open(item, &mut macros));
    let text = prettyplease::unparse(&file);
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let opened = line.trim_start().strip_prefix("mod ").and_then(|rest| rest.split_once(' '));
        match opened.and_then(|(name, rest)| Some((macros.get(index_of(name)?)?, rest))) {
            Some((path, rest)) => out.push_str(&format!("{}{path}! {rest}", &line[..indent])),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    Ok(out)
}

/// Begins the name of a module that stands for a macro call while a file is printed; its number follows.
const STAND_IN: &str = "__skelgen_macro_";

fn index_of(name: &str) -> Option<usize> {
    name.strip_prefix(STAND_IN)?.parse().ok()
}

/// Puts a module in place of a macro call whose content is items, and keeps the path of the macro.
fn open(item: &mut Item, macros: &mut Vec<String>) {
    if let Item::Mod(ItemMod { content: Some((_, items)), .. }) = item {
        items.iter_mut().for_each(|item| open(item, macros));
        return;
    }
    let Item::Macro(call) = item else { return };
    let path = &call.mac.path;
    if !path.segments.last().is_some_and(|last| last.ident == "plain" || last.ident == "plain_enum") {
        return;
    }
    let Ok(content) = syn::parse2::<syn::File>(call.mac.tokens.clone()) else { return };
    let name = quote::format_ident!("{STAND_IN}{}", macros.len());
    macros.push(quote::quote!(#path).to_string().replace(' ', ""));
    let items = content.items;
    *item = syn::parse_quote!(mod #name { #(#items)* });
}
