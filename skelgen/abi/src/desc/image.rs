//! The image at rest, and how it becomes whole.
//!
//! Programs that share functions have a copy of each, as the kernel takes them. The image at rest leaves out what repeats
//! an earlier part; [`ImageDesc::expand`] puts that back. An image without repeats is used where it is.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use super::Bytes;
use crate::image::{MAX_IMAGE, Malformed};

/// An image at rest: [`bytes`](Self::bytes), and the parts of the image that are not in them.
#[derive(Clone, Copy)]
pub struct ImageDesc<'a> {
    /// Bytes of the whole image; [`MAX_IMAGE`] at most.
    pub len: u32,
    /// The image without its repeats.
    pub bytes: &'a [u8],
    /// What is left out, in the image's order.
    pub repeats: &'a [Repeat],
}

/// A part of an image that repeats an earlier part. All numbers are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Where the part begins.
    pub to: u32,
    /// Where the earlier part begins, which ends at `to` or before.
    pub from: u32,
    /// The length of both.
    pub len: u32,
    /// The length of a record whose first word (`u32`) is changed; 0: the parts are equal.
    pub stride: u32,
    /// What is added to the first word of each record.
    pub add: i32,
}

impl Repeat {
    /// The `len` bytes at `to` equal those at `from`.
    #[must_use]
    pub const fn equal(to: u32, from: u32, len: u32) -> Repeat {
        Repeat { to, from, len, stride: 0, add: 0 }
    }

    /// The `len` bytes at `to` are those at `from`, with `add` added to the first word of each record of `stride` bytes.
    #[must_use]
    pub const fn moved(to: u32, from: u32, len: u32, stride: u32, add: i32) -> Repeat {
        Repeat { to, from, len, stride, add }
    }
}

impl<'a> ImageDesc<'a> {
    /// An image that is at rest as it is.
    #[must_use]
    pub const fn whole(bytes: &'a [u8]) -> ImageDesc<'a> {
        let len = if bytes.len() > MAX_IMAGE as usize { u32::MAX } else { bytes.len() as u32 };
        ImageDesc { len, bytes, repeats: &[] }
    }

    /// The whole image; borrowed if nothing is left out.
    ///
    /// # Errors
    ///
    /// The repeats are not in order, overlap, or repeat what does not come before them; or the image has another length
    /// than it says, or more than [`MAX_IMAGE`] bytes.
    pub fn expand(&self) -> Result<Cow<'a, [u8]>, Malformed> {
        if self.len > MAX_IMAGE {
            return Err(Malformed("it is too long"));
        }
        let len = self.len as usize;
        let left_out: u64 = self.repeats.iter().map(|repeat| u64::from(repeat.len)).fold(0, u64::saturating_add);
        if (self.bytes.len() as u64).saturating_add(left_out) != len as u64 {
            return Err(Malformed("its length is not what its description says"));
        }
        if self.repeats.is_empty() {
            return Ok(Cow::Borrowed(self.bytes));
        }
        let mut image = Vec::new();
        image.try_reserve_exact(len).map_err(|_| Malformed("out of memory"))?;
        let mut rest = self.bytes;
        for repeat in self.repeats {
            let before = (repeat.to as usize).checked_sub(image.len()).and_then(|len| rest.split_at_checked(len));
            let (before, behind) = before.ok_or(Malformed("its repeats are not in order"))?;
            image.extend_from_slice(before);
            rest = behind;
            repeat.append(&mut image)?;
        }
        image.extend_from_slice(rest);
        Ok(Cow::Owned(image))
    }
}

impl Repeat {
    /// Appends the part to what is before it.
    fn append(&self, image: &mut Vec<u8>) -> Result<(), Malformed> {
        let (start, from, len) = (image.len(), self.from as usize, self.len as usize);
        let end = from.checked_add(len).filter(|&end| end <= start);
        let end = end.ok_or(Malformed("it repeats what does not come before"))?;
        let stride = self.stride as usize;
        match stride {
            0 if self.add == 0 => {}
            4.. if len.is_multiple_of(stride) => {}
            _ => return Err(Malformed("it repeats records that are not whole")),
        }
        image.extend_from_within(from..end);
        if self.add != 0 {
            for record in image[start..].chunks_exact_mut(stride) {
                if let Some(word) = record.first_chunk_mut() {
                    *word = u32::from_ne_bytes(*word).wrapping_add_signed(self.add).to_ne_bytes();
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ImageDesc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImageDesc { len, bytes, repeats } = self;
        let repeats = format_args!("[{} repeats]", repeats.len());
        f.debug_struct("ImageDesc").field("len", len).field("bytes", &Bytes(bytes)).field("repeats", &repeats).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn repeats_come_back() {
        let at_rest = words(&[1, 2, 3, 4, 9]);
        let cases: [(&[Repeat], &[u32]); 6] = [
            (&[], &[1, 2, 3, 4, 9]),
            (&[Repeat::equal(16, 0, 16)], &[1, 2, 3, 4, 1, 2, 3, 4, 9]),
            (&[Repeat::equal(20, 4, 4)], &[1, 2, 3, 4, 9, 2]),
            (&[Repeat::moved(16, 0, 16, 8, 10)], &[1, 2, 3, 4, 11, 2, 13, 4, 9]),
            (&[Repeat::moved(16, 0, 8, 4, -2)], &[1, 2, 3, 4, u32::MAX, 0, 9]),
            // A repeat of what was a repeat, right behind it.
            (&[Repeat::moved(16, 0, 8, 8, 4), Repeat::equal(24, 12, 8)], &[1, 2, 3, 4, 5, 2, 4, 5, 9]),
        ];
        for (repeats, expected) in cases {
            let expected = words(expected);
            let desc = ImageDesc { len: expected.len() as u32, bytes: &at_rest, repeats };
            let image = desc.expand().unwrap();
            assert_eq!(*image, expected, "{repeats:?}");
            assert_eq!(matches!(image, Cow::Borrowed(_)), repeats.is_empty());
        }
    }

    #[test]
    fn the_debug_output_is_short() {
        let desc = ImageDesc { len: 1 << 20, bytes: &[0; 100], repeats: &[Repeat::equal(0, 0, 0); 100] };
        assert_eq!(format!("{desc:?}"), "ImageDesc { len: 1048576, bytes: [100 bytes], repeats: [100 repeats] }");
    }
}
