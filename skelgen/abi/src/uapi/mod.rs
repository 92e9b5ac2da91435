//! The kernel's user-space API for BPF (Linux 7.3): types, constants and names as in `include/uapi/linux/bpf.h`,
//! `bpf_common.h` and `btf.h`.
//!
//! All names are in one namespace, as in C: `use skelgen_abi::uapi::*`. An enumeration of the kernel is a newtype, so that
//! a number from a newer kernel is a value like any other. Its [`Display`](core::fmt::Display) shows the kernel's name.
//!
//! ```
//! use skelgen_abi::uapi::{BPF_MAP_TYPE_HASH, MapType};
//!
//! assert_eq!(MapType(1), BPF_MAP_TYPE_HASH);
//! assert_eq!(BPF_MAP_TYPE_HASH.to_string(), "BPF_MAP_TYPE_HASH");
//! assert_eq!(MapType(999).to_string(), "map of type 999");
//! ```

mod attach;
mod btf;
mod command;
mod elem;
mod flags;
mod insn;
mod map;
mod number;
mod prog;

pub use attach::*;
pub use btf::*;
pub use command::*;
pub use elem::*;
pub use flags::*;
pub use insn::*;
pub use map::*;
pub use prog::*;

/// Bytes of an object's name, the final NUL byte included.
pub const BPF_OBJ_NAME_LEN: usize = 16;

/// The name in the form that the kernel accepts: its first 15 bytes, with `_` in place of each byte that is neither an
/// ASCII letter, a digit nor `.`.
#[must_use]
pub fn object_name(name: &str) -> [u8; BPF_OBJ_NAME_LEN] {
    let mut out = [0; BPF_OBJ_NAME_LEN];
    for (to, from) in out.iter_mut().take(BPF_OBJ_NAME_LEN - 1).zip(name.bytes()) {
        *to = if from.is_ascii_alphanumeric() || from == b'.' { from } else { b'_' };
    }
    out
}

#[cfg(test)]
mod tests;
