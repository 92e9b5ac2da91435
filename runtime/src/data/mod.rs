//! Global variables, live: a data section's map, mapped into this process.
//!
//! BPF programs on any CPU, and other processes, read and write them at the same time. Every access is of atomic
//! machine words, so a variable of up to a word that does not cross one is never seen half written; what is larger,
//! and two variables taken together, can be. No order among accesses is promised.
//!
//! A map that was made longer than its section ([`OpenMap::set_value_size`](crate::OpenMap::set_value_size)) has the
//! section's variables at its start; what is behind them is read and written by offset.
//!
//! A section whose variables are all static or hidden is no shared memory, but [`Unmapped`].

mod unmapped;

use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::sync::Arc;

use crate::map::Map;
use crate::plain::Plain;
use crate::sys::Errno;
use crate::sys::mmap::Mapping;
use crate::{Result, arena, plain};
pub use unmapped::Unmapped;

/// The variables of a `.rodata` section, or of any other to look at.
#[derive(Debug)]
pub struct MappedRo<T: Plain> {
    map: Map,
    /// An arena's is shared.
    memory: Arc<Mapping>,
    /// Where in it the variables begin.
    start: usize,
    /// Bytes from there to its end.
    len: usize,
    value: PhantomData<fn() -> T>,
}

/// The variables of a `.data` or `.bss` section, or those in an arena.
///
/// ```no_run
/// use std::mem::offset_of;
///
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
/// use counters::types::Bss;
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = Counters::open()?.load()?;
/// println!("{} dropped", skel.bss.get().dropped);         // a copy of all variables
/// let dropped: u64 = skel.bss.read(offset_of!(Bss, dropped))?;
/// skel.data.update(|data| data.next_event_id = 1);        // what differs is written, the rest left alone
/// # Ok(())
/// # }
/// ```
///
/// What takes `&self` can be used from several threads at once.
#[derive(Debug)]
pub struct Mapped<T: Plain>(MappedRo<T>);

impl<T: Plain> MappedRo<T> {
    /// The value of key 0, to read.
    ///
    /// # Errors
    ///
    /// The map's value is shorter than `T`, or the map is not mappable (`BPF_F_MMAPABLE`).
    pub fn new(map: Map) -> Result<MappedRo<T>> {
        Self::mapped(map, false)
    }

    fn mapped(map: Map, writable: bool) -> Result<MappedRo<T>> {
        let failed = || map.failed("map into memory");
        if !plain::begins::<T>(map.value_size()) {
            let (is, should) = (map.value_size(), size_of::<T>());
            return Err(failed().because(format!("its value has {is} bytes, the type {should}")));
        }
        let memory = Mapping::of_map(map.as_fd(), map.value_size(), writable).map_err(|errno| {
            failed().errno_is(errno).hint(match errno {
                Errno::EPERM | Errno::EACCES => {
                    "the map is frozen, or its descriptor was opened for reading or writing only"
                }
                _ => "only arrays with BPF_F_MMAPABLE can be",
            })
        })?;
        let len = map.value_size();
        Ok(MappedRo { map, memory: Arc::new(memory), start: 0, len, value: PhantomData })
    }

    /// The map behind it.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// A copy of all variables; [`get_boxed`](Self::get_boxed) gives those of sections that are too large for the stack.
    #[must_use]
    pub fn get(&self) -> T {
        let mut value = T::zeroed();
        // `new` checked the length.
        let _ = self.memory.read(self.start, &mut value.as_bytes_mut()[..self.own_len()]);
        value
    }

    /// A copy of all variables on the heap, for sections that are too large for the stack.
    #[must_use]
    pub fn get_boxed(&self) -> Box<T> {
        plain::read_boxed(&self.bytes())
    }

    /// A copy of one variable, `offset` bytes from the section's start: `read::<u64>(offset_of!(Bss, dropped))`.
    ///
    /// # Errors
    ///
    /// It is not all inside the map's value.
    pub fn read<U: Plain>(&self, offset: usize) -> Result<U> {
        let mut value = U::zeroed();
        let read = self.place::<U>(offset).is_some_and(|at| self.memory.read(at, value.as_bytes_mut()));
        if read { Ok(value) } else { Err(self.outside::<U>("read", offset)) }
    }

