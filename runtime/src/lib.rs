//! What a generated skeleton links to: it loads the skeleton's object, and gives typed access to the maps, variables
//! and programs that then are in the kernel. No libbpf and no ELF are needed at run time,
//! only `libc` and, unless feature `kconfig-gz` is off, `miniz_oxide`, which unpacks `/proc/config.gz`.
//!
//! ```no_run
//! use skelgen_runtime::Skeleton;
//!
//! /// System calls, by CPU.
//! #[derive(Skeleton)]
//! #[skeleton(object = "../fixtures/counters.bpf.o")]
//! struct Counters;
//!
//! fn main() -> skelgen_runtime::Result<()> {
//!     let mut open = Counters::open()?;
//!     open.percpu.hits = 41;                              // the one value with which every CPU begins
//!     let skel = open.load()?;
//!     let _links = skel.attach()?;
//!     std::thread::sleep(std::time::Duration::from_secs(1));
//!     for (cpu, value) in skel.percpu.iter()? {
//!         println!("CPU {cpu}: {} hits", value.hits);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! **[The guide](guide)** leads from here to programs that are shipped: [the first skeleton](guide::first),
//! [per-CPU data](guide::percpu), [maps, ring buffers and sections](guide::data), [moving](guide::moving) from other loaders,
//! [errors](guide::trouble).
//!
//! # What is here
//!
//! Generated code is thin. It holds an [`ObjectDesc`] and a struct with a field for each map, section and program;
//! the work is done here, in this order:
//!
//! ```text
//! ObjectDesc ──Opened::new──▶ Opened ──load──▶ Loaded ──take──▶ handles of sections and maps, Program
//!   static      OpenMap, OpenProgram: what to change      │                                      │ attach
//!                                                         ▼                                      ▼
//!                                       4 commands of bpf(2), see below                         Link
//! ```
//!
//! | handle | of |
//! |---|---|
//! | [`PerCpu<T>`](struct@PerCpu) | a `.percpu` section: a value for each possible CPU |
//! | [`Mapped<T>`](Mapped), [`MappedRo<T>`](MappedRo) | `.data` and `.bss`, `.rodata`: shared memory |
//! | [`Unmapped<T>`](Unmapped) | any of these that has static and hidden variables only |
//! | [`PerCpuMap<K, V>`](PerCpuMap) | `percpu_array`, `percpu_hash`, `lru_percpu_hash`, `percpu_cgroup_storage` |
//! | [`TypedMap<K, V>`](TypedMap) | `array`, `hash`, `lru_hash`, `lpm_trie` |
//! | [`Queue<V>`](Queue), [`BloomFilter<V>`](BloomFilter) | `queue` and `stack`, `bloom_filter` |
//! | [`RingBuf<T>`](RingBuf), made from the [`Map`] | `ringbuf`: records that programs send |
//! | [`StructOps<T>`](StructOps) | `struct_ops`: a struct of the kernel's that is made of programs |
//! | [`Arena`] | `arena`: memory that is shared, with pointers in it; its variables are a [`Mapped<T>`](Mapped) |
//! | [`Map`] | any map: keys and values as bytes, every flag of the kernel's |
//!
//! All of them but `StructOps` can also be made from a descriptor or a pin, without a skeleton. What is changed before the
//! load are [`OpenMap`], [`OpenProgram`] and the sections' structs; after it, a [`Program`] is attached by a [`Link`] or
//! [run for a test](Program::test_run). An [`Error`] says what failed, on what, why, and what to do.
//!
//! # What generated code looks like
//!
//! Nobody has to write this; it is what the items that generated code alone uses are for.
//!
//! ```no_run
//! use skelgen_runtime as rt;
//!
//! // The object, as the generator wrote it down.
//! # static IMAGE: &[u8] = &[];
//! # static LOADER: &[u8] = &[];
//! # static MAPS: &[rt::MapDesc<'static>] = &[];
//! # static PROGS: &[rt::ProgDesc<'static>] = &[];
//! # static STEPS: &[rt::StepDesc<'static>] = &[];
//! static OBJECT: rt::ObjectDesc<'static> = rt::ObjectDesc {
//!     name: "counters",
//!     min_kernel: None,
//!     image: IMAGE,
//!     loader: LOADER,
//!     loader_btf: &[],
//!     loader_func_info: &[],
//!     maps: MAPS,
//!     progs: PROGS,
//!     steps: STEPS,
//! };
//!
//! rt::plain! {
//!     #[derive(Eq)]
//!     pub struct PerCpu { pub hits: u64, pub last_pid: i32, pub _pad12: [u8; 4] }
//!     pub struct Bss { pub dropped: u64 }
//! }
//!
//! pub struct OpenCounters {
//!     pub percpu: Box<PerCpu>,
//!     pub bss: Box<Bss>,
//!     pub events: rt::OpenMap,
//!     pub on_exec: rt::OpenProgram,
//!     opened: rt::Opened<'static>,
//! }
//!
//! pub struct Counters {
//!     pub percpu: rt::PerCpu<PerCpu>,
//!     pub bss: rt::Mapped<Bss>,
//!     pub events: rt::Map,
//!     pub on_exec: rt::Program,
//! }
//!
//! impl Counters {
//!     pub fn open() -> rt::Result<OpenCounters> {
//!         let opened = rt::Opened::new(&OBJECT)?;
//!         Ok(OpenCounters {
//!             percpu: opened.value(0)?,
//!             bss: opened.value(1)?,
//!             events: opened.map(2)?,
//!             on_exec: opened.program(0)?,
//!             opened,
//!         })
//!     }
//! }
//!
//! impl OpenCounters {
//!     pub fn load(self) -> rt::Result<Counters> {
//!         let values = [(0, rt::Plain::as_bytes(&*self.percpu)), (1, rt::Plain::as_bytes(&*self.bss))];
//!         let mut loaded = self.opened.load([self.events], [self.on_exec], &values)?;
//!         Ok(Counters {
//!             percpu: loaded.percpu(0)?,
//!             bss: loaded.mapped(1)?,
//!             events: loaded.map(2)?,
//!             on_exec: loaded.program(0)?,
//!         })
//!     }
//! }
//!
//! // The user's side.
//! fn main() -> rt::Result<()> {
//!     let mut open = Counters::open()?;
//!     open.percpu.hits = 41;
//!     open.events.set_max_entries(1 << 20)?;
//!     let counters = open.load()?;
//!     let _link = counters.on_exec.autoattach()?;
//!     for (cpu, value) in counters.percpu.iter()? {
//!         println!("CPU {cpu}: {} hits, {} dropped so far", value.hits, counters.bss.get().dropped);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # What a load asks of the kernel
//!
//! | | |
//! |---|---|
//! | `BPF_MAP_CREATE` | the image: an array of one value, mapped into this process and filled |
//! | `BPF_BTF_LOAD` | the loader's types |
//! | `BPF_PROG_LOAD` | the loader program |
//! | `BPF_PROG_TEST_RUN` | runs it: it makes the maps, fills them and loads the programs |
//! | `BPF_MAP_UPDATE_ELEM` | for each `.percpu` section with a value, on kernels before 7.0 |
//! | `BPF_PROG_BIND_MAP` | for each program of an object with `bpf_metadata_*` variables in `.rodata` |
//!
//! And only if asked for: the kernel's types, for objects with struct_ops maps (`/sys/kernel/btf/vmlinux`, and where
//! that does not have them `BPF_BTF_GET_NEXT_ID`, `BPF_BTF_GET_FD_BY_ID` and `BPF_OBJ_GET_INFO_BY_FD` for the modules'),
//! whether it has uprobe_multi links, for `usdt` programs (one `BPF_PROG_LOAD` and two `BPF_LINK_CREATE`, once in a
//! process), pinned maps (`BPF_OBJ_GET`, `BPF_OBJ_PIN`), maps handed in (`BPF_OBJ_GET_INFO_BY_FD`), maps that the
//! loader cannot make (`BPF_MAP_CREATE`: arenas, local storages, those of one program alone, sections made longer), a
//! token in a user namespace (`BPF_TOKEN_CREATE`), and after a failure one more run, for the verifier's log.
//!
//! # What the kernel is configured with
//!
//! For an object with `__kconfig` variables the machine is asked, before all that: uname(2) and `/proc/version_signature`
//! for `LINUX_KERNEL_VERSION`, one `BPF_PROG_LOAD` for `LINUX_HAS_BPF_COOKIE`, perf_event_open(2) for
//! `LINUX_HAS_SYSCALL_WRAPPER`, `/boot/config-RELEASE` or `/proc/config.gz` for options. What
//! [`Opened::set_kconfig`] says comes first. Without the feature `kconfig-gz` a compressed configuration is an error
//! that says so.
//!
//! # With libbpf-rs
//!
//! With the feature `libbpf-rs`, module `interop` has this crate's maps, programs and links as libbpf-rs's and back:
//! `MapHandle::try_from(&map)`, `Map::try_from(&handle)`. It needs what libbpf does: a C compiler, libelf and zlib.
//!
//! # With serde, zerocopy, bytemuck
//!
//! With the feature of that name, [`Bool`] and [`Unaligned`] have the crate's traits, and so can the structs that have
//! them for fields: `type_derive("*", "bytemuck::Zeroable, bytemuck::Pod")` in a build script, `type_derive("*",
//! zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable)` in a derive. To serde they are a `bool` and a `T`.
//!
//! # Safety
//!
//! A skeleton is code: its loader program acts with all the rights of the process, so a description must come from the
//! generator. What the kernel hands back is not trusted: [`Plain`] types take any bytes, and shared memory is only
//! read and written as atomics.
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "derive"), allow(rustdoc::broken_intra_doc_links, reason = "some lead to the derives"))]

