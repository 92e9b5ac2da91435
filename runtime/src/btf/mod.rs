//! BTF that is in the kernel: its own types, and those of loaded programs.
//!
//! What only the target knows, as the layout of its structs, is looked up here, for objects that ask for it and for
//! no others.
//!
//! ```text
//! KernelBtf    what this kernel has: vmlinux from sysfs, modules by bpf(2)
//! Types        types to look at: vmlinux's, or a module's on top of them
//! blob         bytes, checked and cut into records
//! lengthen     an object's types for a data section that is made longer
//! ```
//!
//! The bytes come from outside and are not trusted: what is wrong in them is an error or is not found. They are in this
//! machine's byte order. The counterpart is `Documentation/bpf/btf.rst`.

mod blob;
#[cfg(test)]
pub(crate) mod build;
mod declaration;
mod functions;
mod kernel;
pub(crate) mod kind;
mod lengthen;
mod shape;
#[cfg(test)]
mod tests;
mod types;

pub(crate) use blob::{Blob, TypeId};
pub(crate) use kernel::{KernelBtf, ModuleBtf, has_module, has_modules};
pub(crate) use lengthen::lengthen;
pub(crate) use types::{Member, Type, Types};

/// The id of the function called `name` in a loaded program's types, if there is one.
///
/// # Errors
///
/// The bytes are damaged, and how.
pub(crate) fn find_func(program: Vec<u8>, name: &str) -> Result<Option<TypeId>, String> {
    let blob = Blob::parse(program, None)?;
    Ok(Types::new(&blob, None).find(kind::FUNC, name))
}
