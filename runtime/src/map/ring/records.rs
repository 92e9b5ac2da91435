//! A ring buffer's memory, and the records in it.
//!
//! ```text
//! consumer page   the position up to which records were read: ours to write
//! producer page   the position up to which there are records
//! behind it       the records, twice, so that one that goes over the end goes on at the end
//! ```
//!
//! A record is a header of 8 bytes, whose first 4 are its length and its state, and its bytes, together a multiple of 8. The
//! kernel's counterpart is `__bpf_ringbuf_reserve` and `bpf_ringbuf_commit` in `kernel/bpf/ringbuf.c`.
//!
//! Whoever has the map open may write the consumer position, and programs may have written any record before its header, so
//! nothing here trusts what it reads.

use crate::sys::Errno;
use crate::sys::mmap::{Mapping, fence};
use crate::sys::uapi::{BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT, BPF_RINGBUF_HDR_SZ};

#[derive(Debug)]
pub(super) struct Records {
    consumer: Mapping,
    producer: Mapping,
    /// Bytes of the producer page.
    page: usize,
    /// Bytes of records, less 1.
    mask: usize,
    /// Whether a full fence came after the last store of the consumer position.
    fenced: bool,
}

/// What is in the memory is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged {
    /// The consumer position.
    pub(super) at: usize,
}

/// What there is at the consumer position.
enum Next {
    Nothing,
    /// Its first byte in the producer's mapping, its length, and the position behind it.
    Record {
        at: usize,
        len: usize,
        end: usize,
        discarded: bool,
    },
}

impl Records {
    /// `size` bytes of records, a power of 2, in mappings of the consumer page, and of the producer page with all behind it.
    pub(super) fn new(consumer: Mapping, producer: Mapping, page: usize, size: usize) -> Result<Records, Errno> {
        let whole = size.checked_mul(2).and_then(|twice| twice.checked_add(page));
        if !size.is_power_of_two() || whole.is_none_or(|whole| producer.len() < whole) {
            return Err(Errno::EINVAL);
        }
        // The reader before this one may have left without a fence.
        Ok(Records { consumer, producer, page, mask: size - 1, fenced: false })
    }

    /// Takes the next record that was not discarded, and says whether there was one.
    pub(super) fn next(&mut self, record: &mut Vec<u8>) -> Result<bool, Damaged> {
        loop {
            let consumed = self.consumer.load(0).unwrap_or(0);
            let (at, len, end, discarded) = match self.look(consumed)? {
                Next::Record { at, len, end, discarded } => (at, len, end, discarded),
                Next::Nothing if self.fenced => return Ok(false),
                Next::Nothing => {
                    // A producer wakes a waiter only if the consumer position that it loads is its own record's. With a
                    // full fence on both sides, either it loads our last store, or the next look finds its record. The
                    // kernel's fence is the exchange of the header. Ours is needed once for all records since the last.
                    fence();
                    self.fenced = true;
                    continue;
                }
            };
            if !discarded {
                record.clear();
                record.resize(len, 0);
                if !self.producer.read(at, record) {
                    return Err(Damaged { at: consumed });
                }
            }
            let _ = self.consumer.store_release(0, end);
            self.fenced = false;
            if !discarded {
                return Ok(true);
            }
        }
    }

