//! What this kernel can do with per-CPU data.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;

use super::diagnose;
use super::program::{self, NAME, exit, insn, mov};
use crate::image::{FEATURE_ALL_CPUS, FEATURE_DIRECT};
use crate::sys::attr::MapCreate;
use crate::sys::elem::MapFd;
use crate::sys::uapi::*;
use crate::{Error, Result, cpus};

/// What this kernel can do with per-CPU data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Features {
    /// `BPF_F_CPU` and `BPF_F_ALL_CPUS` (Linux 7.0).
    pub all_cpus: bool,
    /// Programs address `.percpu` variables directly (Linux 7.3, and a JIT that knows how).
    pub direct: bool,
}

static KNOWN: OnceLock<Features> = OnceLock::new();

/// Asks the kernel, once in a process: makes a per-CPU array, asks it about a CPU that no kernel has, and loads a
/// socket filter that reads it. Nothing of that stays.
///
/// Loading a skeleton with per-CPU data finds out as well, on the way, and spares this.
///
/// ```no_run
/// # fn main() -> skelgen_runtime::Result<()> {
/// let features = skelgen_runtime::features::probe()?;
/// println!("one CPU's value at a time: {}, direct: {}", features.all_cpus, features.direct);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// This process may not make a map, or the possible CPUs cannot be read.
pub fn probe() -> Result<Features> {
    if let Some(features) = known() {
        return Ok(features);
    }
    cpus::possible()?;
    let map = MapFd::create(MapCreate {
        map_type: BPF_MAP_TYPE_PERCPU_ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        map_name: object_name(NAME),
        ..Default::default()
    })
    .map_err(|errno| diagnose::explain(Error::new("create map").subject("of the features' probe").errno_is(errno)))?;
    let all_cpus = map.knows_cpu_flags();
    let features = Features { all_cpus, direct: all_cpus && reads_directly(&map) };
    remember(features);
    Ok(features)
}

/// Whether the kernel has `BPF_F_CPU` and `BPF_F_ALL_CPUS`; asked of `map`, a per-CPU one, once in a process.
pub(crate) fn has_cpu_flags(map: &MapFd) -> bool {
    static FOUND_OUT: OnceLock<bool> = OnceLock::new();
    if map.is_absent() {
        // The kernel's answer about another descriptor must not be remembered; the operation fails either way.
        return true;
    }
    let ask = || known().map_or_else(|| map.knows_cpu_flags(), |features| features.all_cpus);
    *FOUND_OUT.get_or_init(ask)
}

/// Whether a program can address the map's value.
fn reads_directly(map: &MapFd) -> bool {
    let insns = [
        // r1 = value of map
        insn(LD_IMM64, 1, BPF_PSEUDO_MAP_VALUE, 0, map.as_fd().as_raw_fd()),
        insn(0, 0, 0, 0, 0),
        // r0 = *(u64 *)(r1 + 0)
        insn(0x79, 0, 1, 0, 0),
        mov(0, 0),
        exit(),
    ];
    program::load(BPF_PROG_TYPE_SOCKET_FILTER, AttachType::default(), &insns, None).is_ok()
}

/// What was found out before, in this process.
pub(crate) fn known() -> Option<Features> {
    KNOWN.get().copied()
}

pub(crate) fn remember(features: Features) {
    let _ = KNOWN.set(features);
}

impl Features {
    /// From [`Header::features`](crate::image::Header::features).
    pub(crate) fn from_bits(bits: u32) -> Features {
        Features { all_cpus: bits & FEATURE_ALL_CPUS != 0, direct: bits & FEATURE_DIRECT != 0 }
    }

    /// The bits for [`Header::features`](crate::image::Header::features).
    pub(crate) fn bits(self) -> u32 {
        let all_cpus = if self.all_cpus { FEATURE_ALL_CPUS } else { 0 };
        all_cpus | if self.direct { FEATURE_DIRECT } else { 0 }
    }
}
