//! Checks the updates of map elements: the kernel reads as many bytes at an attr's key and value as the map has, and all of
//! them must be the image's.
//!
//! - `key` and `value` of a `BPF_MAP_UPDATE_ELEM` attr are 0 at rest. Only an `OP_POINT` writes them, each one at most once, and
//!   there are as many bytes of the image behind its target as the largest map needs whose descriptor is copied into the attr.
//! - No record writes `flags`.
//! - A per-CPU map is updated with `BPF_F_ALL_CPUS` alone, so that its value is one CPU's, and only where the kernel knows the
//!   flag.
//! - A data section is updated unless the map exists: the runtime makes longer ones itself. No probe updates a map of the
//!   object, whose sizes can be set.

use std::collections::{BTreeMap, BTreeSet};

use super::{malformed, map_create_at};
use crate::Result;
use crate::desc::{ObjectDesc, shape};
use crate::image::{FEATURE_ALL_CPUS, OP_BPF, OP_COPY, OP_FIND_BTF, OP_FIND_KSYM, OP_POINT, OP_PROBE, Read as _, Step};
use crate::sys::attr::{MapElem, place};
use crate::sys::elem::Shape;
use crate::sys::uapi::{BPF_F_ALL_CPUS, BPF_MAP_CREATE, BPF_MAP_UPDATE_ELEM, Command};

const KEY: u32 = place!(MapElem.key);
const VALUE: u32 = place!(MapElem.value);
const FLAGS: u32 = place!(MapElem.flags);

/// Checks `steps`, whose attrs are whole, apart from each other, and on the map's descriptor written by copies only.
pub(super) fn check(desc: &ObjectDesc<'_>, image: &[u8], steps: &[Step]) -> Result<()> {
    let attrs: BTreeSet<u32> = updates(steps).map(|step| step.arg).collect();
    if attrs.is_empty() {
        return Ok(());
    }
    let written =
        Written::of(&attrs, steps).ok_or_else(|| malformed("a record writes the key, value or flags of an update"))?;
    let maps = Maps::of(desc, image, steps);
    for step in updates(steps) {
        is_inside(image, &written, &maps, step).ok_or_else(|| {
            let error = malformed("the key or value of an update is not inside the image");
            match desc.steps.get(step.plan as usize) {
                Some(named) => error.subject(format!("in {} {}", named.what, named.subject)),
                None => error,
            }
        })?;
    }
    Ok(())
}

fn updates(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| matches!(step.op, OP_BPF | OP_PROBE) && Command(step.cmd) == BPF_MAP_UPDATE_ELEM)
}

/// What records write to the attrs of updates.
#[derive(Default)]
struct Written {
    /// By the place of a key or value, where it leads to.
    targets: BTreeMap<u32, u32>,
    /// By attr, the places from which its map's descriptor is copied.
    entries: BTreeMap<u32, Vec<u32>>,
}

impl Written {
    /// `None` if a record writes what no generator has written.
    fn of(attrs: &BTreeSet<u32>, steps: &[Step]) -> Option<Written> {
        let mut written = Written::default();
        // The attr over which a write of `len` bytes lies, and its first byte there.
        let attr = |at: u32, len: u32| {
            let last = at.checked_add(len)?;
            let &attr = attrs.range(..last).next_back()?;
            (at < attr + size_of::<MapElem>() as u32).then_some((attr, i64::from(at) - i64::from(attr)))
        };
        for step in steps {
            match step.op {
                OP_POINT => match attr(step.out, 8) {
                    None => {}
                    Some((_, field)) if field == i64::from(KEY) || field == i64::from(VALUE) => {
                        let before = written.targets.insert(step.out, step.arg);
                        before.is_none().then_some(())?;
                    }
                    Some(_) => return None,
                },
                OP_COPY => match attr(step.out, 4) {
                    None => {}
                    Some((attr, 0)) => written.entries.entry(attr).or_default().push(step.arg),
                    Some(_) => return None,
                },
                OP_FIND_KSYM if attr(step.out, 8).is_some() => return None,
                OP_FIND_BTF if attr(step.out, 4).or_else(|| attr(step.out2, 4)).is_some() => return None,
                _ => {}
            }
        }
        Some(written)
    }
}

/// By the place of their descriptor, the maps that can be there.
struct Maps(BTreeMap<u32, Vec<Target>>);

struct Target {
    shape: Shape,
    /// Of a map of the description: the word that says that a data section's map exists.
    described: Option<Option<u32>>,
}

impl Maps {
    fn of(desc: &ObjectDesc<'_>, image: &[u8], steps: &[Step]) -> Maps {
        let mut maps = BTreeMap::<u32, Vec<Target>>::new();
        for map in desc.maps {
            let described = Some(map.data.is_some().then_some(map.reused));
            maps.entry(map.fd).or_default().push(Target { shape: shape(map), described });
        }
        for step in
            steps.iter().filter(|step| matches!(step.op, OP_BPF | OP_PROBE) && Command(step.cmd) == BPF_MAP_CREATE)
        {
            if let Some(attr) = map_create_at(image, step.arg) {
                maps.entry(step.out).or_default().push(Target { shape: Shape::from(&attr), described: None });
            }
        }
        Maps(maps)
    }
}

fn is_inside(image: &[u8], written: &Written, maps: &Maps, step: &Step) -> Option<()> {
    let attr = step.arg;
    let at_rest = |place: u32| Some((image.u32(attr + place)?, image.u32(attr + place + 4)?));
    let target = |place: u32| written.targets.get(&(attr + place));
    let inside = |place: u32, size: u32| {
        (at_rest(place)? == (0, 0)).then_some(())?;
        // An address of 0 is EFAULT to the kernel.
        let Some(&target) = target(place) else { return Some(()) };
        target.checked_add(size).filter(|&end| end as usize <= image.len()).map(drop)
    };
    inside(KEY, 0)?;
    inside(VALUE, 0)?;
    for map in written.entries.get(&attr).into_iter().flatten().filter_map(|entry| maps.0.get(entry)).flatten() {
        inside(KEY, map.shape.key_size)?;
        inside(VALUE, map.shape.value_size)?;
        if map.shape.per_cpu() && target(VALUE).is_some() {
            let (low, high) = at_rest(FLAGS)?;
            let one_value = u64::from(high) << 32 | u64::from(low) == BPF_F_ALL_CPUS;
            let is_known = u32::from(step.mask & step.want) & FEATURE_ALL_CPUS != 0;
            (one_value && is_known).then_some(())?;
        }
        if let Some(unless) = map.described {
            (step.op == OP_BPF && unless.is_none_or(|unless| unless == step.unless)).then_some(())?;
        }
    }
    Some(())
}
