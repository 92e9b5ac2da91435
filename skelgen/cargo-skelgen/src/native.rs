//! The machine that this program is compiled for.

use skelgen::Endian;

/// Its byte order.
pub(crate) const ENDIAN: Endian = Endian::NATIVE;
