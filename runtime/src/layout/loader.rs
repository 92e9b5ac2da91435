//! Whether a loader program is the one that the records of an image are checked for.
//!
//! Any other program could write to this process's memory with the rights of the process, so that no check of records
//! would mean anything. There is one loader program; the size of the image is in its masks, and nothing else differs.

use crate::image::SLACK;
use crate::sha256::sha256;

/// `BPF_ALU64 | BPF_AND | BPF_K`: how the loader keeps an offset inside the image.
const MASK: u8 = 0x57;

/// [`hash`] of the loader program. `tests/image.rs` compares the generator's.
pub(crate) const LOADER: [u8; 32] = [
    247, 249, 7, 7, 99, 124, 110, 122, 19, 254, 227, 171, 98, 233, 220, 187, 37, 101, 204, 181, 89, 181, 80, 195, 62,
    121, 157, 175, 113, 42, 52, 89,
];

/// The loader's hash, which is the same for every image and byte order; `None` if `loader` is not made for an image in a
/// map of `map_size` bytes.
pub(crate) fn hash(loader: &[u8], map_size: u32) -> Option<[u8; 32]> {
    let mask = map_size.checked_sub(SLACK).filter(|size| size.is_power_of_two())? - 1;
    let (insns, []) = loader.as_chunks::<8>() else { return None };
    let mut normal = Vec::with_capacity(loader.len() + insns.len());
    for &[code, regs, o0, o1, i0, i1, i2, i3] in insns {
        // The registers are bit fields, which begin at the byte order's own end.
        let (dst, src) = if cfg!(target_endian = "little") { (regs & 0xf, regs >> 4) } else { (regs >> 4, regs & 0xf) };
        let mut imm = i32::from_ne_bytes([i0, i1, i2, i3]);
        if code == MASK {
            imm = [4, 8].into_iter().find(|align: &i32| imm == mask.cast_signed() & -align)?;
        }
        normal.extend([code, dst, src]);
        normal.extend(i16::from_ne_bytes([o0, o1]).to_le_bytes());
        normal.extend(imm.to_le_bytes());
    }
    Some(sha256(&normal))
}
