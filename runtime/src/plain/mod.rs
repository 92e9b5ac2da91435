//! Values that are nothing but bytes: what a map holds, typed.
//!
//! BPF programs and the kernel write the memory that generated types describe, so a type here must be sound for
//! whatever they write. [`Plain`] is that promise; [`plain!`](crate::plain!) declares a struct and has the compiler
//! prove the promise, so that generated code needs no `unsafe` of its own.
#![allow(unsafe_code, reason = "reading a value as its bytes, and bytes as a value")]

use core::fmt::Debug;
use core::mem::MaybeUninit;
use core::slice;

mod bits;
#[doc(hidden)]
pub mod compare;
mod foreign;
mod layout;
mod macros;
mod union;
pub(crate) mod value;
mod wrappers;

pub use bits::{bits, set_bits, signed_bits};
pub(crate) use layout::Shown;
pub use layout::{FieldLayout, TypeLayout};
use macros::is_storage;
#[doc(hidden)]
pub use macros::{Boxed, Byte, field_name, is_padding, plain_size};
#[doc(hidden)]
pub use union::read_boxed;
pub use union::{read, write};
pub(crate) use value::Room;
pub use value::Value;
#[doc(hidden)]
pub use value::{rest, rest_mut};
pub use wrappers::{Bool, Unaligned};

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

/// Makes the first `len` bytes of `room` 0, and lends them; all if it has fewer.
fn zeroes_in<const N: usize>(room: &mut MaybeUninit<[u8; N]>, len: usize) -> &mut [u8] {
    let (start, len) = (room.as_mut_ptr().cast::<u8>(), len.min(N));
    // SAFETY: `room` has `len` bytes, and is borrowed exclusively.
    unsafe { start.write_bytes(0, len) };
    // SAFETY: these bytes were all written.
    unsafe { slice::from_raw_parts_mut(start, len) }
}

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

macro_rules! numbers {
    ($($number:ty)*) => {$(
        // SAFETY: a number has no padding and every pattern of its bytes is a number.
        unsafe impl Plain for $number {}
    )*};
}

numbers! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 }

// SAFETY: an array is its elements one after the other, with nothing between them.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

#[cfg(test)]
mod tests {
    use super::*;

    crate::plain! {
        /// A struct with everything.
        #[derive(Eq)]
        struct Event {
            /// With a doc.
            pid: u32,
            r#type: Bool,
            _pad5: [u8; 3],
            grid: [[u16; 2]; 3],
            packed: Unaligned<u32>,
        }

        struct Empty {}

        struct OfUnion {
            _align: [u64; 0],
            bytes: [u8; 16],
        }
    }

    crate::plain_enum! {
        #[repr(i32)]
        /// An enum with a twin and a negative.
        enum Color {
            RED = 0,
            Blue = -7,
            CRIMSON = 0,
        }
    }

    fn event() -> Event {
        Event { pid: 7, r#type: true.into(), grid: [[1, 2], [3, 4], [5, 6]], packed: 9.into(), ..Event::default() }
    }

    #[test]
    fn bytes_go_out_and_back() {
        let event = event();
        let bytes = event.as_bytes().to_vec();
        assert_eq!(bytes.len(), 24);
        assert_eq!(Event::from_bytes(&bytes), Some(event));
        assert_eq!(Event::boxed_from_bytes(&bytes).as_deref(), Some(&event));
        assert_eq!(Event::from_bytes(&bytes[1..]), None);
        assert_eq!(Event::boxed_from_bytes(&[0; 25]), None);
        let mut other = Event::zeroed();
        other.as_bytes_mut().copy_from_slice(&bytes);
        assert_eq!(other, event);
        assert_eq!(Empty::default().as_bytes(), [0u8; 0]);
        assert_eq!((size_of::<OfUnion>(), align_of::<OfUnion>()), (16, align_of::<u64>()));
    }

    #[test]
    fn padding_is_neither_compared_nor_shown() {
        let noisy = Event { _pad5: [1, 2, 3], ..event() };
        assert_eq!(noisy, event());
        assert_ne!(noisy, Event { pid: 8, ..noisy });
        assert_eq!(format!("{noisy:?}"), "Event { pid: 7, type: true, grid: [[1, 2], [3, 4], [5, 6]], packed: 9 }");
    }

    #[test]
    fn an_enum_takes_any_value() {
        assert_eq!(format!("{:?} {:?} {:?}", Color::CRIMSON, Color::Blue, Color(3)), "RED Blue Color(3)");
        assert_eq!(Color::default(), Color::RED);
        assert_eq!(Color::from_bytes(&[0xff; 4]), Some(Color(-1)));
        assert_eq!((Color::from(4), i32::from(Color(5))), (Color(4), 5));
    }
}
