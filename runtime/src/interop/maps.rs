//! Maps, both ways.

use std::fmt::Debug;
use std::os::fd::AsFd;

use libbpf_rs::{MapCore, MapHandle, MapImpl, MapInfo};

use super::{by_number, duplicate, refused};
use crate::{Error, Map, Result};

impl TryFrom<&Map> for MapHandle {
    type Error = Error;

    /// libbpf-rs's handle of the same map, under a descriptor of its own.
    ///
    /// libbpf-rs makes a handle by the map's number only. So it may read and write the map even if this descriptor may
    /// not both (`BPF_F_RDONLY`, `BPF_F_WRONLY`), and its name is the kernel's, of at most 15 characters.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN`; `EMFILE` at the file descriptor limit.
    fn try_from(map: &Map) -> Result<MapHandle> {
        let handle = MapInfo::new(map.as_fd()).and_then(|info| MapHandle::from_map_id(info.info.id));
        handle.map_err(|why| by_number(refused(map.failed("make a libbpf-rs handle of map"), &why)))
    }
}

impl TryFrom<&MapHandle> for Map {
    type Error = Error;

    /// The same map, under a descriptor of its own and the handle's name.
    ///
    /// # Errors
    ///
    /// `EMFILE` at the file descriptor limit; or the kernel does not tell the map's sizes.
    fn try_from(handle: &MapHandle) -> Result<Map> {
        same(handle)
    }
}

/// For [`libbpf_rs::Map`] and [`libbpf_rs::MapMut`].
impl<T: Debug> TryFrom<&MapImpl<'_, T>> for Map {
    type Error = Error;

    /// The same map, under a descriptor of its own and the name that it has in its object.
    ///
    /// # Errors
    ///
    /// `EMFILE` at the file descriptor limit; or the kernel does not tell the map's sizes.
    ///
    /// # Panics
    ///
    /// The object's map was not created (`autocreate`): libbpf-rs has no descriptor then.
    fn try_from(map: &MapImpl<'_, T>) -> Result<Map> {
        same(map)
    }
}

fn same(map: &dyn MapCore) -> Result<Map> {
    let name = map.name().to_string_lossy();
    let fd = duplicate(map.as_fd(), || Error::new("duplicate the descriptor of map").subject(&*name))?;
    Map::from_fd(fd, &name)
}
