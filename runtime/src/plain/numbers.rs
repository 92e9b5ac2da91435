//! Numbers and `bool` as values.

use super::bytes::Plain;
use super::layout::TypeLayout;
use super::union::{read, write};
use super::value::Value;

macro_rules! numbers {
    ($($layout:expr => $($number:ty)*;)*) => {$($(
        // SAFETY: a number has no padding and every pattern of its bytes is a number.
        unsafe impl Plain for $number {}

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