mod arena;
mod attach;
mod btf;
mod core_relo;
pub mod cpus;
mod data;
mod desc;
mod diagnose;
mod error;
pub mod features;
#[cfg(all(any(doc, doctest), feature = "derive"))]
pub mod guide;
pub mod image;
#[cfg(feature = "libbpf-rs")]
pub mod interop;
mod kconfig;
mod layout;
mod load;
mod map;
mod open;
mod percpu;
pub mod plain;
mod prog;
mod sha256;
mod struct_ops;
mod sys;
mod token;

pub use arena::Arena;
pub use attach::{CgroupOrder, Iter, IterCgroup, IterTask, Link, UprobeMulti};
pub use cpus::PossibleCpus;
pub use data::{Mapped, MappedRo, Unmapped};
pub use desc::{
    ArenaDesc, Attach, DataDesc, DataKind, MapDesc, MemberDesc, ObjectDesc, ProgDesc, StepDesc, StructOpsDesc,
};
pub use error::{Error, Result};
pub use features::Features;
pub use kconfig::{KconfigDesc, KconfigType};
pub use load::Loaded;
pub use map::{BloomFilter, ElemFlags, Elements, Map, Queue, RingBuf, TypedMap, Update, unpin};
pub use open::{OpenMap, OpenProgram, Opened, PerCpuMode};
pub use percpu::{PerCpu, PerCpuElements, PerCpuMap, PerCpuValues};
pub use plain::{Bool, Plain, Unaligned, Value};
pub use prog::{Program, TestRun, TestRunOutput};
#[cfg(feature = "derive")]
pub use skelgen_macros::{PerCpu, Skeleton};
pub use struct_ops::StructOps;
pub use sys::{Errno, uapi};
