//! The runtime of skelgen's light skeletons. It loads a skeleton's object into the kernel, and gives typed access to the maps,
//! variables and programs of the object. It needs no libbpf and no ELF parser, only `libc` and, with the default feature
//! `kconfig-gz`, `miniz_oxide` to read `/proc/config.gz`.
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
//!     open.percpu.hits = 41;                              // the initial value, for every CPU
//!     let skel = open.load()?;
//!     let _links = skel.attach()?;                        // dropping the links detaches
//!     std::thread::sleep(std::time::Duration::from_secs(1));
//!     for (cpu, value) in skel.percpu.iter()? {
//!         println!("CPU {cpu}: {} hits", value.hits);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! **[The guide](guide)** leads from [the first skeleton](guide::first) to [shipped programs](guide::shipping). Other chapters:
//! [per-CPU data](guide::percpu), [maps, ring buffers and sections](guide::data), [moving](guide::moving) from other loaders,
//! [errors](guide::trouble), [the glossary](guide::glossary).
//!
//! # Before the load
//!
//! `open()` returns a struct with a field for each map, section and program, and does not touch the kernel. Change what you
//! need, then call `load()`:
//!
//! | field | type | what you can change |
//! |---|---|---|
//! | `open.maps.NAME` | [`OpenMap`] | sizes, pin path, autocreate, inner map; reuse an existing map |
//! | `open.progs.NAME` | [`OpenProgram`] | autoload, autoattach, attach target, program type, expected attach type |
//! | `open.percpu`, `open.rodata`, … | a generated struct | the initial values |
//!
//! # After the load
//!
//! | handle | of |
//! |---|---|
//! | [`PerCpu<T>`](struct@PerCpu) | a `.percpu` section: one value for each possible CPU |
//! | [`Mapped<T>`](Mapped), [`MappedRo<T>`](MappedRo) | `.data` and `.bss`, `.rodata`: memory shared with the programs |
//! | [`Unmapped<T>`](Unmapped) | a section that contains only static and hidden variables |
//! | [`PerCpuMap<K, V>`](PerCpuMap) | `percpu_array`, `percpu_hash`, `lru_percpu_hash`, `percpu_cgroup_storage` |
//! | [`TypedMap<K, V>`](TypedMap) | `array`, `hash`, `lru_hash`, `rhash`, `lpm_trie` |
//! | [`Queue<V>`](Queue), [`BloomFilter<V>`](BloomFilter) | `queue` and `stack`, `bloom_filter` |
//! | [`RingBuf<T>`](RingBuf), made from the [`Map`] | `ringbuf`: records from programs |
//! | [`StructOps<T>`](StructOps) | `struct_ops`: a kernel struct whose members are programs |
//! | [`Arena`] | `arena`: shared memory with pointers; its variables are a [`Mapped<T>`](Mapped) |
//! | [`Map`] | any map: keys and values as bytes, and every flag of the kernel |
//! | [`Program`] | a program: [attach](Program::attach) it, which gives a [`Link`], or [run](Program::test_run) it once |
//!
//! All handles but `StructOps` and `Program` can also be made from a file descriptor or a pin, without a skeleton. An [`Error`] says
//! what failed, on which map or program, why, and what may help.
//!
//! # What a load asks of the kernel
//!
//! | command | |
//! |---|---|
//! | `BPF_MAP_CREATE` | creates the image, an array map with one element, which the runtime maps and fills |
//! | `BPF_BTF_LOAD` | loads the loader's BTF |
//! | `BPF_PROG_LOAD` | loads the loader program |
//! | `BPF_PROG_TEST_RUN` | runs the loader, which creates the maps, fills them and loads the programs |
//! | `BPF_MAP_UPDATE_ELEM` | before Linux 7.0: once for each `.percpu` section with a non-zero initial value |
//! | `BPF_PROG_BIND_MAP` | once for each program of an object with `bpf_metadata_*` variables in `.rodata` |
//!
//! Some objects need more:
//!
//! - struct_ops maps: `/sys/kernel/btf/vmlinux`. If the type is not there, `BPF_BTF_GET_NEXT_ID`, `BPF_BTF_GET_FD_BY_ID` and
//!   `BPF_OBJ_GET_INFO_BY_FD` to search the modules' BTF.
//! - `usdt` programs: one `BPF_PROG_LOAD` and two `BPF_LINK_CREATE`, once in a process, to probe for uprobe_multi links.
//! - pinned maps: `BPF_OBJ_GET`, `BPF_OBJ_PIN`; maps that you pass in: `BPF_OBJ_GET_INFO_BY_FD`.
//! - maps that the loader cannot create: `BPF_MAP_CREATE`, for arenas, local storages, maps with an exclusive program and sections
//!   made longer.
//! - a user namespace: `BPF_TOKEN_CREATE`.
//! - `__kconfig` variables: uname(2) and `/proc/version_signature` for `LINUX_KERNEL_VERSION`, one `BPF_PROG_LOAD` for
//!   `LINUX_HAS_BPF_COOKIE`, perf_event_open(2) for `LINUX_HAS_SYSCALL_WRAPPER`, and `/boot/config-RELEASE` or `/proc/config.gz` for
//!   options. Values from [`Opened::set_kconfig`] take precedence.
//!
//! After a failure the loader runs once more, to get the verifier log.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `derive` (default) | the derives `Skeleton` and `PerCpu` |
//! | `kconfig-gz` (default) | reads `/proc/config.gz`; without it, a compressed configuration is an error that names the feature |
//! | `libbpf-rs` | module `interop` converts maps, programs and links to libbpf-rs's types and back. It builds libbpf, which needs a C compiler, libelf and zlib |
//! | `bytemuck`, `serde`, `zerocopy` | implement the crate's traits for [`Bool`] and [`Unaligned`], so generated types can derive them: `type_derive("*", "bytemuck::Zeroable, bytemuck::Pod")` in a build script, `type_derive("*", zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable)` in a derive. serde sees a `bool` and a `T` |
//!
//! # Safety
//!
//! A skeleton contains code that runs with all rights of the process, so its description must come from the generator. The
//! runtime does not trust what the kernel returns: any bytes are a valid [`Plain`] value, and shared memory is only read and
//! written as atomics.
//!
//! # For generated code
//!
//! [`ObjectDesc`], [`Opened`], [`Loaded`], [`plain!`] and [`image`] are what generated code uses. `tests/goldens/counters/skeleton.rs` in
//! the repository is a complete skeleton.
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "derive"), allow(rustdoc::broken_intra_doc_links, reason = "some lead to the derives"))]

