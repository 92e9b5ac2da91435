//! The layout of the *image*: what the loader program and the runtime share.
//!
//! The image is the value of an array map with one entry. It opens with a header; everything else is found through
//! offsets, which are `u32`, counted from the image's start, and multiples of four (of a pointer and of a record: of
//! eight). Numbers are in the byte order of the machine that loads the object.
//!
//! A description has the image *at rest*, without the parts that repeat an earlier part: [`ImageDesc`](crate::desc::ImageDesc).

use core::fmt;

/// `"SKL3"`, read as a little-endian `u32`: the layout described here.
pub const MAGIC: u32 = 0x334c_4b53;

/// The most bytes of an image: the verifier follows offsets into a map's value up to 1 << 29.
pub const MAX_IMAGE: u32 = 1 << 28;

/// The loader reads and writes at most so many bytes at an offset; the map's value ends with as many to spare.
pub const SLACK: u32 = 512;

/// The call of a weak kfunc that is missing becomes that of a helper with this number, and that of the plan's step which
/// did not find it added. libbpf's log has such numbers too.
pub const MISSING_KFUNC: u32 = 2_002_000_000;

/// Offsets in the header.
pub mod header {
    /// [`super::MAGIC`].
    pub const MAGIC: u32 = 0;
    /// Bytes of the map's value: a power of two that holds the image, and the slack.
    pub const SIZE: u32 = 4;
    /// In and out: what the kernel can do, [`super::feature`].
    pub const FEATURES: u32 = 8;
    /// Out: 0, or the negative errno of the step that failed.
    pub const ERROR: u32 = 12;
    /// In and out: the number of step records that are done, which is the index of the next. A run begins with that
    /// record, so a run that was interrupted goes on where it stopped.
    pub const STEP: u32 = 16;
    /// In: a run ends before this step record. In the image at rest, the number of step records.
    pub const NR_STEPS: u32 = 20;
    /// Offset of the step records.
    pub const STEPS: u32 = 24;
    /// Number of file descriptors.
    pub const NR_FDS: u32 = 28;
    /// Offset of the table of file descriptors, one `s32` each, which is also the `fd_array` of every program: maps,
    /// jump tables, stand-ins, the BTF, inner maps, module BTFs, programs, probes. An entry that a load has changed is a file
    /// descriptor that it made; the loader writes the descriptors it makes nowhere else.
    pub const FDS: u32 = 32;
    /// Out: [`super::MAGIC`] once a run has come to its end without an error. Only the loader program writes it.
    pub const DONE: u32 = 36;
    /// A word that is zero: the condition of what is always done, and key 0.
    pub const ZERO: u32 = 40;
    /// A word for results that nobody wants.
    pub const NOWHERE: u32 = 48;
    /// Bytes of the header.
    pub const LEN: u32 = 64;
}

/// Bits of the header's `features`.
pub mod feature {
    /// The kernel has been probed.
    pub const KNOWN: u32 = 1;
    /// `BPF_F_ALL_CPUS` and `BPF_F_CPU` (Linux 7.0).
    pub const ALL_CPUS: u32 = 2;
    /// Programs can address `.percpu` variables directly (Linux 7.3, and a JIT that knows how).
    pub const DIRECT: u32 = 4;
    /// The user has said which, in `DIRECT`.
    pub const FORCED: u32 = 8;
}

/// Offsets in a step record.
pub mod step {
    /// `u16`: [`super::op`].
    pub const OP: u32 = 0;
    /// `u8`: the step is carried out only if `features & mask == want`.
    pub const MASK: u32 = 2;
    /// `u8`.
    pub const WANT: u32 = 3;
    /// Offset of a `u32`: the step is carried out only if that is zero.
    pub const UNLESS: u32 = 4;
    /// The `bpf(2)` command, or the kind of BTF type to find.
    pub const CMD: u32 = 8;
    /// Offset of the `union bpf_attr`, the name or the source word.
    pub const ARG: u32 = 12;
    /// Bytes at `ARG`.
    pub const SIZE: u32 = 16;
    /// Offset of the `u32` that takes the result, of the `u64` for an address.
    pub const OUT: u32 = 20;
    /// Offset of the `u32` that takes a module BTF's fd.
    pub const OUT2: u32 = 24;
    /// The step of the load plan that this record is part of.
    pub const PLAN: u32 = 28;
    /// `s32`, of a probe: the negative errno that says yes; 0: any success does. Of a look-up: the negative errno that
    /// says there is none, if that is no failure.
    pub const EXPECT: u32 = 32;
    /// Of a probe: the bits to set in `features` on a yes. Of a look-up in BTF: the offset of the shape that the function
    /// or variable must have, 0 for any; the runtime sees to that.
    pub const FEATURE: u32 = 36;
    /// Bytes of a record.
    pub const LEN: u32 = 48;
}

/// What a step record does.
pub mod op {
    /// `*out = sys_bpf(cmd, arg, size)`; negative: stop.
    pub const BPF: u16 = 1;
    /// The same, but a failure only means no, unless it is an interruption (`EINTR`, `EAGAIN`).
    pub const PROBE: u16 = 2;
    /// `*out = *arg`
    pub const COPY: u16 = 3;
    /// `*out2:*out = btf_find_by_name_kind(arg, size, cmd, 0)`; negative: stop, but what is expected becomes 0.
    pub const FIND_BTF: u16 = 4;
    /// `sys_close(*arg)`, `*arg = -1`
    pub const CLOSE: u16 = 5;
    /// `*(u64 *)out = arg`: the address in the kernel of what is at `arg`.
    pub const POINT: u16 = 6;
    /// `kallsyms_lookup_name(arg, size, 0, (u64 *)out)`; negative: stop unless that is expected, whatever it is: a kernel
    /// that hides its symbols has none to tell.
    pub const FIND_KSYM: u16 = 7;
}

/// Why bytes are not an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Malformed {}
