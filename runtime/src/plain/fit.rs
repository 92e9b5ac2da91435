//! Values in bytes that may be fewer or more than the type's own.

use super::bytes::Plain;

/// Whether `len` bytes are a `T`, but for what its alignment adds behind them.
///
/// A C section's size need not be a multiple of its variables' alignment, a Rust struct's must.
pub(crate) fn fits<T>(len: usize) -> bool {
    len.checked_next_multiple_of(align_of::<T>()) == Some(size_of::<T>())
}

/// Whether a map's value of `len` bytes is a `T`, or has one at its start.
pub(crate) fn begins<T>(len: usize) -> bool {
    len >= size_of::<T>() || fits::<T>(len)
}

/// The value with these bytes, followed by zeroes; on the heap. `None` if they do not [fit](fits).
pub(crate) fn boxed_fitting<T: Plain>(bytes: &[u8]) -> Option<Box<T>> {
    if bytes.len() == size_of::<T>() {
        return T::boxed_from_bytes(bytes);
    }
    let mut whole = bytes.to_vec();
    whole.resize(size_of::<T>(), 0);
    T::boxed_from_bytes(&whole).filter(|_| fits::<T>(bytes.len()))
}
