//! Values at the start of bytes that need not be as many: members of C unions, values of maps.

use super::bytes::Plain;

/// The value at the start of `bytes`; bytes that they do not have are 0.
#[must_use]
pub fn read<T: Plain>(bytes: &[u8]) -> T {
    let mut value = T::zeroed();
    let len = bytes.len().min(size_of::<T>());
    value.as_bytes_mut()[..len].copy_from_slice(&bytes[..len]);
    value
}

/// As [`read`], on the heap and never on the stack.
#[must_use]
pub fn read_boxed<T: Plain>(bytes: &[u8]) -> Box<T> {
    let mut value = T::boxed_zeroed();
    let len = bytes.len().min(size_of::<T>());
    value.as_bytes_mut()[..len].copy_from_slice(&bytes[..len]);
    value
}

/// Puts the value at the start of `bytes`, and drops what they have no room for.
pub fn write<T: Plain>(bytes: &mut [u8], value: &T) {
    let len = bytes.len().min(size_of::<T>());
    bytes[..len].copy_from_slice(&value.as_bytes()[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_share_their_start() {
        let mut bytes = [0xff; 6];
        write(&mut bytes, &0x0102u16.to_be());
        assert_eq!(bytes, [1, 2, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(read::<[u8; 3]>(&bytes), [1, 2, 0xff]);
        assert_eq!(read::<[u8; 8]>(&bytes), [1, 2, 0xff, 0xff, 0xff, 0xff, 0, 0]);
        write(&mut bytes, &[3u8; 8]);
        assert_eq!(bytes, [3; 6]);
    }
}
