//! Values of maps: what the kernel's bytes become in Rust, and back.

use super::layout::TypeLayout;

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

    /// As [`read`](Self::read), on the heap. [`Plain`](super::Plain) types and arrays are never on the stack meanwhile, however
    /// large they are; a struct of your own with [`derive(PerCpu)`](macro@crate::PerCpu) is.
    #[must_use]
    fn read_boxed(bytes: &[u8]) -> Box<Self> {
        Box::new(Self::read(bytes))
    }

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

impl<T: Value, const N: usize> Value for [T; N] {
    const LAYOUT: TypeLayout = TypeLayout::Array { len: N, of: &T::LAYOUT };

    fn read(bytes: &[u8]) -> Self {
        // Nothing is missing, as nearly always: elements of a length that the compiler knows are copied as a whole.
        if let Some(whole) = bytes.get(..size_of::<Self>()) {
            return std::array::from_fn(|index| T::read(&whole[index * size_of::<T>()..][..size_of::<T>()]));
        }
        std::array::from_fn(|index| T::read(rest(bytes, index * size_of::<T>())))
    }

    fn read_boxed(bytes: &[u8]) -> Box<Self> {
        let elements: Vec<T> = (0..N).map(|index| T::read(rest(bytes, index * size_of::<T>()))).collect();
        match elements.into_boxed_slice().try_into() {
            Ok(array) => array,
            // Never: there are `N` elements.
            Err(_) => over_the_stack(bytes),
        }
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

/// A function of its own, as one that has a value in its code has room for it on the stack from its start.
#[cold]
#[inline(never)]
fn over_the_stack<T: Value>(bytes: &[u8]) -> Box<T> {
    Box::new(T::read(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bool;
    use crate::plain::room::{FEW, Room};

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
    fn values_are_read_into_boxes() {
        let bytes: Vec<u8> = (1..=9).collect();
        assert_eq!(*<[[u8; 2]; 3]>::read_boxed(&bytes), [[1, 2], [3, 4], [5, 6]]);
        assert_eq!((*<[bool; 4]>::read_boxed(&[0, 9]), *u16::read_boxed(&[])), ([false, true, false, false], 0));
        assert_eq!((*<[u8; 0]>::read_boxed(&bytes), *Bool::read_boxed(&[2])), ([], Bool::TRUE));
        let large = [[7u8; 3]; FEW];
        assert_eq!((self::bytes(&large), *<[[u8; 3]; FEW]>::read_boxed(&[7; 3 * FEW])), (vec![7; 3 * FEW], large));
    }

    #[test]
    fn sizes_are_those_of_the_types() {
        fn same<T: Value>() -> bool {
            T::LAYOUT.size() == size_of::<T>()
        }
        assert!(same::<u8>() && same::<i128>() && same::<f64>() && same::<bool>() && same::<[[u16; 3]; 2]>());
    }
}
