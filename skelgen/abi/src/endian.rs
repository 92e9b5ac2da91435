//! The byte order of an object, and so of the machine that will run it.

use alloc::vec::Vec;

/// Byte order of the object; everything that is written for the kernel is written in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endian {
    /// `EM_BPF`, `ELFDATA2LSB`: x86-64, arm64, riscv64, ...
    Little,
    /// `EM_BPF`, `ELFDATA2MSB`: s390x, ...
    Big,
}

impl Endian {
    /// The byte order of the machine that runs this code.
    pub const NATIVE: Endian = if cfg!(target_endian = "little") { Endian::Little } else { Endian::Big };
}

macro_rules! scalar {
    ($($read:ident $write:ident $ty:ty),* $(,)?) => {
        impl Endian {
            $(
                #[doc = concat!("Reads a `", stringify!($ty), "` at `at`; `None` past the end of `bytes`.")]
                pub fn $read(self, bytes: &[u8], at: usize) -> Option<$ty> {
                    let end = at.checked_add(size_of::<$ty>())?;
                    let raw = bytes.get(at..end)?.try_into().ok()?;
                    Some(match self {
                        Endian::Little => <$ty>::from_le_bytes(raw),
                        Endian::Big => <$ty>::from_be_bytes(raw),
                    })
                }

                #[doc = concat!("Appends a `", stringify!($ty), "` to `out`.")]
                pub fn $write(self, out: &mut Vec<u8>, value: $ty) {
                    match self {
                        Endian::Little => out.extend_from_slice(&value.to_le_bytes()),
                        Endian::Big => out.extend_from_slice(&value.to_be_bytes()),
                    }
                }
            )*
        }
    };
}

scalar! {
    u16_at put_u16 u16,
    i16_at put_i16 i16,
    u32_at put_u32 u32,
    i32_at put_i32 i32,
    u64_at put_u64 u64,
}
