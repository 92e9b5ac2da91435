//! Registration of a struct_ops map that has no link: it holds until its element is deleted, whoever goes.

use crate::percpu::KEY;
use crate::sys::Errno;
use crate::sys::elem::MapFd;

/// A map that is registered; dropping this unregisters it.
#[derive(Debug)]
pub(crate) struct Registration {
    map: MapFd,
    /// Whether it is to stay registered.
    kept: bool,
}

impl Registration {
    /// Of a map that is registered now.
    pub(crate) fn new(map: MapFd) -> Registration {
        Registration { map, kept: false }
    }

    /// Unregisters the map.
    pub(crate) fn detach(&self) -> Result<(), Errno> {
        self.map.delete(&KEY)
    }

    /// Lets go of the map, which stays registered.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.kept {
            // Others can have been faster.
            let _ = self.detach();
        }
    }
}
