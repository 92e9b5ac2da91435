//! Ring buffers: records that programs send, in their order.

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::{Map, type_name};
use crate::plain::Value;
use crate::sys::mmap::{Mapping, page_size};
use crate::sys::poll;
use crate::sys::uapi::{BPF_MAP_TYPE_RINGBUF, BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT, BPF_RINGBUF_HDR_SZ};
use crate::{Error, Result};

/// The reading end of a `BPF_MAP_TYPE_RINGBUF`, for records of type `T`.
///
/// Programs on all CPUs put records in, and they come out in the order in which their room was reserved. A record that
/// has been reserved and not yet submitted holds up those behind it. A ring buffer that nobody empties fills up, and then
/// refuses records: count those in the program.
///
/// There is one position to read from, in the kernel: two readers of one ring buffer, be they in two processes, would
/// take each other's records.
///
/// Without records, `as_fd` is what poll(2), epoll(7) and asynchronous runtimes can wait for to be readable.
///
/// ```no_run
/// use std::time::Duration;
///
/// use skelgen_runtime::{RingBuf, Skeleton};
///
/// // The type of the records is in no map of the object, so that it has to be asked for.
/// #[derive(Skeleton)]
/// #[skeleton(object = "../fixtures/counters.bpf.o", add_type = "exec_event")]
/// struct Counters;
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// let skel = Counters::open()?.load()?;
/// let _links = skel.attach()?;
/// let mut events = RingBuf::<counters::types::ExecEvent>::new(&skel.maps.events)?;
/// loop {
///     events.wait(Duration::from_secs(1))?;
///     while let Some(event) = events.pop()? {
///         println!("process {} on CPU {}", event.pid, event.cpu);
///     }
/// }
/// # }
/// ```
///
/// The kernel's counterpart is `kernel/bpf/ringbuf.c`.
#[derive(Debug)]
pub struct RingBuf<T: Value> {
    map: Map,
    /// The page with the position up to which records were read.
    consumer: Mapping,
    /// The page with the position up to which there are records; behind it the records, twice, so that one that goes
    /// over the end goes on at the end.
    producer: Mapping,
    /// Bytes of a page.
    page: usize,
    /// Bytes of records, less 1.
    mask: usize,
    /// Room for a record.
    record: Vec<u8>,
    types: PhantomData<fn() -> T>,
}

impl<T: Value> RingBuf<T> {
    /// The reading end of `map`, from where it was read before.
    ///
    /// # Errors
    ///
    /// It is no ring buffer, or cannot be mapped.
    pub fn new(map: &Map) -> Result<RingBuf<T>> {
        let failed = || map.failed("read from ring buffer");
        if map.map_type() != BPF_MAP_TYPE_RINGBUF {
            return Err(failed().because(format!("it is a {}", type_name(map.map_type()))));
        }
        let (page, size) = (page_size() as usize, map.max_entries() as usize);
        let producer_len = size.checked_mul(2).and_then(|twice| twice.checked_add(page));
        let producer_len = producer_len.ok_or_else(|| failed().because("this process has no room for it"))?;
        let mapped = |offset, len, writable| {
            Mapping::of_ring(map.as_fd(), offset, len, writable).map_err(|errno| failed().errno_is(errno))
        };
        Ok(RingBuf {
            consumer: mapped(0, page, true)?,
            producer: mapped(page, producer_len, false)?,
            map: map.try_clone()?,
            page,
            mask: size.wrapping_sub(1),
            record: Vec::new(),
            types: PhantomData,
        })
    }

    /// The map behind it.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Takes the next record, if there is one; it does not wait.
    ///
    /// # Errors
    ///
    /// The record has another length than `T`; it is gone then, and the next call gives the one behind it.
    pub fn pop(&mut self) -> Result<Option<T>> {
        let mut record = std::mem::take(&mut self.record);
        let there = self.pop_bytes(&mut record);
        let value = match there {
            Ok(true) if record.len() != size_of::<T>() => {
                let why = format!("a record has {} bytes, the type {}", record.len(), size_of::<T>());
                Err(self.failed().because(why))
            }
            there => there.map(|there| there.then(|| T::read(&record))),
        };
        self.record = record;
        value
    }

    /// Takes the next record as bytes, if there is one, and says whether there was: for ring buffers with records of
    /// several types.
    ///
    /// # Errors
    ///
    /// What the kernel says of the record contradicts itself.
    pub fn pop_bytes(&mut self, record: &mut Vec<u8>) -> Result<bool> {
        loop {
            let consumed = self.consumer.load_acquire(0).unwrap_or(0);
            if self.producer.load_acquire(0).is_none_or(|produced| produced == consumed) {
                return Ok(false);
            }
            let header_at = self.page + (consumed & self.mask);
            let damaged = || self.failed().because(format!("what is at {consumed} is no record"));
            let header = self.producer.load_acquire(header_at).ok_or_else(damaged)?.to_ne_bytes();
            let header = header.first_chunk().map_or(0, |len| u32::from_ne_bytes(*len));
            if header & BPF_RINGBUF_BUSY_BIT != 0 {
                return Ok(false);
            }
            let len = (header & !BPF_RINGBUF_DISCARD_BIT) as usize;
            let is_record = header & BPF_RINGBUF_DISCARD_BIT == 0;
            if len > self.mask {
                return Err(damaged());
            }
            if is_record {
                record.clear();
                record.resize(len, 0);
                if !self.producer.read(header_at + BPF_RINGBUF_HDR_SZ, record) {
                    return Err(damaged());
                }
            }
            let next = consumed.wrapping_add((BPF_RINGBUF_HDR_SZ + len).next_multiple_of(8));
            let _ = self.consumer.store_release(0, next);
            if is_record {
                return Ok(true);
            }
        }
    }

    /// Waits for a record, at most so long (in whole milliseconds), and says whether there is something to take. A signal
    /// ends it early.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        poll::readable(self.as_fd(), timeout).map_err(|errno| self.map.failed("wait for ring buffer").errno_is(errno))
    }

    fn failed(&self) -> Error {
        self.map.failed("read from ring buffer")
    }
}

impl<T: Value> AsFd for RingBuf<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
