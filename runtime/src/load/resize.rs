//! Data sections that were made longer than the object has them.
//!
//! The image holds a section's first value in as many bytes as the object has, so the runtime makes such a map
//! itself, fills it and freezes it if it is constant, and hands it to the loader as one that exists. The skeleton owns
//! it like those that the loader makes.

use super::first_value;
use crate::desc::{DataKind, MapDesc};
use crate::map::Map;
use crate::open::{OpenMap, Opened};
use crate::percpu::{KEY, fill_all};
use crate::sys::attr::MapCreate;
use crate::sys::bpf::object_name;
use crate::sys::elem::MapFd;
use crate::sys::uapi::{BPF_ANY, BPF_OBJ_NAME_LEN};
use crate::{Error, Result, diagnose, features};

/// Place of `map_name` in a `BPF_MAP_CREATE` attr.
const AT_MAP_NAME: usize = 28;

/// Makes the map if it is to be longer than its section and none was handed in, and says whether it did.
pub(super) fn make<'v>(opened: &Opened<'v>, open: &mut OpenMap, values: &[(usize, &'v [u8])]) -> Result<bool> {
    let desc = &opened.desc.maps[open.index];
    let (Some(value_size), Some(data), None) = (open.value_size, &desc.data, &open.reuse) else { return Ok(false) };
    let map = create(opened, desc, value_size)?;
    if let Some(value) = first_value(opened, open.index, values) {
        fill(&map, value)?;
    }
    if matches!(data.kind, DataKind::Rodata | DataKind::Kconfig) {
        map.freeze()?;
    }
    open.reuse = Some(map);
    Ok(true)
}

/// The map as the loader would make it, but for its value's size and without types: the section's type is shorter.
fn create(opened: &Opened<'_>, desc: &MapDesc<'_>, value_size: u32) -> Result<Map> {
    let attr = MapCreate {
        map_type: desc.map_type,
        key_size: desc.key_size,
        value_size,
        max_entries: desc.max_entries,
        map_flags: desc.map_flags,
        map_name: kernel_name(opened, desc).unwrap_or_else(|| object_name(desc.name)),
        ..Default::default()
    };
    let fd = MapFd::create(attr)
        .map_err(|errno| diagnose::explain(Error::new("create map").subject(desc.name).errno_is(errno)))?;
    Ok(Map::new(fd, desc.name))
}

/// The name that the kernel shows, which is not always the section's: `counters.bss`.
fn kernel_name(opened: &Opened<'_>, desc: &MapDesc<'_>) -> Option<[u8; BPF_OBJ_NAME_LEN]> {
    let at = (*desc.attrs.first()? as usize).checked_add(AT_MAP_NAME)?;
    opened.desc.image.get(at..)?.first_chunk().copied()
}

/// Writes the section's first value, with zeroes behind it. By a command, as the kernel lets nobody map constants for
/// writing.
fn fill(map: &Map, value: &[u8]) -> Result<()> {
    if map.is_per_cpu() {
        return fill_all(map, value, features::has_cpu_flags(map.fd()))
            .map_err(|errno| map.failed("initialise per-CPU map").errno_is(errno));
    }
    let mut whole = value.to_vec();
    whole.resize(map.value_size(), 0);
    map.fd().update(&KEY, &whole, BPF_ANY).map_err(|errno| map.failed("initialise map").errno_is(errno))
}
