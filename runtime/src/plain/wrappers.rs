//! Types that C has and Rust cannot take as they are: a `bool` of any byte, a value at any address.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use super::{Plain, TypeLayout, Value, read, write};

/// A C `bool`: one byte, true unless it is 0.
///
/// Rust's `bool` may only ever be 0 or 1, which memory that others write does not promise.
#[derive(Clone, Copy, Default)]
#[cfg_attr(
    feature = "zerocopy",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(transparent)]
pub struct Bool(u8);

// SAFETY: a `u8`, transparently.
unsafe impl Plain for Bool {}

crate::plain_value! { Bool, TypeLayout::Bool }

impl Bool {
    /// 0.
    pub const FALSE: Self = Bool(0);
    /// 1.
    pub const TRUE: Self = Bool(1);

    /// 1 if `value` is true, else 0.
    #[must_use]
    pub const fn new(value: bool) -> Self {
        Bool(value as u8)
    }

    /// Whether the byte is not 0.
    #[must_use]
    pub const fn get(self) -> bool {
        self.0 != 0
    }

    /// Makes the byte 1 or 0.
    pub const fn set(&mut self, value: bool) {
        self.0 = value as u8;
    }
}

impl From<bool> for Bool {
    fn from(value: bool) -> Self {
        Bool::new(value)
    }
}

impl From<Bool> for bool {
    fn from(value: Bool) -> Self {
        value.get()
    }
}

impl PartialEq for Bool {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Bool {}

impl PartialOrd for Bool {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bool {
    fn cmp(&self, other: &Self) -> Ordering {
        self.get().cmp(&other.get())
    }
}

impl PartialEq<bool> for Bool {
    fn eq(&self, other: &bool) -> bool {
        self.get() == *other
    }
}

impl Hash for Bool {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl fmt::Debug for Bool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

impl fmt::Display for Bool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

/// A `T` at any address, as a packed C struct has it: same bytes, alignment 1.
#[derive(Clone, Copy)]
#[cfg_attr(
    feature = "zerocopy",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(C, packed)]
pub struct Unaligned<T: Plain>(T);

// SAFETY: the bytes of a `T` and no others, as `packed` adds no padding.
unsafe impl<T: Plain> Plain for Unaligned<T> {}

impl<T: Plain> Value for Unaligned<T> {
    const LAYOUT: TypeLayout = T::LAYOUT;

    fn read(bytes: &[u8]) -> Self {
        read(bytes)
    }

    fn read_boxed(bytes: &[u8]) -> Box<Self> {
        super::read_boxed(bytes)
    }

    fn write(&self, bytes: &mut [u8]) {
        write(bytes, self);
    }
}

impl<T: Plain> Unaligned<T> {
    /// `value`, without its alignment.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Unaligned(value)
    }

    /// A copy of the value.
    #[must_use]
    pub const fn get(self) -> T {
        self.0
    }

    /// Replaces the value.
    pub const fn set(&mut self, value: T) {
        self.0 = value;
    }
}

impl<T: Plain> From<T> for Unaligned<T> {
    fn from(value: T) -> Self {
        Unaligned(value)
    }
}

impl<T: Plain> Default for Unaligned<T> {
    fn default() -> Self {
        Self::zeroed()
    }
}

impl<T: Plain + PartialEq> PartialEq for Unaligned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Plain + Eq> Eq for Unaligned<T> {}

impl<T: Plain + PartialOrd> PartialOrd for Unaligned<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl<T: Plain + Ord> Ord for Unaligned<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.get().cmp(&other.get())
    }
}

impl<T: Plain + Hash> Hash for Unaligned<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl<T: Plain> fmt::Debug for Unaligned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_is_a_bool() {
        for (byte, truth) in [(0, false), (1, true), (2, true), (255, true)] {
            let value = Bool::from_bytes(&[byte]).unwrap();
            assert_eq!(value, truth);
            assert_eq!(format!("{value:?} {value}"), format!("{truth} {truth}"));
        }
        assert_eq!((bool::from(Bool::TRUE), Bool::from(false)), (true, Bool::FALSE));
        assert!(Bool::FALSE < Bool::from_bytes(&[9]).unwrap());
        assert_eq!(Bool::TRUE.cmp(&Bool::from_bytes(&[9]).unwrap()), Ordering::Equal);
        let mut value = Bool::from_bytes(&[9]).unwrap();
        value.set(true);
        assert_eq!(value.as_bytes(), [1]);
    }

    #[test]
    fn unaligned_is_the_same_bytes() {
        assert_eq!((size_of::<Unaligned<u64>>(), align_of::<Unaligned<u64>>()), (8, 1));
        let mut value = Unaligned::new(7u32);
        assert_eq!(value.as_bytes(), 7u32.to_ne_bytes());
        value.set(8);
        assert_eq!((value.get(), value), (8, 8.into()));
        assert!(value < 0x0100.into());
        assert_eq!(format!("{:?} {:?}", value, Unaligned::<u16>::default()), "8 0");
    }
}