    /// As [`read`](Self::read), on the heap and never on the stack: for large arrays.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_boxed<U: Plain>(&self, offset: usize) -> Result<Box<U>> {
        let mut value = U::boxed_zeroed();
        let read = self.place::<U>(offset).is_some_and(|at| self.memory.read(at, value.as_bytes_mut()));
        if read { Ok(value) } else { Err(self.outside::<U>("read", offset)) }
    }

    /// Where in memory a `U` is that is `offset` bytes from the variables' start, if it is all inside.
    fn place<U>(&self, offset: usize) -> Option<usize> {
        let end = offset.checked_add(size_of::<U>()).filter(|&end| end <= self.len);
        end.and_then(|_| self.start.checked_add(offset))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<T>()];
        let _ = self.memory.read(self.start, &mut bytes[..self.own_len()]);
        bytes
    }

    /// The bytes of `value` that are the map's: all but what its alignment adds.
    fn own<'v>(&self, value: &'v T) -> &'v [u8] {
        &value.as_bytes()[..self.own_len()]
    }

    fn own_len(&self) -> usize {
        self.len.min(size_of::<T>())
    }

    fn outside<U>(&self, operation: &'static str, offset: usize) -> crate::Error {
        let (size, whole) = (size_of::<U>(), self.len);
        self.map.failed(operation).because(format!("{size} bytes at {offset} are not inside its {whole} bytes"))
    }
}

impl<T: Plain> Mapped<T> {
    /// The value of key 0, to read and write.
    ///
    /// # Errors
    ///
    /// The map's value is shorter than `T`, or the map is not mappable (`BPF_F_MMAPABLE`), or frozen.
    pub fn new(map: Map) -> Result<Mapped<T>> {
        MappedRo::mapped(map, true).map(Mapped)
    }

    /// The variables in an arena: `size` bytes at `start`.
    pub(crate) fn in_arena(map: Map, start: u64, size: u32) -> Result<Mapped<T>> {
        let memory = arena::memory_of(&map)?;
        let failed = |why| Err(map.failed("find the variables in").because(why));
        let len = size as usize;
        let start =
            usize::try_from(start).ok().filter(|start| start.checked_add(len).is_some_and(|end| end <= memory.len()));
        let Some(start) = start else {
            return failed(format!("{len} bytes are not inside its {} bytes", memory.len()));
        };
        if !plain::begins::<T>(len) {
            return failed(format!("they have {len} bytes, the type {}", size_of::<T>()));
        }
        Ok(Mapped(MappedRo { map, memory, start, len, value: PhantomData }))
    }

    /// Writes all variables. What BPF programs write at the same time is lost, or wins; see [`update`](Self::update).
    pub fn set(&self, value: &T) {
        // `new` checked the length, and mapped for writing.
        let _ = self.0.memory.write(self.0.start, self.0.own(value));
    }

    /// Changes some variables: those bytes that `change` leaves different are written, the others are not.
    ///
    /// It is not one atomic step. What is written meanwhile to the variables that `change` changes is overwritten; the
    /// others keep it.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        let old = self.0.bytes();
        let Some(mut new) = T::boxed_from_bytes(&old) else { return };
        change(&mut new);
        let len = self.0.own(&new).len();
        let _ = self.0.memory.write_changed(self.0.start, &old[..len], self.0.own(&new));
    }

    /// Writes one variable, `offset` bytes from the section's start.
    ///
    /// # Errors
    ///
    /// It is not all inside the map's value.
    pub fn write<U: Plain>(&self, offset: usize, value: &U) -> Result<()> {
        let written = self.place::<U>(offset).is_some_and(|at| self.0.memory.write(at, value.as_bytes()));
        if written { Ok(()) } else { Err(self.outside::<U>("write", offset)) }
    }
}

impl<T: Plain> Deref for Mapped<T> {
    type Target = MappedRo<T>;

    fn deref(&self) -> &MappedRo<T> {
        &self.0
    }
}
