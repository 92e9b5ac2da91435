//! Data sections that the runtime makes: longer than the object has them, or for one program alone.

use super::super::values::first_value;
use crate::desc::DataKind;
use crate::map::Map;
use crate::open::Opened;
use crate::percpu::{KEY, fill_all};
use crate::sys::uapi::BPF_ANY;
use crate::{Result, features};

/// Writes the section's first value, with zeroes behind it, and freezes what is constant. Other maps it leaves alone.
///
/// By a command, as the kernel lets nobody map constants for writing.
pub(super) fn fill<'v>(opened: &Opened<'v>, index: usize, map: &Map, values: &[(usize, &'v [u8])]) -> Result<()> {
    if let Some(value) = first_value(opened, index, values) {
        write(map, value)?;
    }
    match &opened.desc.maps[index].data {
        Some(data) if matches!(data.kind, DataKind::Rodata | DataKind::Kconfig) => map.freeze(),
        _ => Ok(()),
    }
}

fn write(map: &Map, value: &[u8]) -> Result<()> {
    if map.is_per_cpu() {
        return fill_all(map, value, features::has_cpu_flags(map.fd()))
            .map_err(|errno| map.failed("initialise per-CPU map").refused(errno, map.shape()));
    }
    let mut whole = value.to_vec();
    whole.resize(map.value_size(), 0);
    map.fd().update(&KEY, &whole, BPF_ANY).map_err(|errno| map.failed("initialise map").refused(errno, map.shape()))
}
