//! First values of data sections: what they are, and writing those that the loader does not.

use crate::Result;
use crate::desc::DataKind;
use crate::map::Map;
use crate::open::Opened;
use crate::percpu::{KEY, fill_all};
use crate::sys::uapi::BPF_ANY;

/// Writes the value of a section that the loader has just made, if it cannot: one that the object has as all zeroes has no
/// room in the image, and a `.percpu` section's takes a kernel with `BPF_F_ALL_CPUS`. No program has run yet.
pub(super) fn complete(
    opened: &Opened<'_>,
    index: usize,
    map: &Map,
    values: &[(usize, &[u8])],
    late: &[(usize, &[u8])],
    all_cpus: bool,
) -> Result<()> {
    let late = late.iter().find_map(|&(map, value)| (map == index).then_some(value));
    match first_percpu_value(opened, index, values) {
        Some(value) if late.is_some() || !all_cpus => fill_all(map, value, false)
            .map_err(|errno| map.failed("initialise per-CPU map").refused(errno, map.shape())),
        _ => late.map_or(Ok(()), |value| fill_section(map, value)),
    }
}

fn fill_section(map: &Map, value: &[u8]) -> Result<()> {
    if value.len() != map.value_size() {
        return Err(map.failed("initialise map").because("the value is not as long as the map's"));
    }
    map.fd().update(&KEY, value, BPF_ANY).map_err(|errno| map.failed("initialise map").refused(errno, map.shape()))
}

/// As [`first_value`], of a `.percpu` section.
fn first_percpu_value<'v>(opened: &'v Opened<'_>, index: usize, values: &[(usize, &'v [u8])]) -> Option<&'v [u8]> {
    let data = opened.desc.maps.get(index)?.data.as_ref()?;
    if data.kind == DataKind::PerCpu { first_value(opened, index, values) } else { None }
}

/// The value that a section starts with, every CPU's if each has its own, unless it is all zeroes, which new maps are.
pub(super) fn first_value<'v>(opened: &'v Opened<'_>, index: usize, values: &[(usize, &'v [u8])]) -> Option<&'v [u8]> {
    let desc = opened.desc.maps.get(index)?;
    let data = desc.data.as_ref()?;
    let changed = values.iter().rev().find_map(|&(map, value)| (map == index).then_some(value));
    let value = match (changed, data.init) {
        // What a struct's alignment adds is not the section's.
        (Some(value), _) => value.get(..desc.value_size as usize)?,
        (None, Some((at, len))) => opened.image().get(at as usize..)?.get(..len as usize)?,
        (None, None) => return None,
    };
    value.iter().any(|&byte| byte != 0).then_some(value)
}
