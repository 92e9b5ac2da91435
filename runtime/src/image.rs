//! The image: the memory that a loader program and the runtime share, and the records in it.
//!
//! It is the one value of an array map that both map or address: a [`Header`], tables of the steps to carry out and of
//! descriptors made, and whatever the steps point to: each command's `union bpf_attr`,
//! instructions, BTF, data. All numbers are in the target's byte order; places are byte offsets from the image's
//! start and multiples of 8.
//!
//! A description has the image *at rest*: without the parts that repeat an earlier part
//! ([`ImageDesc`](crate::ImageDesc)). Places count from the start of the whole image.
//!
//! The generator writes the same layout; a test holds the two together.

use crate::{Error, Result};

pub use skelgen_abi::image::{MAGIC, MAX_IMAGE, MISSING_KFUNC, Malformed, SLACK};

/// Bytes of a [`Header`].
pub const HEADER_SIZE: u32 = 64;
/// Bytes of a [`Step`].
pub const STEP_SIZE: u32 = 48;
/// The most bytes that a step's attr or name can have.
pub const ARG_MAX: u32 = 512;

/// In [`Header::features`]: the others were found out before, and the loader need not probe.
pub const FEATURE_KNOWN: u32 = 1;
/// In [`Header::features`]: the kernel knows `BPF_F_CPU` and `BPF_F_ALL_CPUS`.
pub const FEATURE_ALL_CPUS: u32 = 2;
/// In [`Header::features`]: a program can address `.percpu` data directly.
pub const FEATURE_DIRECT: u32 = 4;
/// In [`Header::features`]: [`FEATURE_DIRECT`] is what the user wants, and not to be probed.
pub const FEATURE_FORCED: u32 = 8;

/// [`Step::op`]: `bpf(cmd, arg, size)`, whose result if any goes to `out`.
pub const OP_BPF: u16 = 1;
/// [`Step::op`]: the same, but a failure is an answer too, unless a signal interrupted it; the answer sets bits of
/// [`Header::features`].
pub const OP_PROBE: u16 = 2;
/// [`Step::op`]: copies the word at `arg` to `out`.
pub const OP_COPY: u16 = 3;
/// [`Step::op`]: finds the kernel's BTF type named at `arg`, of kind `cmd`; its id goes to `out`, and its module's
/// descriptor to `out2`.
pub const OP_FIND_BTF: u16 = 4;
/// [`Step::op`]: closes the descriptor at `arg`.
pub const OP_CLOSE: u16 = 5;
/// [`Step::op`]: writes the address in the kernel of what is at `arg` to `out`, 8 bytes.
pub const OP_POINT: u16 = 6;
/// [`Step::op`]: looks the symbol named at `arg` up in kallsyms; its address goes to `out`, 8 bytes.
pub const OP_FIND_KSYM: u16 = 7;

/// Bytes that can be read by their place: an image at rest or mapped.
pub(crate) trait Read {
    /// The word at `at`; `None` outside.
    fn u32(&self, at: u32) -> Option<u32>;
}

impl Read for [u8] {
    fn u32(&self, at: u32) -> Option<u32> {
        let bytes = self.get(at as usize..)?.first_chunk()?;
        Some(u32::from_ne_bytes(*bytes))
    }
}

impl Read for crate::sys::mmap::Mapping {
    fn u32(&self, at: u32) -> Option<u32> {
        crate::sys::mmap::Mapping::u32(self, at)
    }
}

/// What an image starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u32,
    /// Bytes of the map: a power of two that holds the image, and [`SLACK`].
    pub size: u32,
    /// In and out: `FEATURE_*`.
    pub features: u32,
    /// Out: 0, or the negative error number of the step that failed.
    pub error: i32,
    /// In and out: how many steps are done, which is the index of the next, and of the one that failed. A run of the loader
    /// begins with that step.
    pub step: u32,
    /// Entries in the table of steps; in memory, the step before which a run ends.
    pub nr_steps: u32,
    /// Its place.
    pub steps: u32,
    /// Entries in the table of descriptors, `s32` each, -1 for none.
    pub nr_fds: u32,
    /// Its place.
    pub fds: u32,
    /// Out: [`MAGIC`] once a run has come to its end without an error. Only the loader writes it.
    pub done: u32,
}

/// Place of [`Header::magic`], a word that is never 0.
pub const AT_MAGIC: u32 = 0;
/// Place of [`Header::features`].
pub const AT_FEATURES: u32 = 8;
/// Place of [`Header::error`].
pub const AT_ERROR: u32 = 12;
/// Place of [`Header::step`].
pub const AT_STEP: u32 = 16;
/// Place of [`Header::nr_steps`].
pub const AT_NR_STEPS: u32 = 20;
/// Place of [`Header::done`].
pub const AT_DONE: u32 = 36;
/// Place of 8 bytes for results that nobody wants.
pub const AT_NOWHERE: u32 = 48;

