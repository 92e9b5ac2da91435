//! Whether the kernel makes a map.

use std::os::fd::OwnedFd;

use super::diagnose;
use super::program::NAME;
use crate::sys::Errno;
use crate::sys::attr::MapCreate;
use crate::sys::bpf;
use crate::sys::uapi::*;
use crate::{Error, Result};

/// `BPF_MAP_CREATE`.
pub(super) fn create(attr: MapCreate) -> Result<OwnedFd, Errno> {
    bpf::map_create(named(attr), None, None)
}

/// An array with one element of 4 bytes.
pub(super) fn array() -> MapCreate {
    MapCreate { map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..MapCreate::default() }
}

fn named(attr: MapCreate) -> MapCreate {
    MapCreate { map_name: object_name(NAME), ..attr }
}

/// Whether the kernel makes such a map: it says `EINVAL` of types, flags and fields that it does not know, and `E2BIG` of
/// fields behind those that it knows.
///
/// # Errors
///
/// This process may not make maps.
pub(super) fn exists(attr: MapCreate) -> Result<bool> {
    answer(create(attr))
}

fn answer(made: Result<OwnedFd, Errno>) -> Result<bool> {
    match made {
        Ok(_) => Ok(true),
        Err(Errno::EINVAL | Errno::E2BIG | Errno::EOPNOTSUPP) => Ok(false),
        Err(errno) => Err(diagnose::explain(Error::new("create map").subject("of a feature's probe").errno_is(errno))),
    }
}

/// `BPF_F_RB_OVERWRITE`
pub(super) fn rings_overwrite() -> Result<bool> {
    let map_flags = BPF_F_RB_OVERWRITE;
    exists(MapCreate { map_type: BPF_MAP_TYPE_RINGBUF, max_entries: 1 << 16, map_flags, ..MapCreate::default() })
}

/// `BPF_F_LINK`, of a struct_ops map whose type is no struct_ops: where the flag is known, that is what is refused.
pub(super) fn struct_ops_have_links() -> Result<bool> {
    let made = create(MapCreate {
        map_type: BPF_MAP_TYPE_STRUCT_OPS,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        map_flags: BPF_F_LINK,
        btf_vmlinux_value_type_id: 1,
        ..MapCreate::default()
    });
    if made.as_ref().is_err_and(|&errno| errno == Errno::ENOTSUPP) { Ok(true) } else { answer(made) }
}

/// `excl_prog_hash`
pub(super) fn are_exclusive() -> Result<bool> {
    answer(bpf::map_create(named(array()), None, Some(&[0; 32])))
}
