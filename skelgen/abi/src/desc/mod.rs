//! The description of an object: what a skeleton consists of, as constants in generated code.
//!
//! The generator makes an [`ObjectDesc`], the runtime loads it. A description borrows all its parts: generated code has
//! them in statics, a tool that loads an object without generating code has them in memory.
//!
//! Offsets count bytes from the start of the whole image, see [`image`](crate::image).

mod image;
mod kconfig;
mod map;
mod prog;
mod struct_ops;

use core::fmt;

pub use image::{ImageDesc, Repeat};
pub use kconfig::{KconfigDesc, KconfigType};
pub use map::{ArenaDesc, DataDesc, DataKind, MapDesc};
pub use prog::{Attach, ProgDesc};
pub use struct_ops::{MemberDesc, StructOpsDesc};

/// One BPF object, ready to load.
///
/// `{:?}` shows of images, code and types how long they are.
#[derive(Clone, Copy)]
pub struct ObjectDesc<'a> {
    /// The object's name.
    pub name: &'a str,
    /// The oldest kernel that it was made for, as in `(7, 3)`; `None` if any. From 7.3 on, programs that touch `.percpu`
    /// variables have no form for kernels that cannot address them directly.
    pub min_kernel: Option<(u32, u32)>,
    /// The image at rest; see [`image`](crate::image).
    pub image: ImageDesc<'a>,
    /// The loader program: `struct bpf_insn`, 8 bytes each, in this machine's byte order. It refers to the image's map
    /// as `fd_array[0]`.
    pub loader: &'a [u8],
    /// The loader's BTF; empty if it needs none.
    pub loader_btf: &'a [u8],
    /// The loader's `struct bpf_func_info`, 8 bytes each; empty if it needs none.
    pub loader_func_info: &'a [u8],
    /// The maps, data sections among them.
    pub maps: &'a [MapDesc<'a>],
    /// The entry programs.
    pub progs: &'a [ProgDesc<'a>],
    /// What the loader's steps are, for a failure to name: `plan` of a record is an index here.
    pub steps: &'a [StepDesc<'a>],
}

/// What a step does, in words for an error: `create map` `events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepDesc<'a> {
    /// A verb in the infinitive and its object.
    pub what: &'a str,
    /// The map's or program's name; empty if there is none.
    pub subject: &'a str,
}

/// Shows the length of bytes that nobody reads as numbers.
struct Bytes<'a>(&'a [u8]);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl fmt::Debug for ObjectDesc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectDesc { name, min_kernel, image, loader, loader_btf, loader_func_info, maps, progs, steps } = self;
        f.debug_struct("ObjectDesc")
            .field("name", name)
            .field("min_kernel", min_kernel)
            .field("image", image)
            .field("loader", &Bytes(loader))
            .field("loader_btf", &Bytes(loader_btf))
            .field("loader_func_info", &Bytes(loader_func_info))
            .field("maps", maps)
            .field("progs", progs)
            .field("steps", steps)
            .finish()
    }
}
