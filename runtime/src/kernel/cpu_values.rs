//! What kernels get wrong about one CPU's value, and how to find out.

use std::sync::OnceLock;

use super::percpu;
use super::program::NAME;
use crate::cpus::{self, PossibleCpus};
use crate::sys::Errno;
use crate::sys::attr::MapCreate;
use crate::sys::elem::{MapFd, Shape};
use crate::sys::uapi::*;
use crate::{Error, Result};

/// The flags for one CPU's value.
pub(crate) fn one(cpu: u32) -> u64 {
    BPF_F_CPU | u64::from(cpu) << 32
}

/// Whether an element of a hash that `BPF_F_CPU` makes has zeroes for the other CPUs.
///
/// In Linux 7.0 and 7.1 it has what the memory's last element left there (`pcpu_init_value` in `kernel/bpf/hashtab.c`; seen
/// on 7.1.13, mended in 7.2). Asked once in a process, of the kernel itself, since the mend may be in older ones too; a
/// process that may make no map has to believe that it is not.
pub(crate) fn makes_clean_elements(cpus: &'static PossibleCpus) -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let &[first, second, ..] = cpus.ids() else { return true };
        finds_zeroes(first, second).unwrap_or(false)
    })
}

/// Whether an element of a hash that `BPF_F_CPU` makes has old values for the other CPUs; `None` without `BPF_F_CPU`, or
/// with one CPU.
pub(super) fn leaves_old_values() -> Result<Option<bool>> {
    let cpus = cpus::possible()?;
    let &[first, second, ..] = cpus.ids() else { return Ok(None) };
    if !percpu::probe()?.all_cpus {
        return Ok(None);
    }
    let failed = |errno| Error::new("write to map").subject("of a quirk's probe").errno_is(errno);
    finds_zeroes(first, second).map(|clean| Some(!clean)).map_err(failed)
}

/// Whether a write of all CPUs' values goes on into memory that is not the map's, on a kernel without `BPF_F_CPU`.
///
/// Every kernel up to 7.3 allocates the storage of a cgroup with `value_size` bytes for each CPU
/// (`bpf_cgroup_storage_calculate_size` in `kernel/bpf/local_storage.c`), and without flags reads `round_up(value_size, 8)`;
/// before Linux 7.0 it writes as many. Another's per-CPU memory may begin there, a counter of the kernel's own: zeroes would
/// reset it. Written back as it was just read, it can lose only what changed in between.
pub(crate) fn writes_past_values(shape: Shape) -> bool {
    shape.map_type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE && shape.slot() != shape.value_size as usize
}

/// Makes the one element of a hash, deletes it, and makes another in its memory with `second`'s value: whether `first`'s
/// is 0 then.
fn finds_zeroes(first: u32, second: u32) -> Result<bool, Errno> {
    let map = MapFd::create(MapCreate {
        map_type: BPF_MAP_TYPE_PERCPU_HASH,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        map_name: object_name(NAME),
        ..Default::default()
    })?;
    map.update(&[1; 4], &[0xff; 4], BPF_F_ALL_CPUS)?;
    map.delete(&[1; 4])?;
    map.update(&[2; 4], &[0xff; 4], one(second))?;
    let mut value = [0xff; 4];
    map.lookup(&[2; 4], &mut value, one(first))?;
    Ok(value == [0; 4])
}
