//! The maps that the runtime makes itself, before the loader runs, which finds them as maps that exist.
//!
//! Each is made by the attr that the image has for it, and filled. The skeleton owns them like those that the loader makes.

mod arena;
mod exclusive;
mod section;
mod types;

use std::os::fd::{BorrowedFd, OwnedFd};

use super::number;
use super::patch::Patches;
use crate::desc::MapDesc;
use crate::layout::map_create_at;
use crate::map::Map;
use crate::open::{OpenMap, Opened};
use crate::sys::Errno;
use crate::sys::attr::MapCreate;
use crate::sys::elem::{MapFd, Shape};
use crate::sys::uapi::{
    BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_CGRP_STORAGE, BPF_MAP_TYPE_INODE_STORAGE, BPF_MAP_TYPE_SK_STORAGE,
    BPF_MAP_TYPE_TASK_STORAGE,
};
use crate::{Error, Result, diagnose};
pub(super) use arena::Arena;
use types::ObjectTypes;

/// What was made.
pub(super) struct OwnMaps<'t> {
    /// By map, whether it was made here, and so is filled.
    pub(super) made: Vec<bool>,
    /// The load's arena, of whoever made it.
    pub(super) arena: Option<Arena>,
    /// The object's BTF if a map needed it, which is then the loader's to use as long as this is open.
    types: Option<OwnedFd>,
    /// The object's BTF as it is loaded if a map needs it.
    bytes: ObjectTypes,
    /// What the commands are given with them.
    token: Option<BorrowedFd<'t>>,
}

/// Why the runtime makes a map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// An arena: the verifier wants to know where a process has it mapped.
    Arena,
    /// A local storage. A kernel that refuses one after it has looked at its types waits for all sleepable programs to end
    /// before it frees it (`bpf_local_storage_map_free`). The loader is such a program: it would wait for itself, for ever,
    /// and so would everything that waits for sleepable programs from then on.
    Storage,
    /// A data section that was made longer: the image has room for the object's bytes only, and the object's BTF has to be
    /// edited.
    Longer,
    /// A map for one program alone: the image has no room for a hash.
    Exclusive,
}

impl Why {
    fn of(open: &OpenMap) -> Option<Why> {
        match open.shape.map_type {
            BPF_MAP_TYPE_ARENA => Some(Why::Arena),
            BPF_MAP_TYPE_SK_STORAGE
            | BPF_MAP_TYPE_INODE_STORAGE
            | BPF_MAP_TYPE_TASK_STORAGE
            | BPF_MAP_TYPE_CGRP_STORAGE => Some(Why::Storage),
            _ if open.is_data && open.value_size.is_some() => Some(Why::Longer),
            _ => open.exclusive.as_ref().map(|_| Why::Exclusive),
        }
    }
}

/// Makes those for which no map was handed in or found, and hands them to the loader.
pub(super) fn make<'t>(
    opened: &Opened<'_>,
    maps: &mut [OpenMap],
    token: Option<BorrowedFd<'t>>,
    patches: &mut Patches<'_, '_>,
    values: &[(usize, &[u8])],
) -> Result<OwnMaps<'t>> {
    let bytes = ObjectTypes::of(opened, maps);
    let mut own = OwnMaps { made: vec![false; maps.len()], arena: None, types: None, bytes, token };
    // The arena first: where it is becomes part of the programs, and of their hashes.
    let (arenas, others): (Vec<_>, Vec<_>) = maps
        .iter_mut()
        .filter(|open| open.autocreate())
        .filter_map(|open| Some((Why::of(open)?, open)))
        .partition(|(why, _)| *why == Why::Arena);
    for (why, open) in arenas.into_iter().chain(others) {
        // Whoever made the others has filled them.
        let (map, made) = match open.reuse.take() {
            Some(map) => (map, false),
            None => (own.create(opened, open, why, patches)?, true),
        };
        match why {
            Why::Arena => own.arena = Some(arena::prepare(opened, open.index, &map, made, token, patches, values)?),
            Why::Longer | Why::Exclusive if made => section::fill(opened, open.index, &map, values)?,
            Why::Longer | Why::Exclusive | Why::Storage => {}
        }
        own.made[open.index] = made;
        open.reuse = Some(map);
    }
    Ok(own)
}

impl OwnMaps<'_> {
    /// The map as the loader would make it, but for what makes it one of these.
    fn create(&mut self, opened: &Opened<'_>, open: &OpenMap, why: Why, patches: &mut Patches<'_, '_>) -> Result<Map> {
        let desc = &opened.desc.maps[open.index];
        let failed = || Error::new("create map").subject(desc.name);
        let attr = attr_of(opened, desc).ok_or_else(|| failed().because("its attr is not inside the image"))?;
        let attr = sized(attr, open, patches.max_entries(open)?);
        let hash = exclusive::hash(opened, open, patches)?;
        let token = self.token;
        let create = |attr| MapFd::create_with(attr, token, hash.as_ref());
        let made = match why {
            Why::Arena => create(attr),
            Why::Storage => create(attr.with_btf(number(self.types(opened, patches)?))),
            Why::Longer | Why::Exclusive => {
                let fits = if open.is_data { self.bytes.fit(open) } else { !open.is_resized() };
                let types = if attr.is_typed() && fits { self.types(opened, patches).map(number).ok() } else { None };
                // A map that the kernel refuses with types is made without, as by the loader: kernels before 7.3 take no
                // types of a `.percpu` section.
                let typed = types.and_then(|btf| create(attr.with_btf(btf)).ok());
                typed.map_or_else(|| create(attr.untyped()), Ok)
            }
        };
        let explain = |errno: Errno| match why {
            Why::Arena => arena::explain(failed().errno_is(errno), errno, attr.map_extra),
            _ if hash.is_some() => exclusive::explain(failed().errno_is(errno), errno),
            _ => diagnose::explain(failed().errno_is(errno)),
        };
        Ok(Map::new(made.map_err(explain)?, desc.name))
    }

    /// The object's BTF, loaded once.
    fn types(&mut self, opened: &Opened<'_>, patches: &mut Patches<'_, '_>) -> Result<&OwnedFd> {
        match &mut self.types {
            Some(types) => Ok(types),
            none => Ok(none.insert(self.bytes.load(opened, patches, self.token)?)),
        }
    }
}

/// The attr with the sizes that the map is to have here.
fn sized(attr: MapCreate, open: &OpenMap, max_entries: u32) -> MapCreate {
    let Shape { key_size, value_size, .. } = open.wanted_shape();
    MapCreate { key_size, value_size, max_entries, ..attr }
}

/// What the loader would make the map with.
pub(super) fn attr_of(opened: &Opened<'_>, desc: &MapDesc<'_>) -> Option<MapCreate> {
    map_create_at(opened.image(), *desc.attrs.first()?)
}
