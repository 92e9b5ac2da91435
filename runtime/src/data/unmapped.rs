//! The variables of a section that cannot be mapped: each access is a command to the kernel.

use std::marker::PhantomData;

use crate::map::Map;
use crate::percpu::KEY;
use crate::plain::{self, Plain};
use crate::sys::Errno;
use crate::sys::uapi::BPF_ANY;
use crate::{Error, Result};

/// The variables of a section that are the programs' own, all static or hidden, as in
/// `SEC(".bss.lock") __hidden struct bpf_spin_lock lock;`.
///
/// The kernel maps no memory that has a lock, a timer or a pointer of its own in it, so the section is read and written as
/// a whole. Of such members it hands out zeroes, and keeps its own whatever is written.
#[derive(Debug)]
pub struct Unmapped<T: Plain> {
    map: Map,
    value: PhantomData<fn() -> T>,
}

impl<T: Plain> Unmapped<T> {
    /// The value of key 0.
    ///
    /// # Errors
    ///
    /// The map's value is shorter than `T`.
    pub fn new(map: Map) -> Result<Unmapped<T>> {
        if !plain::begins::<T>(map.value_size()) {
            let (is, should) = (map.value_size(), size_of::<T>());
            return Err(map
                .failed("use the section of map")
                .because(format!("its value has {is} bytes, the type {should}")));
        }
        Ok(Unmapped { map, value: PhantomData })
    }

    /// The map behind it.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// A copy of all variables (`BPF_MAP_LOOKUP_ELEM`).
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn get(&self) -> Result<Box<T>> {
        // What the struct's alignment adds is not the map's.
        Ok(plain::read_boxed(&self.bytes()?))
    }

    /// Writes all variables (`BPF_MAP_UPDATE_ELEM`). What programs write at the same time is lost, or wins.
    ///
    /// # Errors
    ///
    /// The section is constant (EPERM), or the kernel refuses.
    pub fn set(&self, value: &T) -> Result<()> {
        let mut bytes =
            if self.map.value_size() > size_of::<T>() { self.bytes()? } else { vec![0; self.map.value_size()] };
        bytes.iter_mut().zip(value.as_bytes()).for_each(|(to, from)| *to = *from);
        self.map.fd().update(&KEY, &bytes, BPF_ANY).map_err(|errno| self.failed("write the section of map", errno))
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.map.value_size()];
        self.map.fd().lookup(&KEY, &mut bytes, 0).map_err(|errno| self.failed("read the section of map", errno))?;
        Ok(bytes)
    }

    fn failed(&self, what: &'static str, errno: Errno) -> Error {
        self.map.failed(what).refused(errno, self.map.shape())
    }
}
