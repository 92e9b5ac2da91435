//! What derives of other crates want of the types that generated structs have: features `serde`, `zerocopy`, `bytemuck`.
//!
//! zerocopy's traits are derived where the types are declared, as that is the only way to have them.

#[cfg(feature = "serde")]
mod serde {
    use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::{Bool, Plain, Unaligned};

    impl Serialize for Bool {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.get().serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Bool {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            bool::deserialize(deserializer).map(Bool::new)
        }
    }

    impl<T: Plain + Serialize> Serialize for Unaligned<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.get().serialize(serializer)
        }
    }

    impl<'de, T: Plain + Deserialize<'de>> Deserialize<'de> for Unaligned<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            T::deserialize(deserializer).map(Unaligned::new)
        }
    }
}

#[cfg(feature = "bytemuck")]
mod bytemuck {
    use ::bytemuck::{Pod, Zeroable};

    use crate::{Bool, Plain, Unaligned};

    // SAFETY: a `u8`, transparently.
    unsafe impl Zeroable for Bool {}

    // SAFETY: a `u8`, transparently.
    unsafe impl Pod for Bool {}

    // SAFETY: the bytes of a `T` and no others, for which zeroes are a value.
    unsafe impl<T: Plain + Zeroable> Zeroable for Unaligned<T> {}

    // SAFETY: the bytes of a `T` and no others, which may be any: `packed` adds no padding.
    unsafe impl<T: Plain + Pod> Pod for Unaligned<T> {}
}
