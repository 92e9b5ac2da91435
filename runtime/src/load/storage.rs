//! Local storages, which the loader must not make.
//!
//! A kernel that refuses one after it has looked at its types waits for all sleepable programs to end before it frees it
//! (`bpf_local_storage_map_free`). The loader is such a program: it would wait for itself, for ever, and so would everything
//! that waits for sleepable programs from then on. The runtime is none, so it makes these maps before the loader runs, which finds them as
//! maps that exist. They cannot be without types, so it loads the object's BTF before that.

use std::os::fd::OwnedFd;

use super::machine::{FIRST_LOG, log_buffer, text};
use super::patch::Patches;
use super::{number, untyped};
use crate::desc::MapDesc;
use crate::image::{OP_BPF, OP_POINT, Read as _, Step};
use crate::map::Map;
use crate::open::{OpenMap, Opened};
use crate::sys::attr::MapCreate;
use crate::sys::elem::MapFd;
use crate::sys::uapi::{
    BPF_BTF_LOAD, BPF_MAP_TYPE_CGRP_STORAGE, BPF_MAP_TYPE_INODE_STORAGE, BPF_MAP_TYPE_SK_STORAGE,
    BPF_MAP_TYPE_TASK_STORAGE,
};
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// Place of `btf_size` in the attr of `BPF_BTF_LOAD`, which begins with the address of the types.
const AT_BTF_SIZE: u32 = 16;

/// Makes the local storages for which no map was handed in, and notes in `made` which. The object's BTF, if that takes it,
/// is the loader's to use as long as what comes back is open.
pub(super) fn make(
    opened: &Opened<'_>,
    maps: &mut [OpenMap],
    patches: &mut Patches<'_, '_>,
    made: &mut [bool],
) -> Result<Option<OwnedFd>> {
    let mut btf = None;
    for map in maps.iter_mut().filter(|map| is_storage(map.shape.map_type) && map.reuse.is_none()) {
        let types = match &btf {
            Some(types) => types,
            None => btf.insert(load_btf(opened, patches)?),
        };
        let desc = &opened.desc.maps[map.index];
        map.reuse = Some(create(opened, desc, patches.max_entries(map)?, types)?);
        made[map.index] = true;
    }
    Ok(btf)
}

fn is_storage(map_type: u32) -> bool {
    matches!(
        map_type,
        BPF_MAP_TYPE_SK_STORAGE | BPF_MAP_TYPE_INODE_STORAGE | BPF_MAP_TYPE_TASK_STORAGE | BPF_MAP_TYPE_CGRP_STORAGE
    )
}

/// Does the loader's step that loads the object's BTF.
fn load_btf(opened: &Opened<'_>, patches: &mut Patches<'_, '_>) -> Result<OwnedFd> {
    let image = opened.desc.image;
    let failed = || Error::new("load the BTF");
    let found = (0..).zip(opened.header.steps(image)).find(|(_, step)| step.op == OP_BPF && step.cmd == BPF_BTF_LOAD);
    let (index, step) =
        found.ok_or_else(|| failed().because("the object has none, and its local storages need types"))?;
    let types = types_of(opened, &step).ok_or_else(|| failed().because("they are not inside the image"))?;
    let btf = bpf::btf_load(types, None).map_err(|errno| refused(types, errno))?;
    patches.words(vec![(step.out, number(&btf)), untyped::never(&opened.header, index)]);
    patches.borrow(number(&btf).cast_signed());
    Ok(btf)
}

/// The types that `load` loads: a step before it has their address written to where the attr begins.
fn types_of<'a>(opened: &Opened<'a>, load: &Step) -> Option<&'a [u8]> {
    let image = opened.desc.image;
    let size = image.u32(load.arg.checked_add(AT_BTF_SIZE)?)?;
    let point = opened.header.steps(image).find(|step| step.op == OP_POINT && step.out == load.arg)?;
    image.get(point.arg as usize..)?.get(..size as usize)
}

/// What the kernel says of types that it refuses.
fn refused(types: &[u8], errno: Errno) -> Error {
    let error = Error::new("load the BTF").errno_is(errno);
    let Ok(log) = log_buffer(FIRST_LOG) else { return diagnose::explain(error) };
    match bpf::btf_load(types, Some(&log)) {
        Ok(_) => diagnose::explain(error),
        Err(_) => diagnose::explain(error.log(text(&log))),
    }
}

/// The map as the loader would make it.
fn create(opened: &Opened<'_>, desc: &MapDesc<'_>, max_entries: u32, types: &OwnedFd) -> Result<Map> {
    let failed = || Error::new("create map").subject(desc.name);
    let attr = desc.attrs.first().and_then(|&at| MapCreate::read(opened.desc.image, at));
    let attr = attr.ok_or_else(|| failed().because("its attr is not inside the image"))?;
    let attr = MapCreate { max_entries, btf_fd: number(types), ..attr };
    let fd = MapFd::create(attr).map_err(|errno| diagnose::explain(failed().errno_is(errno)))?;
    Ok(Map::new(fd, desc.name))
}
