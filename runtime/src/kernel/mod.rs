//! What skelgen knows of kernels.
//!
//! Two tables: [`features`], with the release that brought each and a way to ask the running kernel, and [`quirks`], with
//! the releases that have each and what skelgen does about it. Hints, `cargo skelgen features` and the tables of the guide
//! come from them, and the kernel tests compare each probe with its release on every kernel of the matrix.
//!
//! Whether a load takes one way or another depends on probes, on what the kernel refuses and on the verifier log, never on
//! the release.
//!
//! ```text
//! release      the running kernel's release, for hints
//! feature      what a feature is, and names in the kernel's BTF
//! map_types    \
//! prog_types    > the features
//! abilities    /
//! maps, commands, arena, uprobe_multi, percpu, verifier   probes
//! program      programs that probes load
//! quirk        the quirks
//! cpu_values   quirks of one CPU's value, with their probes
//! diagnose     from an error number to a hint
//! ```
//!
//! To add a feature, add its row to one of the tables, and its probe if the kernel's BTF does not have its name.

mod abilities;
mod arena;
mod commands;
pub(crate) mod cpu_values;
pub(crate) mod diagnose;
mod feature;
mod map_types;
mod maps;
#[doc(hidden)]
pub mod percpu;
mod prog_types;
pub(crate) mod program;
mod quirk;
mod release;
mod uprobe_multi;
mod verifier;

pub use feature::{Feature, FeatureKind, Names, Probe};
pub use quirk::{Affected, Quirk, quirks};
pub use skelgen_abi::kernel::KernelVersion;

pub(crate) use abilities::{CPU_FLAGS, DIRECT_PERCPU, EXCLUSIVE_MAPS, TOKENS};
pub(crate) use arena::takes_any_offset;
pub(crate) use commands::has_attach_cookie;
pub(crate) use feature::{came_with, missing};
pub(crate) use map_types::BPF_F_LINK;
pub(crate) use release::{is_older, newer_map_type, release, too_old};
pub(crate) use uprobe_multi::mean_processes as uprobe_multi_means_processes;

/// The first kernel with everything that the loader needs: `bpf_loop`, and CO-RE done by the kernel. What libbpf puts in
/// place for older ones is not needed then: `bpf_probe_read` for `bpf_probe_read_kernel` (5.5), programs without an
/// `expected_attach_type`, maps without names, BTF without some kinds.
pub const OLDEST: KernelVersion = KernelVersion::new(5, 17);

/// The oldest kernel that skeletons are tested on.
pub const OLDEST_TESTED: KernelVersion = KernelVersion::OLDEST;

/// The features that objects ask for and some kernels lack, or that skelgen does something else without.
pub fn features() -> impl Iterator<Item = &'static Feature> {
    let tables: [&'static [Feature]; 5] = [
        &map_types::MAP_TYPES,
        &map_types::MAP_FLAGS,
        &prog_types::PROG_TYPES,
        &prog_types::ATTACH_TYPES,
        &abilities::FUNCTIONS,
    ];
    tables.into_iter().chain([&abilities::ABILITIES as &[Feature]]).flatten()
}
