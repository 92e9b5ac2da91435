//! Flags of `BPF_MAP_CREATE`, `BPF_PROG_LOAD`, `BPF_LINK_CREATE` and `BPF_PROG_TEST_RUN`.

use super::number::flags;

flags! {
    /// `map_flags` of `BPF_MAP_CREATE`.
    MapFlags {
        BPF_F_NO_PREALLOC = 1 << 0,
        BPF_F_NO_COMMON_LRU = 1 << 1,
        BPF_F_NUMA_NODE = 1 << 2,
        BPF_F_RDONLY = 1 << 3,
        BPF_F_WRONLY = 1 << 4,
        BPF_F_STACK_BUILD_ID = 1 << 5,
        BPF_F_ZERO_SEED = 1 << 6,
        BPF_F_RDONLY_PROG = 1 << 7,
        BPF_F_WRONLY_PROG = 1 << 8,
        BPF_F_CLONE = 1 << 9,
        BPF_F_MMAPABLE = 1 << 10,
        BPF_F_PRESERVE_ELEMS = 1 << 11,
        BPF_F_INNER_MAP = 1 << 12,
        BPF_F_LINK = 1 << 13,
        BPF_F_PATH_FD = 1 << 14,
        BPF_F_VTYPE_BTF_OBJ_FD = 1 << 15,
        BPF_F_TOKEN_FD = 1 << 16,
        BPF_F_SEGV_ON_FAULT = 1 << 17,
        BPF_F_NO_USER_CONV = 1 << 18,
        BPF_F_RB_OVERWRITE = 1 << 19,
    } also {}
}

flags! {
    /// `prog_flags` of `BPF_PROG_LOAD`.
    ProgFlags {
        BPF_F_STRICT_ALIGNMENT = 1 << 0,
        BPF_F_ANY_ALIGNMENT = 1 << 1,
        BPF_F_TEST_RND_HI32 = 1 << 2,
        BPF_F_TEST_STATE_FREQ = 1 << 3,
        BPF_F_SLEEPABLE = 1 << 4,
        BPF_F_XDP_HAS_FRAGS = 1 << 5,
        BPF_F_XDP_DEV_BOUND_ONLY = 1 << 6,
        BPF_F_TEST_REG_INVARIANTS = 1 << 7,
    } also {
        BPF_F_TOKEN_FD,
    }
}

/// `uprobe_multi.flags` of `BPF_LINK_CREATE`: the program runs when the function returns.
pub const BPF_F_UPROBE_MULTI_RETURN: u32 = 1;

/// `flags` of `BPF_PROG_TEST_RUN`: the program runs on the CPU in `cpu`.
pub const BPF_F_TEST_RUN_ON_CPU: u32 = 1;