/// A hash of the loader program, the same for every image and byte order; `None` if it is not made for an image in a map of
/// `map_size` bytes, [`Header::size`].
#[must_use]
pub fn loader_hash(loader: &[u8], map_size: u32) -> Option<[u8; 32]> {
    crate::layout::loader_hash(loader, map_size)
}

/// [`loader_hash`] of the one loader program that this runtime runs.
pub const LOADER_HASH: [u8; 32] = crate::layout::LOADER;

impl Header {
    pub(crate) fn read(image: &(impl Read + ?Sized)) -> Option<Header> {
        let word = |index: u32| image.u32(index * 4);
        Some(Header {
            magic: word(0)?,
            size: word(1)?,
            features: word(2)?,
            error: word(3)?.cast_signed(),
            step: word(4)?,
            nr_steps: word(5)?,
            steps: word(6)?,
            nr_fds: word(7)?,
            fds: word(8)?,
            done: word(9)?,
        })
    }

    /// The header of a whole image before a load, if its tables lie inside.
    ///
    /// # Errors
    ///
    /// The bytes are no image, or of the other byte order.
    pub fn of(image: &[u8]) -> Result<Header> {
        let malformed = |why: &str| Error::new("read the loader's image").because(why);
        let header = Header::read(image).ok_or_else(|| malformed("it is shorter than its header"))?;
        if header.magic == MAGIC.swap_bytes() {
            return Err(malformed("it was generated for the other byte order"));
        }
        if header.magic != MAGIC {
            return Err(malformed("it does not start with SKL3"));
        }
        if usize::try_from(header.size).is_ok_and(|size| size < image.len() + SLACK as usize) {
            return Err(malformed("its size is not what its header says"));
        }
        if (header.error, header.step, header.done) != (0, 0, 0) {
            return Err(malformed("it says that a loader has run"));
        }
        let tables = [(header.steps, header.nr_steps, STEP_SIZE), (header.fds, header.nr_fds, 4)];
        for (at, count, size) in tables {
            let end = u64::from(at) + u64::from(count) * u64::from(size);
            if count > 0 && (at < HEADER_SIZE || at % 8 != 0 || end > image.len() as u64) {
                return Err(malformed("a table is not inside"));
            }
        }
        Ok(header)
    }

    /// The steps of `image`, whose header this is.
    pub fn steps<'a>(&self, image: &'a [u8]) -> impl Iterator<Item = Step> + 'a {
        let Header { nr_steps, steps, .. } = *self;
        (0..nr_steps).map_while(move |index| Step::read(image, steps.checked_add(index.checked_mul(STEP_SIZE)?)?))
    }
}

/// One thing to do. It is done if `features & mask == want` and the word at `unless` is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// `OP_*`.
    pub op: u16,
    /// Bits of [`Header::features`] that decide.
    pub mask: u8,
    /// What they must be.
    pub want: u8,
    /// Place of a word that must be 0.
    pub unless: u32,
    /// Command of bpf(2), or BTF kind.
    pub cmd: u32,
    /// Place of the command's attr, of a name, or of a word.
    pub arg: u32,
    /// Bytes of the attr or name.
    pub size: u32,
    /// Place of the word for the result; 0 for none.
    pub out: u32,
    /// [`OP_FIND_BTF`]: place of the word for the module's descriptor.
    pub out2: u32,
    /// Index in [`ObjectDesc::steps`](crate::ObjectDesc::steps).
    pub plan: u32,
    /// [`OP_PROBE`]: the negative error number that says yes, or 0 if success does. [`OP_FIND_BTF`],
    /// [`OP_FIND_KSYM`]: not 0 if there may be none, which is no failure then.
    pub expect: i32,
    /// [`OP_PROBE`]: the bits that yes sets. [`OP_FIND_BTF`]: place of the shape that the function or variable must have, as
    /// text; 0 for any.
    pub feature: u32,
}

/// Place of [`Step::unless`] in a step.
pub(crate) const AT_STEP_UNLESS: u32 = 4;
/// Place of [`Step::expect`] in a step.
pub(crate) const AT_STEP_EXPECT: u32 = 32;

impl Step {
    pub(crate) fn read(image: &(impl Read + ?Sized), at: u32) -> Option<Step> {
        let word = |index: u32| image.u32(at.checked_add(index * 4)?);
        let [op_low, op_high, mask, want] = word(0)?.to_ne_bytes();
        Some(Step {
            op: u16::from_ne_bytes([op_low, op_high]),
            mask,
            want,
            unless: word(1)?,
            cmd: word(2)?,
            arg: word(3)?,
            size: word(4)?,
            out: word(5)?,
            out2: word(6)?,
            plan: word(7)?,
            expect: word(8)?.cast_signed(),
            feature: word(9)?,
        })
    }
}
