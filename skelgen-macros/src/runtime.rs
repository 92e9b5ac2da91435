//! The name of the runtime's crate in the package that uses a derive.
//!
//! A package may rename its dependency: `bpf = { package = "skelgen-runtime", version = "0.1" }`. A derive runs inside
//! rustc, so it finds the name among rustc's arguments: `--extern bpf=/path/libskelgen_runtime-HASH.rmeta`. If a derive runs
//! elsewhere, as in an editor, the name is `skelgen_runtime`.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The name of the library.
const CRATE: &str = "skelgen_runtime";

/// The path of the runtime's crate.
pub(crate) fn path() -> TokenStream {
    let args = env::args_os().filter_map(|arg| arg.into_string().ok());
    // Cargo passes very long command lines in a file.
    let args = args.flat_map(|arg| match arg.strip_prefix('@').map(fs::read_to_string) {
        Some(Ok(text)) => text.lines().map(ToOwned::to_owned).collect(),
        _ => vec![arg],
    });
    let name = format_ident!("{}", name_among(args));
    quote!(::#name)
}

/// The name in rustc's arguments; `skelgen_runtime` if they have that name, or none.
fn name_among(args: impl Iterator<Item = String>) -> String {
    let mut found = None;
    let mut is_extern = false;
    for arg in args {
        let value = if is_extern { Some(arg.as_str()) } else { arg.strip_prefix("--extern=") };
        match value.and_then(named) {
            Some(CRATE) => return CRATE.to_owned(),
            Some(name) => found = found.or_else(|| Some(name.to_owned())),
            None => {}
        }
        is_extern = !is_extern && arg == "--extern";
    }
    found.unwrap_or_else(|| CRATE.to_owned())
}

/// NAME of `[OPTIONS:]NAME=PATH`, if PATH is the runtime.
fn named(value: &str) -> Option<&str> {
    let (name, path) = value.split_once('=')?;
    let file = Path::new(path).file_stem()?.to_str()?;
    let library = file.strip_prefix("lib").unwrap_or(file);
    let library = library.split('-').next()?;
    let name = name.rsplit(':').next()?;
    (library == CRATE && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(args: &[&str]) -> String {
        name_among(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn a_renamed_dependency_is_found() {
        let libc = ["rustc", "--extern", "libc=/t/liblibc-12.rmeta"];
        for (args, expected) in [
            (&["--extern", "bpf=/t/libskelgen_runtime-34ab.rmeta"][..], "bpf"),
            (&["--extern=noprelude:bpf=/t/libskelgen_runtime.rlib"], "bpf"),
            (&["--extern", "bpf=/t/libskelgen_runtime-1.rmeta", "--extern", "skelgen_runtime=/t/x.rlib"], "bpf"),
            (
                &[
                    "--extern",
                    "bpf=/t/libskelgen_runtime-1.rmeta",
                    "--extern",
                    "skelgen_runtime=/t/libskelgen_runtime-2.rlib",
                ],
                CRATE,
            ),
            (&["--extern", "skelgen_runtime_more=/t/libskelgen_runtime_more-2.rlib"], CRATE),
            (&["bpf=/t/libskelgen_runtime-1.rmeta", "--extern"], CRATE),
            (&["--extern", "proc_macro"], CRATE),
            (&[], CRATE),
        ] {
            assert_eq!(name(&[&libc[..], args].concat()), expected, "{args:?}");
        }
    }
}
