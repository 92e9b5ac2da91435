//! Arenas: their flags, and how far into them programs can refer.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;

use super::maps::{self, create};
use super::program::{self, exit, insn, mov};
use crate::Result;
use crate::sys::Errno;
use crate::sys::attr::MapCreate;
use crate::sys::uapi::*;

/// An address for an arena at which no process has anything.
const PLACE: u64 = 1 << 44;

fn arena(map_flags: MapFlags) -> MapCreate {
    let map_flags = BPF_F_MMAPABLE | map_flags;
    MapCreate { map_type: BPF_MAP_TYPE_ARENA, max_entries: 1, map_flags, map_extra: PLACE, ..MapCreate::default() }
}

pub(super) fn takes_segv_on_fault() -> Result<bool> {
    maps::exists(arena(BPF_F_SEGV_ON_FAULT))
}

pub(super) fn takes_no_user_conv() -> Result<bool> {
    maps::exists(arena(BPF_F_NO_USER_CONV))
}

/// Whether programs can refer to any place in an arena: kernels before 7.0 refuse offsets from 512 MiB on.
pub(crate) fn takes_any_offset(map: BorrowedFd<'_>, token: Option<BorrowedFd<'_>>) -> bool {
    static FOUND_OUT: OnceLock<bool> = OnceLock::new();
    *FOUND_OUT.get_or_init(|| refers_to_end(map, token))
}

/// Asked with a program that refers to the end of 4 GiB, where most arenas have nothing: that is out of range for a
/// kernel that takes any offset, and invalid for the others.
fn refers_to_end(map: BorrowedFd<'_>, token: Option<BorrowedFd<'_>>) -> bool {
    let insns = [insn(LD_IMM64, 1, BPF_PSEUDO_MAP_VALUE, 0, map.as_raw_fd()), insn(0, 0, 0, 0, -1), mov(0, 0), exit()];
    !matches!(program::load(BPF_PROG_TYPE_SOCKET_FILTER, AttachType::default(), &insns, token), Err(Errno::EINVAL))
}

/// Whether programs cannot refer to the end of an arena; `None` if the kernel has no arenas.
pub(super) fn refuses_far_offsets() -> Result<Option<bool>> {
    match create(arena(MapFlags::default())) {
        Ok(map) => Ok(Some(!refers_to_end(map.as_fd(), None))),
        Err(_) => Ok(None),
    }
}