mod arena;
mod attach;
mod btf;
mod core_relo;
pub mod cpus;
mod data;
mod desc;
mod error;
#[cfg(all(any(doc, doctest), feature = "derive"))]
pub mod guide;
pub mod image;
#[cfg(feature = "libbpf-rs")]
pub mod interop;
mod kconfig;
pub mod kernel;
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

use kernel::diagnose;

pub use arena::Arena;
pub use attach::{CgroupOrder, Iter, IterCgroup, IterTask, Link, UprobeMulti};
pub use cpus::PossibleCpus;
pub use data::{Mapped, MappedRo, Unmapped};
pub use desc::{
    ArenaDesc, Attach, DataDesc, DataKind, ImageDesc, KconfigDesc, KconfigType, MapDesc, MemberDesc, ObjectDesc,
    ProgDesc, Repeat, StepDesc, StructOpsDesc,
};
pub use error::{Error, Result};
pub use kernel::percpu::{self as features, Features};
pub use load::Loaded;
pub use map::{BloomFilter, ElemFlags, Elements, Map, Queue, RingBuf, TypedMap, Update, unpin};
pub use open::{OpenMap, OpenProgram, Opened, PerCpuMode};
pub use percpu::{PerCpu, PerCpuElements, PerCpuMap, PerCpuValues};
pub use plain::{Bool, Plain, Unaligned, Value};
pub use prog::{Program, TestRun, TestRunOutput};
pub use skelgen_abi::skeleton_abi;
#[cfg(feature = "derive")]
pub use skelgen_macros::{PerCpu, Skeleton};
pub use struct_ops::StructOps;
pub use sys::{Errno, uapi};
