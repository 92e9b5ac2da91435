//! Values of maps: what the kernel's bytes become in Rust, and back.

use super::layout::TypeLayout;
use super::{read, write};

/// A type that a map's value can have in Rust: any bytes are one, and it writes every byte that means something.
///
/// Every [`Plain`](super::Plain) type is one, and so is a `#[repr(C)]` struct with padding or `bool`s by
/// [`derive(PerCpu)`](macro@crate::PerCpu), which `Plain` cannot be. There is no way to be wrong that is unsound:
/// what is read are copies, what is written goes into zeroes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a map",
    label = "not a type that takes any bytes",
    note = "numbers of a fixed size, `bool`, arrays of them, types of generated skeletons and structs with \
            `#[derive(PerCpu)]` or `plain!` can; a C pointer is a `u64`"
)]
pub trait Value: Sized + Send + Sync + 'static {
    /// What its bytes mean. `LAYOUT.size()` is `size_of::<Self>()`.
    const LAYOUT: TypeLayout;

    /// The value in the first bytes; those that are missing are 0.
    #[must_use]
    fn read(bytes: &[u8]) -> Self;

    /// Puts the value into the first bytes, which are 0; what there is no room for is dropped.
    fn write(&self, bytes: &mut [u8]);
}

/// The bytes from `offset` on, where a field of a struct begins; none if there are none.
#[doc(hidden)]
#[must_use]
pub fn rest(bytes: &[u8], offset: usize) -> &[u8] {
    bytes.get(offset..).unwrap_or_default()
}

/// As [`rest`], to write.
#[doc(hidden)]
pub fn rest_mut(bytes: &mut [u8], offset: usize) -> &mut [u8] {
    bytes.get_mut(offset..).unwrap_or_default()
}

macro_rules! numbers {
    ($($layout:expr => $($number:ty)*;)*) => {$($(
        impl Value for $number {
            const LAYOUT: TypeLayout = $layout(size_of::<$number>());

            fn read(bytes: &[u8]) -> Self {
                read(bytes)
            }

            fn write(&self, bytes: &mut [u8]) {
                write(bytes, self);
            }
        }
    )*)*};
}

numbers! {
    TypeLayout::unsigned => u8 u16 u32 u64 u128;
    TypeLayout::signed => i8 i16 i32 i64 i128;
    TypeLayout::float => f32 f64;
}

impl Value for bool {
    const LAYOUT: TypeLayout = TypeLayout::Bool;

    fn read(bytes: &[u8]) -> Self {
        bytes.first().is_some_and(|&byte| byte != 0)
    }

    fn write(&self, bytes: &mut [u8]) {
        write(bytes, &u8::from(*self));
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    const LAYOUT: TypeLayout = TypeLayout::Array { len: N, of: &T::LAYOUT };

    fn read(bytes: &[u8]) -> Self {
        // Nothing is missing, as nearly always: elements of a length that the compiler knows are copied as a whole.
        if let Some(whole) = bytes.get(..size_of::<Self>()) {
            return std::array::from_fn(|index| T::read(&whole[index * size_of::<T>()..][..size_of::<T>()]));
        }
        std::array::from_fn(|index| T::read(rest(bytes, index * size_of::<T>())))
    }

    fn write(&self, bytes: &mut [u8]) {
        if let Some(whole) = bytes.get_mut(..size_of::<Self>()) {
            for (index, element) in self.iter().enumerate() {
                element.write(&mut whole[index * size_of::<T>()..][..size_of::<T>()]);
            }
            return;
        }
        for (index, element) in self.iter().enumerate() {
            element.write(rest_mut(bytes, index * size_of::<T>()));
        }
    }
}

/// Implements [`Value`](crate::Value) for a [`Plain`](crate::Plain) type.
#[doc(hidden)]
#[macro_export]
macro_rules! plain_value {
    ($name:ty, $layout:expr) => {
        impl $crate::Value for $name {
            const LAYOUT: $crate::plain::TypeLayout = $layout;

            fn read(bytes: &[$crate::plain::Byte]) -> Self {
                $crate::plain::read(bytes)
            }

            fn write(&self, bytes: &mut [$crate::plain::Byte]) {
                $crate::plain::write(bytes, self);
            }
        }
    };
}

/// The bytes of a value of any type, on the stack.
pub(crate) struct Room<T>(super::MaybeUninit<T>);

impl<T: Value> Room<T> {
    pub(crate) fn new() -> Self {
        Room(super::MaybeUninit::uninit())
    }

    /// All of it, as zeroes.
    pub(crate) fn zeroes(&mut self) -> &mut [u8] {
        super::zeroes_in(&mut self.0)
    }

    /// The bytes of `value`.
    pub(crate) fn filled(&mut self, value: &T) -> &mut [u8] {
        let bytes = self.zeroes();
        value.write(bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bool;

    fn bytes<T: Value>(value: &T) -> Vec<u8> {
        Room::new().filled(value).to_vec()
    }

    #[test]
    fn values_go_out_and_back() {
        assert_eq!((bytes(&0x0102u16.to_be()), u16::read(&[1, 2]).to_be()), (vec![1, 2], 0x0102));
        assert_eq!((bytes(&[true, false]), <[bool; 2]>::read(&[0, 9])), (vec![1, 0], [false, true]));
        assert_eq!(<[[u8; 2]; 2]>::read(&[1, 2, 3, 4]), [[1, 2], [3, 4]]);
        assert_eq!(bytes(&[[Bool::TRUE; 2]; 2]), [1; 4]);
        // Bytes that are missing, and bytes that are too many.
        assert_eq!((<[u16; 2]>::read(&[0xff, 0xff, 1]), u8::read(&[7, 8]), bool::read(&[])), ([0xffff, 1], 7, false));
        let mut short = [0; 1];
        [7u8, 8].write(&mut short);
        assert_eq!(short, [7]);
    }

    #[test]
    fn sizes_are_those_of_the_types() {
        fn same<T: Value>() -> bool {
            T::LAYOUT.size() == size_of::<T>()
        }
        assert!(same::<u8>() && same::<i128>() && same::<f64>() && same::<bool>() && same::<[[u16; 3]; 2]>());
    }
}
