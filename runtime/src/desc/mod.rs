//! What a skeleton is made of: the types of the statics in generated code.
//!
//! A description borrows all it says, for `'static` in generated code, for less where the object is read at run time.
//! Safe code can make any description, so [`Opened::new`](crate::Opened::new) trusts none. It accepts the one loader program
//! that this runtime knows, and checks each record of the image before that program runs: no record changes a map's sizes,
//! has the kernel write to the process's memory, or puts a number in the place of a descriptor. The object's own programs are
//! trusted: they run in the kernel with the rights of the process, as with any other loader. Processes that can write to this
//! process's memory or to its BPF maps, as root can, are trusted too.

mod image;

use std::borrow::Cow;
use std::fmt;

use crate::kconfig::KconfigDesc;
use crate::sys::elem::Shape;
use crate::sys::uapi::{MapFlags, MapType};
pub use image::{ImageDesc, Repeat};

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
    /// What the loader's steps are, for a failure to name: [`Step::plan`](crate::image::Step::plan) is an index here.
    pub steps: &'a [StepDesc<'a>],
}

/// One map. Sizes and flags are those of `BPF_MAP_CREATE`.
#[derive(Clone, Copy, Debug)]
pub struct MapDesc<'a> {
    /// The map's name in the source; a data section's is the section's.
    pub name: &'a str,
    /// `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Entries.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub map_flags: u32,
    /// Places of the attrs that can create this map, native and lowered.
    pub attrs: &'a [u32],
    /// Place of the map's entry in the table of descriptors.
    pub fd: u32,
    /// Place of the word that, if not 0, says that `fd` holds a map which exists, or that none is wanted: it is not
    /// created, filled or frozen. 0 if the map cannot be replaced.
    pub reused: u32,
    /// What makes it a data section.
    pub data: Option<DataDesc<'a>>,
    /// The object's variables that lie in it, if it is an arena and there are such.
    pub arena: Option<ArenaDesc<'a>>,
    /// `enum libbpf_pin_type`: 1 pins by name, 0 does not.
    pub pinning: u32,
    /// What makes it a struct_ops map.
    pub struct_ops: Option<StructOpsDesc<'a>>,
}

/// A struct_ops map's value: a struct of the kernel's, made of values and programs, as the object lays it out.
#[derive(Clone, Copy)]
pub struct StructOpsDesc<'a> {
    /// The struct's name in the kernel.
    pub type_name: &'a str,
    /// Whether the map is created unless told otherwise: not in section `?.struct_ops`.
    pub autocreate: bool,
    /// The first value; 0 where it has programs. As long as [`MapDesc::value_size`].
    pub init: &'a [u8],
    /// The members.
    pub members: &'a [MemberDesc<'a>],
}

/// A member of a struct_ops map's struct.
#[derive(Clone, Copy, Debug)]
pub struct MemberDesc<'a> {
    /// The C name.
    pub name: &'a str,
    /// Bytes from the struct's start.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// `BTF_KIND_*` of its type, behind typedefs and qualifiers.
    pub kind: u32,
    /// Whether it is a bit-field.
    pub bitfield: bool,
    /// Whether it is a pointer to a function, in whose place a program can stand.
    pub function: bool,
    /// The program that the object has there: an index into [`ObjectDesc::progs`].
    pub program: Option<usize>,
}

/// A map that holds a section's variables: an array of one value.
#[derive(Clone, Copy, Debug)]
pub struct DataDesc<'a> {
    /// Which kind of variables.
    pub kind: DataKind,
    /// Where in the image the value's first bytes are, and how many; `None` if they are all 0.
    pub init: Option<(u32, u32)>,
    /// The ELF section's name.
    pub section: &'a str,
    /// Whether every program keeps the map, those that do not use it too: it is `.rodata` and has variables that tell
    /// something of the programs, `bpf_metadata_*`.
    pub metadata: bool,
    /// In `.kconfig`, which is [`DataKind::Kconfig`]: the variables that get their values at load.
    pub kconfig: &'a [KconfigDesc<'a>],
}

/// The variables that lie in an arena.
#[derive(Clone, Copy, Debug)]
pub struct ArenaDesc<'a> {
    /// Their bytes.
    pub size: u32,
    /// Where in the image their first bytes are, and how many; `None` if they are all 0.
    pub init: Option<(u32, u32)>,
    /// Places of words in programs, each an offset among the variables: where in the arena they lie is added.
    pub offsets: &'a [u32],
}

/// A kind of data section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// `.data`: anyone can write it.
    Data,
    /// `.rodata`: frozen once loaded.
    Rodata,
    /// `.bss`: as [`DataKind::Data`], all 0 at first.
    Bss,
    /// `.percpu`: each CPU has its own.
    PerCpu,
    /// `.kconfig`: filled with what the kernel is configured with, then frozen as [`DataKind::Rodata`] is.
    Kconfig,
}

