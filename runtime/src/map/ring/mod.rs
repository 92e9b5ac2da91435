//! Ring buffers: records that programs send, in their order.

mod records;

use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use records::Records;

use super::Map;
use crate::plain::Value;
use crate::sys::mmap::{Mapping, page_size};
use crate::sys::uapi::{BPF_F_RB_OVERWRITE, BPF_MAP_TYPE_RINGBUF};
use crate::sys::{bpf, poll};
use crate::{Error, Result};

/// The reading end of a `BPF_MAP_TYPE_RINGBUF`, for records of type `T`.
///
/// Programs on all CPUs put records in, and they come out in the order in which their room was reserved. A record that
/// has been reserved and not yet submitted holds up those behind it. A ring buffer that nobody empties fills up, and then
/// refuses records: count those in the program.
///
/// The kernel keeps one position to read from, so a ring buffer has one reader. A second one in this process, of whatever
/// handle of the map, is refused until the first is dropped. **Across processes nothing refuses it**: two processes that read
/// one ring buffer, a parent and its forked child among them, give the kernel positions that contradict each other. Records are
/// then lost or read twice, and since Linux 6.12 the ring buffer can refuse records for ever.
///
/// Ring buffers with `BPF_F_RB_OVERWRITE` are refused: programs write over records while they are copied.
///
/// `RingBuf` has [`AsFd`] and [`AsRawFd`] for poll(2), epoll(7) and `AsyncFd` of tokio. Where waiting is edge-triggered
/// (`EPOLLET`, `AsyncFd`), take records until there is none before the next wait: from then on a new record wakes it.
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
    records: Records,
    /// Room for a record.
    record: Vec<u8>,
    types: PhantomData<fn() -> T>,
    _claim: Claim,
}

/// The ring buffers that this process reads, by the ids of the maps.
static READ: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// The right to read the ring buffer with this id.
#[derive(Debug)]
struct Claim(u32);

impl Claim {
    /// `None` if somebody has it.
    fn new(id: u32) -> Option<Claim> {
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if read.contains(&id) {
            return None;
        }
        read.push(id);
        Some(Claim(id))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        READ.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| *id != self.0);
    }
}

impl<T: Value> RingBuf<T> {
    /// The reading end of `map`, from where it was read before.
    ///
    /// # Errors
    ///
    /// The map is not a ring buffer, has `BPF_F_RB_OVERWRITE`, has a reader in this process, or cannot be mapped.
    pub fn new(map: &Map) -> Result<RingBuf<T>> {
        let failed = || map.failed("read from ring buffer");
        if map.map_type() != BPF_MAP_TYPE_RINGBUF {
            return Err(failed().because(format!("it is a {}", map.map_type())));
        }
        if map.map_flags().has(BPF_F_RB_OVERWRITE) {
            let why = "with BPF_F_RB_OVERWRITE programs write over records while they are copied";
            return Err(failed().because(why));
        }
        let info = bpf::map_info(map.as_fd()).map_err(|errno| failed().errno_is(errno))?;
        let claim = Claim::new(info.id).ok_or_else(|| {
            failed().because("this process reads it already").hint("drop the other RingBuf, or share it in a Mutex")
        })?;
        let (page, size) = (page_size() as usize, map.max_entries() as usize);
        let producer_len = size.checked_mul(2).and_then(|twice| twice.checked_add(page));
        let producer_len = producer_len.ok_or_else(|| failed().because("this process has no room for it"))?;
        let mapped = |offset, len, writable| {
            Mapping::of_ring(map.as_fd(), offset, len, writable).map_err(|errno| failed().errno_is(errno))
        };
        let (consumer, producer) = (mapped(0, page, true)?, mapped(page, producer_len, false)?);
        Ok(RingBuf {
            records: Records::new(consumer, producer, page, size).map_err(|errno| failed().errno_is(errno))?,
            map: map.try_clone()?,
            record: Vec::new(),
            types: PhantomData,
            _claim: claim,
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
    /// The record has another length than `T`: it is consumed, and the next call returns the record after it. Otherwise as
    /// for [`pop_bytes`](Self::pop_bytes).
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
    /// The kernel cannot have written these positions or this length: another process reads the ring buffer, or has written
    /// to its memory. The record is not consumed.
    pub fn pop_bytes(&mut self, record: &mut Vec<u8>) -> Result<bool> {
        self.records.next(record).map_err(|damaged| {
            let error = self.failed().because(format!("there is no record at position {}", damaged.at));
            error.hint("does another process read it, too?")
        })
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

impl<T: Value> AsRawFd for RingBuf<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<T: Value> AsFd for RingBuf<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
