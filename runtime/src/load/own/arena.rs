//! Arenas, which have to be in memory before a program that uses them can be loaded.
//!
//! The verifier wants an arena's address, which a process gives it by mapping it. The variables lie in the arena's last
//! pages; where that is, programs are told by adding it to the offsets that they hold.

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::super::patch::Patches;
use crate::arena::{memory_of, size_of_arena};
use crate::desc::ArenaDesc;
use crate::image::Read;
use crate::map::Map;
use crate::open::Opened;
use crate::sys::Errno;
use crate::sys::mmap::{Mapping, page_size};
use crate::sys::uapi::BPF_MAP_TYPE_ARENA;
use crate::{Error, Result, diagnose, kernel};

/// The arena that a load has.
#[derive(Debug)]
pub(in crate::load) struct Arena {
    /// Kept mapped until a handle has it.
    _memory: Option<Arc<Mapping>>,
    /// Where in it the variables are, and how many bytes.
    pub(in crate::load) variables: (u64, u32),
}

/// Maps the arena, gives the object's variables in it their first values if it was `made` for this load, and tells the
/// programs where they are.
pub(super) fn prepare(
    opened: &Opened<'_>,
    index: usize,
    map: &Map,
    made: bool,
    token: Option<BorrowedFd<'_>>,
    patches: &mut Patches<'_, '_>,
    values: &[(usize, &[u8])],
) -> Result<Arena> {
    let memory = if made { Some(memory_of(map)?) } else { memory_of(map).ok() };
    let mut variables = (0, 0);
    if let Some(arena) = &opened.desc.maps[index].arena {
        let start = place_of_variables(map, arena, token)?;
        variables = (start, arena.size);
        if let (Some(memory), true) = (&memory, made) {
            let value = first_value(opened, index, arena, values);
            fill(memory, start, arena.size, value).map_err(|errno| map.failed("initialise map").errno_is(errno))?;
        }
        for &at in arena.offsets {
            let offset = opened.image().u32(at).unwrap_or_default();
            // As the kernel takes it: an arena ends at 4 GiB at most.
            patches.word(at, 0, offset.wrapping_add(start as u32));
        }
    }
    Ok(Arena { _memory: memory, variables })
}

/// Of what `BPF_MAP_CREATE` refuses with `EINVAL`.
const ARENAS_TAKE: &str = "an arena takes BPF_F_MMAPABLE, BPF_F_SEGV_ON_FAULT and BPF_F_NO_USER_CONV, of which the first \
                           must be set, no key, no value, at least one page, and an address (map_extra) at the start of \
                           a page";

pub(super) fn explain(error: Error, errno: Errno, map_extra: u64) -> Error {
    match errno {
        Errno::EOPNOTSUPP => error.hint("this machine's JIT has no arenas; those of x86-64 and arm64 have"),
        Errno::EINVAL => {
            error.hint(kernel::newer_map_type(BPF_MAP_TYPE_ARENA).map_or(Cow::Borrowed(ARENAS_TAKE), Cow::Owned))
        }
        Errno::E2BIG => error.hint("an arena has at most 4 GiB"),
        Errno::ERANGE => {
            error.hint(format!("at the address {map_extra:#x} (map_extra) it would cross a multiple of 4 GiB"))
        }
        _ => diagnose::explain(error),
    }
}

/// Where in the arena its variables are: in its last pages, if the kernel lets programs refer to them there.
fn place_of_variables(map: &Map, arena: &ArenaDesc<'_>, token: Option<BorrowedFd<'_>>) -> Result<u64> {
    let (size, page) = (size_of_arena(map), u64::from(page_size()));
    let pages = u64::from(arena.size).next_multiple_of(page);
    let last = size.checked_sub(pages).ok_or_else(|| {
        let (has, wants) = (map.max_entries(), pages / page);
        let why = format!("its {has} pages of {page} bytes are too few for its variables, which have {wants}");
        map.failed("initialise map").because(why)
    })?;
    Ok(if kernel::takes_any_offset(map.as_fd(), token) { last } else { 0 })
}

/// The variables' first bytes; `None` if they are all zero, as pages are.
fn first_value<'v>(
    opened: &'v Opened<'_>,
    index: usize,
    arena: &ArenaDesc<'_>,
    values: &[(usize, &'v [u8])],
) -> Option<&'v [u8]> {
    let changed = values.iter().rev().find_map(|&(map, value)| (map == index).then_some(value));
    match (changed, arena.init) {
        // What a struct's alignment adds is not the section's.
        (Some(value), _) => value.get(..arena.size as usize),
        (None, Some((at, len))) => opened.image().get(at as usize..)?.get(..len as usize),
        (None, None) => None,
    }
}

/// Makes the variables' pages, which a program could allocate for itself otherwise, and writes them.
fn fill(memory: &Mapping, at: u64, size: u32, value: Option<&[u8]>) -> Result<(), Errno> {
    let at = usize::try_from(at).map_err(|_| Errno::EFAULT)?;
    memory.populate(at, size as usize)?;
    match value {
        Some(value) if !memory.write(at, value) => Err(Errno::EFAULT),
        _ => Ok(()),
    }
}