/// One entry program.
#[derive(Clone, Debug)]
pub struct ProgDesc<'a> {
    /// The function's name.
    pub name: &'a str,
    /// The ELF section's name, which says what the program is for.
    pub section: &'a str,
    /// `enum bpf_prog_type`.
    pub prog_type: u32,
    /// `enum bpf_attach_type`.
    pub expected_attach_type: u32,
    /// Places of the attrs that can load this program, native and lowered.
    pub attrs: &'a [u32],
    /// Place of the program's entry in the table of descriptors.
    pub fd: u32,
    /// Place of the word that, if not 0, says not to load it.
    pub skip: u32,
    /// Whether it is loaded unless told otherwise: not with `SEC("?...")`.
    pub autoload: bool,
    /// How it is attached.
    pub attach: Attach<'a>,
}

/// What a program is attached to, as far as its section says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attach<'a> {
    /// To a raw tracepoint: `SEC("raw_tp/sched_switch")`.
    RawTracepoint {
        /// The tracepoint's name, without its category.
        name: Cow<'a, str>,
    },
    /// To what it was loaded for, by `BPF_RAW_TRACEPOINT_OPEN` without a name: `tp_btf`, `fentry`, `fexit`, `fmod_ret`,
    /// `lsm`, `freplace`.
    Tracing,
    /// It is an iterator: `SEC("iter/task")`. Iterators over a map's elements need the map, and those over cgroups an order:
    /// [`Program::attach_iter_map`](crate::Program::attach_iter_map),
    /// [`attach_iter_cgroup`](crate::Program::attach_iter_cgroup).
    Iter,
    /// To a tracepoint: `SEC("tp/sched/sched_switch")`.
    Tracepoint {
        /// The category, as in `sched`.
        category: Cow<'a, str>,
        /// The tracepoint's name.
        name: Cow<'a, str>,
    },
    /// To a kernel function: `SEC("kprobe/do_unlinkat")`.
    Kprobe {
        /// The function's name.
        function: Cow<'a, str>,
        /// Bytes from its start; 0 for a `kretprobe`.
        offset: u64,
        /// Whether it is a `kretprobe`, run when the function returns.
        ret: bool,
    },
    /// To all functions that match, with one link: `SEC("fentry.multi/vfs_*")`.
    TracingMulti {
        /// The module whose functions are meant, `None` for the kernel proper.
        module: Option<Cow<'a, str>>,
        /// Functions' names, with `*` for any text and `?` for any character; `None` if the section has none.
        pattern: Option<Cow<'a, str>>,
    },
    /// To a static probe of a binary: `SEC("usdt")`. Where the kernel has links to many places of a binary, it is loaded
    /// for one, as the probe can be in many. [`Program::attach_uprobe_multi`](crate::Program::attach_uprobe_multi)
    /// attaches it to places that the caller knows.
    Usdt {
        /// The binary, provider and name in the section's name, if it has them.
        probe: Option<Cow<'a, str>>,
    },
    /// The section names no target: the caller does, with one of the methods `attach_*`.
    Manual,
    /// This runtime cannot attach it.
    Unsupported {
        /// What is missing.
        why: Cow<'a, str>,
    },
}

impl Attach<'_> {
    /// Whether the caller has to name a target.
    pub(crate) fn needs_target(&self) -> bool {
        let of_many = Attach::TracingMulti { module: None, pattern: None };
        [Attach::Manual, of_many, Attach::Usdt { probe: None }].contains(self)
    }

    /// The same without borrowing.
    pub(crate) fn to_static(&self) -> Attach<'static> {
        fn owned(text: &str) -> Cow<'static, str> {
            Cow::Owned(text.to_owned())
        }
        match self {
            Attach::RawTracepoint { name } => Attach::RawTracepoint { name: owned(name) },
            Attach::Tracing => Attach::Tracing,
            Attach::Iter => Attach::Iter,
            Attach::Tracepoint { category, name } => {
                Attach::Tracepoint { category: owned(category), name: owned(name) }
            }
            Attach::Kprobe { function, offset, ret } => {
                Attach::Kprobe { function: owned(function), offset: *offset, ret: *ret }
            }
            Attach::TracingMulti { module, pattern } => {
                Attach::TracingMulti { module: module.as_deref().map(owned), pattern: pattern.as_deref().map(owned) }
            }
            Attach::Usdt { probe } => Attach::Usdt { probe: probe.as_deref().map(owned) },
            Attach::Manual => Attach::Manual,
            Attach::Unsupported { why } => Attach::Unsupported { why: owned(why) },
        }
    }
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
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

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

impl fmt::Debug for StructOpsDesc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StructOpsDesc { type_name, autocreate, init, members } = self;
        f.debug_struct("StructOpsDesc")
            .field("type_name", type_name)
            .field("autocreate", autocreate)
            .field("init", &Bytes(init))
            .field("members", members)
            .finish()
    }
}

impl MapDesc<'_> {
    /// Where the first bytes of its variables are, and how many variables have: a data section's or an arena's.
    pub(crate) fn variables(&self) -> Option<(Option<(u32, u32)>, u32)> {
        match (&self.data, &self.arena) {
            (Some(data), _) => Some((data.init, self.value_size)),
            (None, Some(arena)) => Some((arena.init, arena.size)),
            (None, None) => None,
        }
    }

    /// The map's sizes, as the kernel is told.
    pub(crate) fn shape(&self) -> Shape {
        Shape {
            map_type: MapType(self.map_type),
            key_size: self.key_size,
            value_size: self.value_size,
            max_entries: self.max_entries,
            map_flags: MapFlags(self.map_flags),
        }
    }
}
