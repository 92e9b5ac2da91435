//! What the three programs share: the operations, in one order, checked and then timed.
//!
//! ```text
//! percpu-PEER --once               each operation once, told to who traces it
//! percpu-PEER --time SAMPLES BATCH each operation SAMPLES times BATCH times: a line "MAP SIZE OPERATION NS" each
//! ```

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

#[path = "../../../src/copied.rs"]
pub mod copied;
#[path = "../../../src/traced.rs"]
pub mod traced;

pub type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// A type of per-CPU map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Array,
    Hash,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Array, Kind::Hash];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Array => "percpu_array",
            Kind::Hash => "percpu_hash",
        }
    }
}

/// What is done to one element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Reads one CPU's value.
    Get,
    /// Writes one CPU's value, and leaves the others alone.
    Set,
    /// Writes one value to all CPUs.
    SetAll,
    /// Reads all CPUs' values.
    Values,
}

impl Operation {
    pub const ALL: [Operation; 4] = [Operation::Get, Operation::Set, Operation::SetAll, Operation::Values];

    pub fn name(self) -> &'static str {
        match self {
            Operation::Get => "get",
            Operation::Set => "set",
            Operation::SetAll => "set_all",
            Operation::Values => "values",
        }
    }
}

/// Bytes of a value; see [`main`].
pub const SIZES: [usize; 3] = [8, 64, 1024];

/// A peer.
pub trait Peer {
    type Map<const WORDS: usize>: Map<WORDS>;
}

/// A map with one element at key 0, whose values are `WORDS` words; operated on as the peer's documentation has it.
pub trait Map<const WORDS: usize>: Sized {
    /// The peer's own form of all values.
    type Values;

    fn create(kind: Kind) -> Result<Self>;
    fn get(&mut self, cpu: usize) -> Result<[u64; WORDS]>;
    fn set(&mut self, cpu: usize, value: &[u64; WORDS]) -> Result<()>;
    fn set_all(&mut self, value: &[u64; WORDS]) -> Result<()>;
    fn values(&mut self) -> Result<Self::Values>;
}

/// What to do with each operation.
#[derive(Clone, Copy)]
enum Mode {
    Once,
    Time { samples: usize, batch: u32 },
}

/// A measured program.
pub fn main<P: Peer>() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| args.get(index)?.parse().ok().filter(|&number| number > 0);
    let mode = match (args.first().map(String::as_str), number(1), number(2)) {
        (Some("--once"), None, None) => Mode::Once,
        (Some("--time"), Some(samples), Some(batch)) => Mode::Time { samples: samples as usize, batch },
        _ => {
            eprintln!("usage: --once | --time SAMPLES BATCH");
            return ExitCode::from(2);
        }
    };
    match run_all::<P>(mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run_all<P: Peer>(mode: Mode) -> Result<()> {
    let last = last_cpu()?;
    for kind in Kind::ALL {
        run::<1, P::Map<1>>(kind, last, mode)?;
        run::<8, P::Map<8>>(kind, last, mode)?;
        run::<128, P::Map<128>>(kind, last, mode)?;
    }
    Ok(())
}

fn run<const WORDS: usize, M: Map<WORDS>>(kind: Kind, cpu: usize, mode: Mode) -> Result<()> {
    let mut map = M::create(kind)?;
    let size = WORDS * 8;
    check(&mut map, cpu).map_err(|error| format!("{} of {size} bytes: {error}", kind.name()))?;
    let value = [7; WORDS];
    for operation in Operation::ALL {
        let mut operate = || {
            match operation {
                Operation::Get => drop(black_box(map.get(cpu)?)),
                Operation::Set => map.set(cpu, black_box(&value))?,
                Operation::SetAll => map.set_all(black_box(&value))?,
                Operation::Values => drop(black_box(map.values()?)),
            }
            Ok::<(), Box<dyn Error>>(())
        };
        match mode {
            Mode::Once => {
                traced::begin(&label(kind, size, operation));
                operate()?;
                traced::begin("");
            }
            Mode::Time { samples, batch } => {
                let mut times = Vec::with_capacity(samples);
                for _ in 0..samples {
                    let start = Instant::now();
                    for _ in 0..batch {
                        operate()?;
                    }
                    times.push(start.elapsed().as_nanos() as u64 / u64::from(batch));
                }
                println!("{} {size} {} {}", kind.name(), operation.name(), median(times));
            }
        }
    }
    Ok(())
}

/// How an operation is called in front of who traces it: in 15 bytes.
pub fn label(kind: Kind, size: usize, operation: Operation) -> String {
    format!("{} {size} {}", if kind == Kind::Array { "a" } else { "h" }, operation.name())
}

/// That the peer does what is measured: nothing else would be worth a number.
fn check<const WORDS: usize, M: Map<WORDS>>(map: &mut M, last: usize) -> Result<()> {
    let (one, all) = ([0x1111_2222_3333_4444; WORDS], [0x5555_6666_7777_8888; WORDS]);
    map.set_all(&all)?;
    map.set(last, &one)?;
    for cpu in 0..=last {
        if map.get(cpu)? != if cpu == last { one } else { all } {
            return Err(format!("CPU {cpu} has another value than was written").into());
        }
    }
    Ok(())
}

/// The last possible CPU. The numbers must have no holes: not every peer knows of them.
pub fn last_cpu() -> Result<usize> {
    let possible = fs::read_to_string("/sys/devices/system/cpu/possible")?;
    match possible.trim().split_once('-') {
        None if possible.trim() == "0" => Ok(0),
        Some(("0", last)) if !last.contains(['-', ',']) => Ok(last.parse()?),
        _ => Err(format!("the possible CPUs have holes: {possible}").into()),
    }
}

/// The middle one; of an even number the lower of two.
pub fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers.get(numbers.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// `BPF_MAP_CREATE`, for peers that leave it to their loaders.
pub fn create(kind: Kind, value_size: usize) -> Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    const BPF_MAP_CREATE: libc::c_long = 0;
    // struct { __u32 map_type, key_size, value_size, max_entries; }
    let attr = [map_type(kind), 4, value_size as u32, 1];
    // SAFETY: the attr is as long as is said, and holds no addresses.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE, attr.as_ptr(), size_of_val(&attr)) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    // SAFETY: the kernel just opened it, and nothing else knows it.
    Ok(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd as i32) })
}

/// `enum bpf_map_type`.
fn map_type(kind: Kind) -> u32 {
    match kind {
        Kind::Array => 6,
        Kind::Hash => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_no_longer_than_a_threads_name() {
        for kind in Kind::ALL {
            for (size, operation) in
                SIZES.into_iter().flat_map(|size| Operation::ALL.map(|operation| (size, operation)))
            {
                assert!(label(kind, size, operation).len() <= 15);
            }
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3, 1, 2]), 2);
        assert_eq!(median(vec![4, 1, 2, 3]), 2);
        assert_eq!(median(vec![]), 0);
    }
}
