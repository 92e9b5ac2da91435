//! Structs of the kernel, declared once: the struct, its size, its bytes.

use crate::Endian;
use crate::uapi::{AttachType, MapFlags, MapType, ProgFlags, ProgType};

/// The offset of a field in one of the structs of [`attr`](crate::attr): `place!(MapCreate.max_entries)`.
#[macro_export]
macro_rules! place {
    ($attr:ident.$field:ident) => {
        ::core::mem::offset_of!($crate::attr::$attr, $field) as u32
    };
}

/// A type that fields have.
pub(super) trait Field: Copy + Default {
    /// Writes the field to `out`, which is as long as the field.
    fn put(self, endian: Endian, out: &mut [u8]);
    /// Reads the field; `None` if `bytes` is not as long as the field.
    fn get(endian: Endian, bytes: &[u8]) -> Option<Self>;
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        impl Field for $ty {
            fn put(self, endian: Endian, out: &mut [u8]) {
                out.copy_from_slice(&match endian {
                    Endian::Little => self.to_le_bytes(),
                    Endian::Big => self.to_be_bytes(),
                });
            }

            fn get(endian: Endian, bytes: &[u8]) -> Option<Self> {
                let bytes = bytes.try_into().ok()?;
                Some(match endian {
                    Endian::Little => $ty::from_le_bytes(bytes),
                    Endian::Big => $ty::from_be_bytes(bytes),
                })
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 }

macro_rules! newtypes {
    ($($ty:ident)*) => {$(
        impl Field for $ty {
            fn put(self, endian: Endian, out: &mut [u8]) {
                self.0.put(endian, out);
            }

            fn get(endian: Endian, bytes: &[u8]) -> Option<Self> {
                Field::get(endian, bytes).map($ty)
            }
        }
    )*};
}

newtypes! { AttachType MapFlags MapType ProgFlags ProgType }

impl<T: Field, const N: usize> Field for [T; N]
where
    [T; N]: Default,
{
    fn put(self, endian: Endian, out: &mut [u8]) {
        for (item, out) in self.into_iter().zip(out.chunks_exact_mut(size_of::<T>())) {
            item.put(endian, out);
        }
    }

    fn get(endian: Endian, bytes: &[u8]) -> Option<Self> {
        let mut items = Self::default();
        for (item, bytes) in items.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
            *item = T::get(endian, bytes)?;
        }
        (bytes.len() == size_of::<Self>()).then_some(items)
    }
}

/// Declares structs with their sizes. Each has `encode` and `decode`.
macro_rules! structs {
    ($($(#[$doc:meta])* $name:ident: $size:literal { $($field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are the kernel's")]
        pub struct $name { $(pub $field: $ty,)* }

        const _: () = {
            assert!(size_of::<$name>() == $size);
            assert!(size_of::<$name>() == 0 $(+ size_of::<$ty>())*, "no padding");
        };

        impl $name {
            /// The struct's bytes on a machine of this byte order.
            #[must_use]
            pub fn encode(&self, endian: $crate::Endian) -> [u8; $size] {
                use $crate::attr::layout::Field as _;
                let mut out = [0; $size];
                $(self.$field.put(endian, &mut out[::core::mem::offset_of!($name, $field)..][..size_of::<$ty>()]);)*
                out
            }

            /// Reads the struct. As in the kernel, fields that are not wholly inside `bytes` are zero.
            #[must_use]
            pub fn decode(bytes: &[u8], endian: $crate::Endian) -> Self {
                use $crate::attr::layout::Field;
                let read = |at: usize, size: usize| bytes.get(at..at + size);
                $name {
                    $($field: read(::core::mem::offset_of!($name, $field), size_of::<$ty>())
                        .and_then(|bytes| Field::get(endian, bytes))
                        .unwrap_or_default(),)*
                }
            }
        }
    )*};
}
pub(super) use structs;
