//! This machine, as far as the compiler knows it.

use skelgen::Endian;

/// Its byte order.
pub(crate) const ENDIAN: Endian = Endian::NATIVE;
