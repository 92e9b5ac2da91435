//! Flags of the commands on a map's elements, and the header of a ring buffer's records.
#![allow(missing_docs, reason = "the names are the kernel's")]

pub const BPF_ANY: u64 = 0;
pub const BPF_NOEXIST: u64 = 1;
pub const BPF_EXIST: u64 = 2;
pub const BPF_F_LOCK: u64 = 4;
/// The value belongs to the CPU whose number is in the upper 32 bits (Linux 7.0).
pub const BPF_F_CPU: u64 = 8;
/// One value for all CPUs (Linux 7.0).
pub const BPF_F_ALL_CPUS: u64 = 16;

/// In the length of a ring buffer's record: the program still writes it.
pub const BPF_RINGBUF_BUSY_BIT: u32 = 1 << 31;
/// In the length of a ring buffer's record: the program discarded it.
pub const BPF_RINGBUF_DISCARD_BIT: u32 = 1 << 30;
/// Bytes before a ring buffer's record: its length with these bits, and 4 bytes of the kernel.
pub const BPF_RINGBUF_HDR_SZ: usize = 8;
