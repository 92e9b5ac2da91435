//! The boundary to the kernel: bpf(2), one function a command, and mapped memory.
//!
//! Descriptors go in borrowed and come out owned; a failure is an [`Errno`]. What each function needs to be sound it
//! checks itself, so that only `arena`, `bpf`, `elem`, `fds`, `fs_type`, `guarded`, `kernel_file`, `mmap`, `perf`, `poll`,
//! `signals`, `uname` and `vm` contain `unsafe`.

pub(crate) mod arena;
pub(crate) mod bpf;
pub(crate) mod elem;
mod errno;
pub(crate) mod fds;
pub(crate) mod fs_type;
pub(crate) mod guarded;
pub(crate) mod kernel_file;
pub(crate) mod mmap;
pub(crate) mod perf;
pub(crate) mod poll;
pub(crate) mod signals;
pub(crate) mod uname;
pub(crate) mod vm;

pub use errno::Errno;
pub(crate) use skelgen_abi::attr;
pub use skelgen_abi::uapi;
