//! Arenas: memory that programs and this process share, up to 4 GiB of it, with pointers in it (`BPF_MAP_TYPE_ARENA`,
//! Linux 6.9).
//!
//! The pages of an arena are there once somebody wants them: a program by `bpf_arena_alloc_pages`, this process by its
//! first access, which makes a page of zeroes. The kernel has an arena at one address for all processes, so that a
//! pointer that a program stores means the same here; a process maps it once, and every handle shares that mapping.
//!
//! Programs on any CPU, and other processes, write it at any time. As in the sections (see [`Mapped`](crate::Mapped))
//! every access is of atomic machine words, and no order among accesses is promised.
//!
//! # fork(2)
//!
//! The kernel does not copy an arena to a child. A handler of `pthread_atfork` maps it there again, at the same address, so
//! that a child of the C library's `fork` shares it with its parent. A child of a bare `clone` system call has no arena, and an
//! access ends it with `SIGSEGV`.
//!
//! # Pages that cannot be had
//!
//! An access to a page that the kernel cannot make ends the process with `SIGSEGV`, as any memory does that is not
//! there: where it has no memory left, and since Linux 7.3 on a page that a program has touched without allocating it.
//! In an arena with `BPF_F_SEGV_ON_FAULT` that would be any page that no program has allocated: such an arena is not
//! touched here, but read and written by the kernel, which says `EFAULT` instead.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::map::Map;
use crate::plain::Plain;
use crate::sys::arena::{Left, Reserved};
use crate::sys::mmap::{Mapping, page_size};
use crate::sys::uapi::{BPF_F_SEGV_ON_FAULT, BPF_MAP_TYPE_ARENA};
use crate::sys::{Errno, bpf, vm};
use crate::{Error, Result, diagnose};

/// An arena: a map without elements, whose memory programs and this process share.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)]
/// # #[skeleton(object = "../fixtures/arena.bpf.o", add_type = "node")]
/// # struct Arena;
/// use arena::types::Node;
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = Arena::open()?.load()?;
/// let newest = skel.bss.get().newest;                     // struct node __arena *newest;
/// if newest != 0 {
///     let node: Node = skel.maps.arena.follow(newest)?;
///     println!("{}", node.value);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Arena {
    map: Map,
    /// Why there is none, if so: programs get on without this process having it mapped.
    memory: Result<Arc<Mapping>>,
}

/// An arena that this process has mapped, or had.
struct Known {
    /// The map's id.
    id: u32,
    memory: Weak<Mapping>,
    left: Arc<Mutex<Left>>,
}

static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// How many addresses are kept at most for arenas that nobody has mapped: reserved addresses cost the process a mapping each,
/// and nothing tells when an arena is gone for good.
const KEPT: usize = 64;

impl Arena {
    /// The arena that is `map`, at the address where it is for all processes.
    ///
    /// If the first process that mapped it chose the address (`map_extra` of the map is 0), others do not know it: then
    /// every access from here fails. Arenas that processes share want a `map_extra`. The process itself, and its children, can
    /// map it again after the last handle is dropped: the address stays reserved for it.
    ///
    /// # Errors
    ///
    /// The map is no arena.
    pub fn new(map: Map) -> Result<Arena> {
        if map.map_type() != BPF_MAP_TYPE_ARENA {
            return Err(map.failed("use as an arena map").because("its type is not BPF_MAP_TYPE_ARENA"));
        }
        let memory = memory_of(&map);
        Ok(Arena { map, memory })
    }

    /// The map behind it.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Its bytes, those of pages that are not there yet among them.
    #[must_use]
    pub fn size(&self) -> u64 {
        size_of_arena(&self.map)
    }

    /// The address of its first byte, as it is in pointers; `None` if this process cannot map it.
    #[must_use]
    pub fn base(&self) -> Option<u64> {
        self.memory.as_ref().ok().map(|memory| memory.address())
    }

    /// Where in the arena `pointer` leads, a value that a program stored in a variable of type `T __arena *`; `None` if
    /// it is null, or of something else.
    ///
    /// Of a pointer that was not brought to user space's form (`BPF_F_NO_USER_CONV`, `cast_user` left out) only the low
    /// 32 bits are there, which say all: an arena does not cross a multiple of 4 GiB.
    #[must_use]
    pub fn offset_of(&self, pointer: u64) -> Option<u64> {
        let base = self.base()?;
        let offset = pointer.wrapping_sub(base) & u64::from(u32::MAX);
        let high = pointer >> 32;
        (pointer != 0 && (high == 0 || high == base >> 32) && offset < self.size()).then_some(offset)
    }

    /// The pointer to what is `offset` bytes into the arena; `None` if that is not inside.
    #[must_use]
    pub fn pointer_to(&self, offset: u64) -> Option<u64> {
        if offset < self.size() { self.base()?.checked_add(offset) } else { None }
    }

    /// A copy of the value that is `offset` bytes into the arena.
    ///
    /// # Errors
    ///
    /// It is not all inside, this process cannot map the arena, or, with `BPF_F_SEGV_ON_FAULT`, no program has allocated
    /// the page.
    pub fn read<T: Plain>(&self, offset: u64) -> Result<T> {
        let mut value = T::zeroed();
        self.read_bytes(offset, value.as_bytes_mut())?;
        Ok(value)
    }

