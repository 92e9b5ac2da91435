//! Values of which each possible CPU has its own: variables in `.percpu` sections, and elements of per-CPU maps.
//!
//! ```text
//! section    PerCpu<T>          the variables of a section
//! map        PerCpuMap<K, V>    percpu_array, percpu_hash, lru_percpu_hash, percpu_cgroup_storage
//! values     PerCpuValues<T>    a value for each CPU, by the CPU's number
//! access     how both get at the kernel's values, with BPF_F_CPU and BPF_F_ALL_CPUS or without
//! ```
//!
//! Since Linux 7.0 one command reads or writes one CPU's value (`BPF_F_CPU`), or writes one value to all CPUs
//! (`BPF_F_ALL_CPUS`), and copies `value_size` bytes, however many CPUs there are. Before, the kernel takes and gives the
//! values of all possible CPUs only, `round_up(value_size, 8)` bytes each; the same calls then go through a buffer of that
//! size, which the handle allocates once and keeps. The first of these commands that reads an element proves that the kernel
//! has as many CPUs as `/sys` says. Until then each buffer ends at a page that the kernel cannot access.
//!
//! What of that is atomic, and what is not, stands with [`PerCpuMap`].

mod access;
mod batch;
mod map;
mod section;
mod table;
mod values;

pub use batch::PerCpuElements;
pub use map::PerCpuMap;
pub use section::PerCpu;
pub(crate) use section::{KEY, fill_all};
pub use values::PerCpuValues;
