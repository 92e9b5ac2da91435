//! The object that an attribute names.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Result};

/// An object's file.
pub(crate) struct ObjectFile {
    /// The file's name, without its folder.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The absolute path.
    path: String,
}

impl ObjectFile {
    /// Reads the file, whose path leads on from the package's folder.
    pub(crate) fn read(object: &LitStr) -> Result<Self> {
        let path = in_package(object)?;
        let bytes = fs::read(&path).map_err(|error| {
            Error::new_spanned(object, format!("cannot read {} in the package's folder: {error}", object.value()))
        })?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let Some(path) = path.to_str().map(ToOwned::to_owned) else {
            return Err(Error::new_spanned(object, "the package's folder has a name that is not UTF-8"));
        };
        Ok(ObjectFile { name, bytes, path })
    }

    /// What has the crate built again when the file changes: Cargo watches what is included.
    pub(crate) fn watch(&self) -> TokenStream {
        let path = &self.path;
        quote!(
            const _: &[::core::primitive::u8] = ::core::include_bytes!(#path);
        )
    }
}

/// The object's absolute path.
fn in_package(object: &LitStr) -> Result<PathBuf> {
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => Ok(Path::new(&package).join(object.value())),
        None => Err(Error::new_spanned(object, "CARGO_MANIFEST_DIR is not set, so this path leads nowhere")),
    }
}
