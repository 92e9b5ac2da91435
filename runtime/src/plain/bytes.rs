//! [`Plain`]: types that are their bytes.

use core::fmt::Debug;
use core::mem::MaybeUninit;
use core::slice;

use super::value::Value;

/// A type that is its bytes.
///
/// # Safety
///
/// - Every pattern of `size_of::<Self>()` bytes is a valid value.
/// - There are no padding bytes.
/// - There is no interior mutability.
/// - There are no pointers or references.
///
/// Do not implement it by hand for a struct: [`plain!`](crate::plain!) does so and checks.
pub unsafe trait Plain: Value + Copy + Debug {
    /// The value whose bytes are all 0.
    #[must_use]
    fn zeroed() -> Self {
        // SAFETY: every pattern of bytes is a valid value, all zeroes among them.
        unsafe { MaybeUninit::<Self>::zeroed().assume_init() }
    }

    /// The value with these bytes; `None` if there are not exactly `size_of::<Self>()` of them.
    #[must_use]
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        // SAFETY: the bytes are as many as the value has and may be any; `read_unaligned` asks for no alignment.
        Some(unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }

    /// The value with these bytes, on the heap and never on the stack, for values too large for it.
    ///
    /// `None` if there are not exactly `size_of::<Self>()` bytes.
    #[must_use]
    fn boxed_from_bytes(bytes: &[u8]) -> Option<Box<Self>> {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        let mut value = Box::<Self>::new_uninit();
        let start = value.as_mut_ptr().cast::<u8>();
        // SAFETY: the box has room for `size_of::<Self>()` bytes, is new and so does not overlap `bytes`.
        unsafe { start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        // SAFETY: every byte was written, and every pattern of bytes is a valid value.
        Some(unsafe { value.assume_init() })
    }

    /// The value whose bytes are all 0, on the heap and never on the stack.
    #[must_use]
    fn boxed_zeroed() -> Box<Self> {
        let mut value = Box::<Self>::new_uninit();
        let start = value.as_mut_ptr().cast::<u8>();
        // SAFETY: the box has room for `size_of::<Self>()` bytes.
        unsafe { start.write_bytes(0, size_of::<Self>()) };
        // SAFETY: every byte was written, and every pattern of bytes is a valid value.
        unsafe { value.assume_init() }
    }

    /// The bytes of the value.
    #[must_use]
    fn as_bytes(&self) -> &[u8] {
        let start = (&raw const *self).cast::<u8>();
        // SAFETY: the value is `size_of::<Self>()` initialised bytes, as it has no padding, and none of them changes
        // while it is borrowed, as it has no interior mutability.
        unsafe { slice::from_raw_parts(start, size_of::<Self>()) }
    }

    /// The bytes of the value, to write.
    #[must_use]
    fn as_bytes_mut(&mut self) -> &mut [u8] {
        let start = (&raw mut *self).cast::<u8>();
        // SAFETY: as in `as_bytes`; the borrow is exclusive, and whatever is written leaves a valid value.
        unsafe { slice::from_raw_parts_mut(start, size_of::<Self>()) }
    }
}

// SAFETY: an array is its elements one after the other, with nothing between them.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