    fn look(&self, consumed: usize) -> Result<Next, Damaged> {
        let damaged = Damaged { at: consumed };
        let produced = self.producer.load_acquire(0).ok_or(damaged)?;
        // Positions wrap around, and one behind the producers' can only be another reader's.
        let there = produced.wrapping_sub(consumed);
        if there.cast_signed() <= 0 {
            return Ok(Next::Nothing);
        }
        let header_at = self.page + (consumed & self.mask);
        if there > self.mask + 1 || !consumed.is_multiple_of(8) {
            return Err(damaged);
        }
        let header = self.producer.load_acquire(header_at).ok_or(damaged)?.to_ne_bytes();
        let header = header.first_chunk().map_or(0, |len| u32::from_ne_bytes(*len));
        if header & BPF_RINGBUF_BUSY_BIT != 0 {
            return Ok(Next::Nothing);
        }
        let len = (header & !BPF_RINGBUF_DISCARD_BIT) as usize;
        let whole = len.saturating_add(BPF_RINGBUF_HDR_SZ).next_multiple_of(8);
        if whole > there {
            return Err(damaged);
        }
        let discarded = header & BPF_RINGBUF_DISCARD_BIT != 0;
        Ok(Next::Record { at: header_at + BPF_RINGBUF_HDR_SZ, len, end: consumed.wrapping_add(whole), discarded })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = 4096;
    const SIZE: usize = 512;

    /// A ring buffer in memory of this process, and what a kernel would do with it.
    struct Ring {
        records: Records,
        produced: usize,
    }

    impl Ring {
        /// Both positions begin here.
        fn at(position: usize) -> Ring {
            let map = |len| Mapping::anonymous(len).unwrap();
            let records = Records::new(map(PAGE), map(PAGE + 2 * SIZE), PAGE, SIZE).unwrap();
            let ring = Ring { records, produced: position };
            ring.set_consumed(position);
            ring.set_produced(position);
            ring
        }

        fn set_consumed(&self, position: usize) {
            assert!(self.records.consumer.write(0, &position.to_ne_bytes()));
        }

        fn set_produced(&self, position: usize) {
            assert!(self.records.producer.write(0, &position.to_ne_bytes()));
        }

        fn consumed(&self) -> usize {
            self.records.consumer.load(0).unwrap()
        }

        /// Puts bytes at a position, in both places where they are.
        fn put(&self, position: usize, bytes: &[u8]) {
            for (index, byte) in bytes.iter().enumerate() {
                let at = position.wrapping_add(index) & (SIZE - 1);
                assert!(self.records.producer.write(PAGE + at, &[*byte]));
                assert!(self.records.producer.write(PAGE + SIZE + at, &[*byte]));
            }
        }

        /// A record, unless there is no room, as the kernel puts it there.
        fn send(&mut self, state: u32, bytes: &[u8]) -> bool {
            let whole = (bytes.len() + 8).next_multiple_of(8);
            if self.produced.wrapping_add(whole).wrapping_sub(self.consumed()) > SIZE - 1 {
                return false;
            }
            self.put(self.produced, &(bytes.len() as u32 | state).to_ne_bytes());
            self.put(self.produced.wrapping_add(8), bytes);
            self.produced = self.produced.wrapping_add(whole);
            self.set_produced(self.produced);
            true
        }

        fn next(&mut self) -> Result<Option<Vec<u8>>, Damaged> {
            let mut record = Vec::new();
            Ok(self.records.next(&mut record)?.then_some(record))
        }
    }

    #[test]
    fn a_consumer_ahead_of_the_producers_finds_nothing() {
        let mut ring = Ring::at(64);
        for ahead in [8, SIZE, usize::MAX / 2] {
            ring.set_consumed(64 + ahead);
            assert_eq!(ring.next(), Ok(None), "{ahead}");
            assert_eq!(ring.consumed(), 64 + ahead);
        }
    }

    #[test]
    fn positions_that_no_kernel_has_are_damage() {
        let mut ring = Ring::at(1 << 20);
        for behind in [SIZE + 8, 1 << 20, 1, 7] {
            let at = (1 << 20) - behind;
            ring.set_consumed(at);
            assert_eq!(ring.next(), Err(Damaged { at }), "{behind}");
        }
    }

    #[test]
    fn records_longer_than_what_there_is_are_damage() {
        for len in [1, 8, 9, SIZE, 0x3fff_ffff] {
            let mut ring = Ring::at(0);
            assert!(ring.send(0, &[]));
            ring.put(0, &(len as u32).to_ne_bytes());
            assert_eq!(ring.next(), Err(Damaged { at: 0 }), "{len}");
            assert_eq!(ring.consumed(), 0);
        }
    }

    #[test]
    fn a_record_that_is_not_whole_yet_holds_up_the_others() {
        let mut ring = Ring::at(usize::MAX - 7);
        assert!(ring.send(BPF_RINGBUF_BUSY_BIT, &[1, 2, 3]) && ring.send(0, &[4]));
        assert_eq!(ring.next(), Ok(None));
        ring.put(usize::MAX - 7, &3u32.to_ne_bytes());
        assert_eq!((ring.next(), ring.next()), (Ok(Some(vec![1, 2, 3])), Ok(Some(vec![4]))));
        assert_eq!((ring.next(), ring.consumed()), (Ok(None), 24));
    }

    #[test]
    fn a_fence_is_between_the_last_store_and_an_empty_look() {
        let mut ring = Ring::at(0);
        assert!(!ring.records.fenced);
        assert_eq!((ring.next(), ring.records.fenced), (Ok(None), true));
        assert!(ring.send(0, &[1]) && ring.send(BPF_RINGBUF_DISCARD_BIT, &[2]));
        assert_eq!((ring.next(), ring.records.fenced), (Ok(Some(vec![1])), false));
        assert_eq!((ring.next(), ring.records.fenced), (Ok(None), true));
    }

    #[test]
    fn memory_that_is_too_short_is_refused() {
        let map = |len| Mapping::anonymous(len).unwrap();
        for (len, size) in [(PAGE + 2 * SIZE - 8, SIZE), (PAGE, SIZE), (1 << 20, SIZE - 8), (1 << 20, 0)] {
            assert_eq!(Records::new(map(PAGE), map(len), PAGE, size).unwrap_err(), Errno::EINVAL, "{len} {size}");
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Send { discarded: bool, bytes: Vec<u8> },
        Next,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let send = (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200));
        let send = send.prop_map(|(discarded, bytes)| Step::Send { discarded, bytes });
        proptest::collection::vec(prop_oneof![send, Just(Step::Next)], 0..80)
    }

    /// Fewer where each step is interpreted.
    fn cases() -> ProptestConfig {
        ProptestConfig { cases: if cfg!(miri) { 2 } else { 64 }, failure_persistence: None, ..Default::default() }
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn records_come_out_as_they_went_in(start in any::<usize>(), steps in steps()) {
            let mut ring = Ring::at(start & !7);
            let mut sent = std::collections::VecDeque::new();
            for step in steps {
                match step {
                    Step::Send { discarded, bytes } => {
                        let state = if discarded { BPF_RINGBUF_DISCARD_BIT } else { 0 };
                        if ring.send(state, &bytes) && !discarded {
                            sent.push_back(bytes);
                        }
                    }
                    Step::Next => prop_assert_eq!(ring.next(), Ok(sent.pop_front())),
                }
            }
            while let Some(record) = sent.pop_front() {
                prop_assert_eq!(ring.next(), Ok(Some(record)));
            }
            prop_assert_eq!(ring.next(), Ok(None));
            prop_assert_eq!(ring.consumed(), ring.produced);
        }

        /// Any memory whatever: each call ends, gives no more than there can be, and never goes past the producers.
        #[test]
        fn any_memory_does_no_harm(
            memory in proptest::collection::vec(prop_oneof![Just(0u8), Just(8), any::<u8>()], SIZE),
            consumed in any::<usize>(),
            ahead in prop_oneof![0..2 * SIZE, any::<usize>()],
        ) {
            let mut ring = Ring::at(consumed);
            ring.put(0, &memory);
            ring.set_produced(consumed.wrapping_add(ahead));
            let mut bytes = 0;
            for _ in 0..SIZE {
                let before = ring.consumed();
                match ring.next() {
                    Ok(Some(record)) => bytes += record.len() + 8,
                    Ok(None) | Err(_) => break,
                }
                prop_assert_ne!(ring.consumed(), before);
            }
            prop_assert!(bytes <= SIZE, "{bytes} bytes of {SIZE}");
            let passed = ring.consumed().wrapping_sub(consumed);
            prop_assert!(passed <= ahead && passed <= SIZE, "{passed} of {ahead}");
        }
    }
}
