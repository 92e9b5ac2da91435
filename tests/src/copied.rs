//! How much a command on an element of a per-CPU map copies between user space and the kernel.
//!
//! What the benchmark's tables say in bytes is from here, and `kernel/bytes_copied.rs` holds it against each kernel. The
//! kernel's counterpart is `bpf_map_value_size` in `kernel/bpf/syscall.c`.

use skelgen_runtime::uapi::{BPF_F_ALL_CPUS, BPF_F_CPU};

/// Bytes that a lookup or update with these flags copies for the value.
#[must_use]
pub fn value_bytes(flags: u64, value_size: usize, possible_cpus: usize) -> usize {
    match flags & (BPF_F_CPU | BPF_F_ALL_CPUS) {
        0 => value_size.next_multiple_of(8) * possible_cpus,
        _ => value_size,
    }
}
