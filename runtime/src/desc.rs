//! What a skeleton is made of: the types of the statics in generated code.
//!
//! A description borrows all it says, for `'static` in generated code, for less where the object is read at run time.
//! Safe code can make any description, so [`Opened::new`](crate::Opened::new) trusts none. It accepts the one loader program
//! that this runtime knows, and checks each record of the image before that program runs: no record changes a map's sizes,
//! has the kernel write to the process's memory, or puts a number in the place of a descriptor. The object's own programs are
//! trusted: they run in the kernel with the rights of the process, as with any other loader. Processes that can write to this
//! process's memory or to its BPF maps, as root can, are trusted too.

use std::fmt;

use crate::sys::elem::Shape;
use crate::sys::uapi::{MapFlags, MapType};
pub use skelgen_abi::desc::*;

/// Shows the length of bytes that nobody reads as numbers.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// The map's sizes, as the kernel is told.
pub(crate) fn shape(map: &MapDesc<'_>) -> Shape {
    Shape {
        map_type: MapType(map.map_type),
        key_size: map.key_size,
        value_size: map.value_size,
        max_entries: map.max_entries,
        map_flags: MapFlags(map.map_flags),
    }
}
