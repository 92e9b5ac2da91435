//! C bit-fields, numbered as BTF numbers them.
//!
//! BTF counts bits from the start of the struct: on a little-endian machine from each byte's lowest bit, on a
//! big-endian one from its highest. A bit-field's bits are consecutive in that count on either.

/// The `width` bits (at most 64) from bit `offset` of `bytes`, in this machine's byte order; bits past the end are 0.
#[must_use]
pub fn bits(bytes: &[u8], offset: usize, width: u32) -> u64 {
    get(bytes, offset, width, cfg!(target_endian = "big"))
}

/// As [`bits`], with the highest of the bits as the sign.
#[must_use]
pub fn signed_bits(bytes: &[u8], offset: usize, width: u32) -> i64 {
    let unused = 64 - width.clamp(1, 64);
    (bits(bytes, offset, width) << unused).cast_signed() >> unused
}

/// Sets the `width` bits (at most 64) from bit `offset` of `bytes` to the low bits of `value`; bits past the end of
/// `bytes` are dropped.
pub fn set_bits(bytes: &mut [u8], offset: usize, width: u32, value: u64) {
    set(bytes, offset, width, value, cfg!(target_endian = "big"));
}

/// The bytes that hold the bits, and how far the bits' lowest lies from the lowest of those bytes taken as a number.
fn window(offset: usize, width: u32, big: bool) -> (usize, usize, u32) {
    let within = (offset % 8) as u32;
    let count = (within + width).div_ceil(8);
    let shift = if big { count * 8 - within - width } else { within };
    (offset / 8, count as usize, shift)
}

/// The place of byte `i` of a window of `count` bytes, in bits.
fn place(i: usize, count: usize, big: bool) -> usize {
    8 * if big { count - 1 - i } else { i }
}

fn mask(width: u32) -> u128 {
    (1u128 << width) - 1
}

fn get(bytes: &[u8], offset: usize, width: u32, big: bool) -> u64 {
    let width = width.min(64);
    let (start, count, shift) = window(offset, width, big);
    let mut whole = 0u128;
    for i in 0..count {
        let byte = bytes.get(start + i).copied().unwrap_or(0);
        whole |= u128::from(byte) << place(i, count, big);
    }
    (whole >> shift & mask(width)) as u64
}

fn set(bytes: &mut [u8], offset: usize, width: u32, value: u64, big: bool) {
    let width = width.min(64);
    let (start, count, shift) = window(offset, width, big);
    let keep = !(mask(width) << shift);
    let put = (u128::from(value) & mask(width)) << shift;
    for i in 0..count {
        if let Some(byte) = bytes.get_mut(start + i) {
            let place = place(i, count, big);
            *byte = *byte & (keep >> place) as u8 | (put >> place) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct { unsigned a : 3; unsigned b : 10; unsigned c : 19; }` with a = 5, b = 0x2a3, c = 0x4d2e1, as C lays it out.
    #[test]
    fn as_c_lays_them_out() {
        let word = |big: bool| {
            if big {
                (5u32 << 29 | 0x2a3 << 19 | 0x4d2e1).to_be_bytes()
            } else {
                (5u32 | 0x2a3 << 3 | 0x4d2e1 << 13).to_le_bytes()
            }
        };
        for big in [false, true] {
            let mut bytes = [0u8; 4];
            for (offset, width, value) in [(0, 3, 5), (3, 10, 0x2a3), (13, 19, 0x4d2e1)] {
                set(&mut bytes, offset, width, value, big);
                assert_eq!(get(&bytes, offset, width, big), value);
            }
            assert_eq!(bytes, word(big));
        }
    }

    #[test]
    fn every_offset_and_width() {
        for big in [false, true] {
            for offset in 0..24 {
                for width in 1..=64 {
                    let value = 0x9e37_79b9_7f4a_7c15 & mask(width) as u64;
                    let mut bytes = [0xffu8; 11];
                    set(&mut bytes, offset, width, value, big);
                    assert_eq!(get(&bytes, offset, width, big), value, "{offset} {width} {big}");
                    set(&mut bytes, offset, width, u64::MAX, big);
                    assert_eq!(bytes, [0xff; 11], "neighbours stay: {offset} {width} {big}");
                }
            }
        }
    }

    #[test]
    fn signs_and_ends() {
        let mut byte = [0u8];
        set_bits(&mut byte, 2, 3, (-2i64).cast_unsigned());
        assert_eq!(signed_bits(&byte, 2, 3), -2);
        assert_eq!(bits(&byte, 2, 3), 6);
        assert_eq!(bits(&[0xff], 8, 8), 0);
        assert_eq!((bits(&[0xff], 0, 0), signed_bits(&[0xff], 0, 0)), (0, 0));
        assert_eq!(signed_bits(&[0xff; 8], 0, 64), -1);
        set_bits(&mut byte, 40, 64, 1);
    }
}
