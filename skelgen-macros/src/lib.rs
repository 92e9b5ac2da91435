//! The door for those who would rather write no build script: derive macros over `skelgen`.
//!
//! Users depend on `skelgen-runtime`, which re-exports what is here and which the derived code refers to; its documentation has
//! the guide (`skelgen_runtime::guide`).
//!
//! ```text
//! #[skeleton(...)] ─▶ attribute ─▶ object (the file) ─▶ skelgen::Skeleton ─▶ skeleton (tokens)
//! #[percpu(...)]   ─▶ percpu: layout of the section or map, and assertions that rustc evaluates on the struct's fields
//! ```
#![forbid(unsafe_code)]

mod attribute;
#[cfg(test)]
mod doors;
mod nearest;
mod object;
mod percpu;
mod skeleton;

use proc_macro::TokenStream;

/// Generates the light skeleton of a BPF object, as a build script with `skelgen::Builder` does.
///
/// ```no_run
/// use skelgen_runtime::Skeleton;
///
/// #[derive(Skeleton)]
/// #[skeleton(object = "../fixtures/counters.bpf.o")]
/// struct Counters;
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// let mut open = Counters::open()?;
/// open.percpu.hits = 41;
/// let skel = open.load()?;
/// # Ok(())
/// # }
/// ```
///
/// - The struct has no fields and no parameters. It gets a function `open`.
/// - The other types go into a module beside it, named like it in snake case (`counters`) and as visible as it. The
///   struct's docs are the module's too.
///
/// # `#[skeleton(...)]`
///
/// | | |
/// |---|---|
/// | `object = "path"` | the object, by its path from the package's folder, where its `Cargo.toml` is. When that file changes, the crate is built again |
/// | `min_kernel = "7.3"` | the oldest kernel that it is for; an older one is refused. From 7.3 on the programs' second form, for kernels that cannot address `.percpu` directly, is left out |
/// | `type_derive("flow_key", Eq, Hash)` | derives for generated types, by their paths |
/// | `type_attribute("flow_key", #[must_use])` | attributes for generated types; they stand behind the derives |
/// | `add_type = "event"` | defines a type that no section and no map has, say of a ring buffer's records |
/// | `opaque_type = "huge"` | leaves a type undefined: a struct or union is bytes where it is used, an enum an integer |
/// | `crate = path` | where `skelgen_runtime` is, if not at `::skelgen_runtime` |
///
/// The four of types may be there several times. They take a type's name in C, without `struct`: `flow_key`, a section's
/// `.percpu`, of a type without one its name in Rust; `*` in it stands for any characters, `?` for any one. All types have
/// `Clone`, `Copy`, `Debug`, `Default` and `PartialEq` anyway. Paths are as seen from anywhere in the crate: `crate::name`
/// or `name::of::another_crate`.
///
/// Derives of serde, zerocopy and bytemuck want the runtime's feature of that name, by which the types of fields have
/// their traits. Padding is a field `_pad0: [u8; N]`, so that zerocopy's `IntoBytes` and bytemuck's `Pod` find none that
/// is not written out. serde has no arrays longer than 32, and derives of `Hash` and `Ord` read padding, which `==` does
/// not: give them to types without. None of `Eq`, `Ord` and `Hash` is there for `f32` and `f64`.
///
/// ```
/// use std::collections::HashMap;
///
/// use skelgen_runtime::Skeleton;
///
/// #[derive(Skeleton)]
/// #[skeleton(
///     object = "../fixtures/counters.bpf.o",
///     type_derive("*", Eq, Hash),
///     type_attribute("exec_event", #[must_use = "what came out of the ring buffer"]),
///     add_type = "exec_event",
/// )]
/// struct Counters;
///
/// let mut seen: HashMap<counters::types::ExecEvent, u64> = HashMap::new();
/// ```
#[proc_macro_derive(Skeleton, attributes(skeleton))]
pub fn derive_skeleton(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    skeleton::derive(&input).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a struct of your own the value of a per-CPU section or map, and compares it to the object while it compiles.
///
/// ```
/// use skelgen_runtime::PerCpu;
///
/// #[derive(Clone, Copy, Debug, PerCpu)]
/// #[repr(C)]
/// #[percpu(object = "../fixtures/counters.bpf.o", section = ".percpu")]
/// struct CounterValues {
///     hits: u64,
///     errors: u32,
///     last_pid: i32,
///     by_class: [u64; 4],
///     armed: bool,
///     calls: CallRange,
/// }
///
/// // Without `#[percpu(object = ...)]` nothing is compared. What contains it is, down to the fields of this.
/// #[derive(Clone, Copy, Debug, PerCpu)]
/// #[repr(C)]
/// struct CallRange {
///     first_ns: u64,
///     lowest: u32,
///     highest: u32,
/// }
/// ```
///
/// The struct implements `skelgen_runtime::Value`. It may have `bool`s and padding, which generated types have not:
/// fields are read and written one by one. What is between them is not read, and becomes zeroes when it is written.
///
/// # The struct
///
/// - It has named fields, no parameters, and `#[repr(C)]`. `packed` and `align` may be added; the fields of a packed
///   struct must be `Copy`.
/// - Each field is a `Value`: a number of a fixed size, a `bool`, an array of values, a struct that derives this or is
///   declared with `plain!`, a type of a generated skeleton.
///
/// # `#[percpu(...)]`
///
/// - `object`: the path from the package's folder, where its `Cargo.toml` is. When that file changes, the crate is
///   built again.
/// - `section`: `.percpu`, which it is if nothing is said, or one named `.percpu.*`.
/// - `map`, instead of `section`: a percpu_array, percpu_hash, lru_percpu_hash or percpu_cgroup_storage whose value
///   is a struct.
/// - `crate = path`: where `skelgen_runtime` is, if not at `::skelgen_runtime`; as seen from anywhere in the crate.
///
/// # What is compared
///
/// Each variable of the section, or member of the map's value, must be a field, and each field must be one of them:
/// name, offset and type. What is wrong is an error on the field, with what Rust has and what C has:
///
/// ```text
/// error[E0080]: evaluation panicked: `last_pid` is not as in section `.percpu` of counters.bpf.o: the sign differs
///                 Rust: u32, 4 bytes at offset 12
///                 C:    __s32 last_pid, 4 bytes at offset 12
///   --> src/main.rs:9:5
///    |
///  9 |     last_pid: u32,
///    |     ^^^^^^^^^^^^^ evaluation of `_::_` failed here
/// ```
///
/// | C | Rust |
/// |---|---|
/// | integer, enum, pointer | an integer of its size and sign, also as an alias or declared with `plain_enum!` |
/// | `char` | `u8` or `i8` |
/// | `bool` | `bool`, `skelgen_runtime::Bool` or `u8` |
/// | `float`, `double` | `f32`, `f64` |
/// | array | an array of the same length, whose elements are the same |
/// | struct | a struct of the same size that has each member by its name, and no other field; or `[u8; SIZE]` |
/// | union | a struct of the same size; or `[u8; SIZE]` |
///
/// - Names that Rust cannot have are as in a generated skeleton: `type` is `r#type`, `self` is `self_`, and the static
///   variable `count` of function `touch` is `touch_count`.
/// - Members without a name are `anon0`, `anon1`, ..., or left out.
/// - Bit-fields are no fields. Where they are to be kept, a field named `_pad` or `_bits` and a number, as in
///   `_bits4: [u8; 4]`, is to lie over them. Such a field can be anywhere where C has nothing of a name.
/// - The size must be that of the section or the map's value, rounded up to the struct's alignment.
#[proc_macro_derive(PerCpu, attributes(percpu))]
pub fn derive_percpu(input: TokenStream) -> TokenStream {
    percpu::derive(&syn::parse_macro_input!(input as syn::DeriveInput)).into()
}
