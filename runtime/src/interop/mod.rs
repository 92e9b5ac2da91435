//! This crate's maps, programs and links as [`libbpf_rs`]'s, and back: for a program that uses both, and moves from one
//! to the other a piece at a time. With the feature `libbpf-rs`, which is off by default.
//!
//! Whatever is converted gets a descriptor of its own, and what it was made from keeps the one it has: either can be
//! dropped first. The map, program or link in the kernel is one, and goes with the last descriptor.
//!
//! | from | to | by |
//! |---|---|---|
//! | [`Map`](crate::Map) | [`MapHandle`](libbpf_rs::MapHandle) | `MapHandle::try_from(&map)`, for `CAP_SYS_ADMIN` |
//! | [`Map`](crate::Map) | a map of an object that libbpf is about to load | `open_map.reuse_fd(map.as_fd())` |
//! | [`MapHandle`](libbpf_rs::MapHandle), [`libbpf_rs::Map`] | [`Map`](crate::Map) | `Map::try_from(&handle)` |
//! | [`MapHandle`](libbpf_rs::MapHandle), [`libbpf_rs::Map`] | a map of a skeleton that is about to be loaded | `open.maps.name.reuse_map(&handle)` |
//! | [`Program`](crate::Program) | [`ProgramHandle`](libbpf_rs::ProgramHandle) | `ProgramHandle::try_from(&program)`, for `CAP_SYS_ADMIN` |
//! | [`Program`](crate::Program) | [`Xdp`](libbpf_rs::Xdp), [`TcHook`](libbpf_rs::TcHook) | `Xdp::new(program.fd()?)` |
//! | [`libbpf_rs::Program`] | [`Program`](crate::Program) | `Program::try_from(&program)` |
//! | [`ProgramHandle`](libbpf_rs::ProgramHandle) | [`Program`](crate::Program) | [`Program::from_handle`](crate::Program::from_handle) |
//! | [`Link`](crate::Link) | [`libbpf_rs::Link`] | `link.pin(path)?`, then `libbpf_rs::Link::open(path)` |
//! | [`libbpf_rs::Link`] | [`Link`](crate::Link) | `Link::try_from(&link)` |
//!
//! From a [`Map`](crate::Map) the way goes on to what has types: [`TypedMap::new`](crate::TypedMap::new),
//! [`PerCpuMap::new`](crate::PerCpuMap::new), [`PerCpu::new`](crate::PerCpu::new). What has types lends its
//! [`Map`](crate::Map) with `map()`.
//!
//! What there is no way for:
//!
//! - [`Program`](crate::Program) to [`libbpf_rs::Program`], which is a part of an object that libbpf itself has read from
//!   an ELF file. So libbpf cannot attach a skeleton's program, but as XDP or to traffic control.
//! - [`Link`](crate::Link) to [`libbpf_rs::Link`] without a BPF file system: libbpf makes a link of a path only.
//! - The [`libbpf_rs::Link`] of a perf event (kprobes, uprobes, tracepoints) to [`Link`](crate::Link): dropped, it turns
//!   the event off under the other one.
//!
//! ```no_run
//! # // The part of a generated skeleton that is used.
//! # struct Loaded { samples: skelgen_runtime::Map }
//! use std::time::Duration;
//!
//! use skelgen_runtime::interop::libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, PerfBufferBuilder};
//! use skelgen_runtime::{Map, PerCpuMap};
//!
//! fn mix(skel: &Loaded) -> Result<(), Box<dyn std::error::Error>> {
//!     // libbpf reads what a skeleton's programs send through a perf event array, for which there is nothing here.
//!     let samples = MapHandle::try_from(&skel.samples)?;
//!     let buffer = PerfBufferBuilder::new(&samples);
//!     let buffer = buffer.sample_cb(|cpu, sample: &[u8]| println!("CPU {cpu}: {} bytes", sample.len())).build()?;
//!     buffer.poll(Duration::from_millis(100))?;
//!
//!     // A map that libbpf has opened, with types and one value for every CPU.
//!     let handle = MapHandle::from_pinned_path("/sys/fs/bpf/bytes_by_port")?;
//!     let bytes_by_port = PerCpuMap::<u16, u64>::new(Map::try_from(&handle)?)?;
//!     bytes_by_port.set_all(&443, &0)?;
//!     assert_eq!(handle.map_type(), MapType::PercpuHash);
//!     let values = handle.lookup_percpu(&443u16.to_ne_bytes(), MapFlags::ANY)?;
//!     assert!(values.is_some_and(|values| values.iter().all(|value| *value == [0; 8])));
//!     Ok(())
//! }
//! ```

mod links;
mod maps;
mod programs;

use std::os::fd::{BorrowedFd, OwnedFd};

pub use libbpf_rs;

use crate::sys::Errno;
use crate::{Error, Result, diagnose};

/// A descriptor of one's own, of what `fd` is open on.
fn duplicate(fd: BorrowedFd<'_>, failed: impl FnOnce() -> Error) -> Result<OwnedFd> {
    fd.try_clone_to_owned().map_err(|error| diagnose::explain(failed().io(error)))
}

/// `failed` for the reason that libbpf-rs gives.
fn refused(failed: Error, why: &libbpf_rs::Error) -> Error {
    match errno(why) {
        Some(errno) => failed.errno_is(errno),
        None => failed.because(format!("{why:#}")),
    }
}

/// libbpf-rs keeps the error's number to itself, and shows it as the standard library does, at the end of its words:
/// `Operation not permitted (os error 1)`.
fn errno(error: &libbpf_rs::Error) -> Option<Errno> {
    let words = format!("{error:#}");
    let (_, number) = words.rsplit_once("(os error ")?;
    number.strip_suffix(')')?.parse().ok().map(Errno::new)
}

/// Adds that a handle is made by number, which is for few, if that is what was refused.
fn by_number(error: Error) -> Error {
    match error.errno() {
        Some(Errno::EPERM) => error.hint(
            "libbpf-rs makes a handle by the number that the kernel gives everything of BPF, and to open something by \
             its number takes CAP_SYS_ADMIN",
        ),
        _ => diagnose::explain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_errors_come_through() {
        for number in 1..=133 {
            let error = libbpf_rs::Error::from_raw_os_error(number);
            assert_eq!(errno(&error), Some(Errno::new(number)), "{error}");
        }
        let invalid = std::io::Error::new(std::io::ErrorKind::InvalidData, "its name is no name");
        let error = refused(Error::new("open map").subject("events"), &invalid.into());
        assert_eq!((error.errno(), error.to_string().as_str()), (None, "open map events: its name is no name"));
    }
}