    /// As [`read`](Self::read), on the heap and never on the stack: for large values.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_boxed<T: Plain>(&self, offset: u64) -> Result<Box<T>> {
        let mut value = T::boxed_zeroed();
        self.read_bytes(offset, value.as_bytes_mut())?;
        Ok(value)
    }

    /// A copy of the value that a pointer leads to; see [`offset_of`](Self::offset_of).
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); or the pointer does not lead into the arena.
    pub fn follow<T: Plain>(&self, pointer: u64) -> Result<T> {
        self.memory()?;
        let offset = self.offset_of(pointer).ok_or_else(|| {
            let why = format!("the pointer {pointer:#x} does not lead into it");
            self.map.failed("read arena").because(why)
        })?;
        self.read(offset)
    }

    /// Writes the value that is `offset` bytes into the arena.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn write<T: Plain>(&self, offset: u64, value: &T) -> Result<()> {
        self.write_bytes(offset, value.as_bytes())
    }

    /// As [`read`](Self::read), as many bytes as `out` has.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_bytes(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let at = self.place("read arena", offset, out.len())?;
        let memory = self.memory()?;
        if self.faults() {
            let copied = vm::read(memory, at, out);
            return copied.map_err(|errno| self.fault("read arena", offset, errno));
        }
        let _ = memory.read(at, out);
        Ok(())
    }

    /// As [`write`](Self::write), the bytes given.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn write_bytes(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let at = self.place("write arena", offset, bytes.len())?;
        let memory = self.memory()?;
        if self.faults() {
            let copied = vm::write(memory, at, bytes);
            return copied.map_err(|errno| self.fault("write arena", offset, errno));
        }
        let _ = memory.write(at, bytes);
        Ok(())
    }

    fn memory(&self) -> Result<&Mapping> {
        self.memory.as_deref().map_err(Clone::clone)
    }

    fn faults(&self) -> bool {
        self.map.map_flags().has(BPF_F_SEGV_ON_FAULT)
    }

    fn fault(&self, operation: &'static str, offset: u64, errno: Errno) -> Error {
        let error = self.map.failed(operation).because(format!("at offset {offset:#x}")).errno_is(errno);
        match errno {
            Errno::EFAULT => {
                error.hint("no program has allocated that page, and BPF_F_SEGV_ON_FAULT forbids it to others")
            }
            _ => error,
        }
    }

    /// `offset`, if `len` bytes from there are inside.
    fn place(&self, operation: &'static str, offset: u64, len: usize) -> Result<usize> {
        let size = self.size();
        let end = offset.checked_add(len as u64).filter(|&end| end <= size);
        end.and_then(|_| usize::try_from(offset).ok()).ok_or_else(|| {
            self.map.failed(operation).because(format!("{len} bytes at {offset:#x} are not inside its {size:#x} bytes"))
        })
    }
}

/// Bytes of the arena `map`: its entries are pages.
pub(crate) fn size_of_arena(map: &Map) -> u64 {
    u64::from(map.max_entries()) * u64::from(page_size())
}

/// The arena's memory, mapped if this process has not got it mapped.
pub(crate) fn memory_of(map: &Map) -> Result<Arc<Mapping>> {
    let failed = |errno| map.failed("map into memory").errno_is(errno);
    let info = bpf::map_info(map.as_fd()).map_err(failed)?;
    let len = usize::try_from(size_of_arena(map)).map_err(|_| failed(Errno::ENOMEM))?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reserved = None;
    if let Some(index) = known.iter().position(|known| known.id == info.id) {
        if let Some(memory) = known[index].memory.upgrade() {
            return Ok(memory);
        }
        reserved = wait_until_gone(&known.remove(index).left);
    }
    forget_oldest(&mut known);
    let left = Arc::default();
    let memory = match reserved.filter(|reserved| reserved.len() == len) {
        Some(reserved) => match Mapping::of_arena_again(map.as_fd(), reserved, Arc::clone(&left)) {
            Ok(memory) => memory,
            Err((errno, reserved)) => {
                // The kernel maps it nowhere else, so the address is kept for the next attempt.
                let left = Arc::new(Mutex::new(Left::Gone(reserved)));
                known.push(Known { id: info.id, memory: Weak::new(), left });
                return Err(diagnose::explain(failed(errno)));
            }
        },
        None => Mapping::of_arena(map.as_fd(), len, info.map_extra, Arc::clone(&left)).map_err(|errno| {
            failed(errno).hint(match errno {
                Errno::EEXIST => "something else is at its address (map_extra) in this process",
                _ => "another process may have mapped it first, at an address that is known if the map has a map_extra",
            })
        })?,
    };
    let memory = Arc::new(memory);
    known.push(Known { id: info.id, memory: Arc::downgrade(&memory), left });
    Ok(memory)
}

/// What is left of a mapping to which no handle leads any more.
fn wait_until_gone(left: &Mutex<Left>) -> Option<Reserved> {
    loop {
        if let Left::Gone(reserved) = &mut *left.lock().unwrap_or_else(PoisonError::into_inner) {
            return reserved.take();
        }
        // Another thread has dropped the last handle and is about to unmap it.
        std::thread::yield_now();
    }
}

/// Forgets arenas that nobody has mapped: those without a reserved address, and of the others the oldest.
fn forget_oldest(known: &mut Vec<Known>) {
    let is_reserved =
        |known: &Known| matches!(*known.left.lock().unwrap_or_else(PoisonError::into_inner), Left::Gone(Some(_)));
    let mut too_many = known.iter().filter(|known| is_reserved(known)).count().saturating_sub(KEPT - 1);
    known.retain(|known| {
        if known.memory.strong_count() > 0 {
            return true;
        }
        match &*known.left.lock().unwrap_or_else(PoisonError::into_inner) {
            Left::Mapped => true,
            Left::Gone(None) => false,
            Left::Gone(Some(_)) if too_many > 0 => {
                too_many -= 1;
                false
            }
            Left::Gone(Some(_)) => true,
        }
    });
}
