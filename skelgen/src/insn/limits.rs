//! What the verifier allows a program.

/// Maps that one program may use (`MAX_USED_MAPS` in `include/linux/bpf_verifier.h`).
pub const MAX_USED_MAPS: usize = 64;

/// Instructions that one program may have (`BPF_COMPLEXITY_LIMIT_INSNS`).
pub const MAX_INSNS: usize = 1_000_000;

/// Bytes of stack a function of a program may use (`include/linux/filter.h`).
pub const MAX_BPF_STACK: u32 = 512;
