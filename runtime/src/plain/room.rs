//! Room for the bytes of a value: on the stack if they are few.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::slice;

use super::value::Value;

/// The bytes of a value of any type: up to [`FEW`] on the stack, more on the heap.
pub(crate) struct Room<T> {
    few: MaybeUninit<[u8; FEW]>,
    many: Vec<u8>,
    value: PhantomData<fn() -> T>,
}

/// More than any section has that is not large on purpose, and a small part of the smallest stacks that threads have.
pub(super) const FEW: usize = 4096;

impl<T: Value> Room<T> {
    pub(crate) fn new() -> Self {
        Room { few: MaybeUninit::uninit(), many: Vec::new(), value: PhantomData }
    }

    /// All of it, as zeroes.
    pub(crate) fn zeroes(&mut self) -> &mut [u8] {
        if size_of::<T>() <= FEW {
            return zeroes_in(&mut self.few, size_of::<T>());
        }
        self.many.clear();
        self.many.resize(size_of::<T>(), 0);
        &mut self.many
    }

    /// The bytes of `value`.
    pub(crate) fn filled(&mut self, value: &T) -> &mut [u8] {
        let bytes = self.zeroes();
        value.write(bytes);
        bytes
    }
}

/// Makes the first `len` bytes of `room` 0, and lends them; all if it has fewer.
fn zeroes_in<const N: usize>(room: &mut MaybeUninit<[u8; N]>, len: usize) -> &mut [u8] {
    let (start, len) = (room.as_mut_ptr().cast::<u8>(), len.min(N));
    // SAFETY: `room` has `len` bytes, and is borrowed exclusively.
    unsafe { start.write_bytes(0, len) };
    // SAFETY: these bytes were all written.
    unsafe { slice::from_raw_parts_mut(start, len) }
}
