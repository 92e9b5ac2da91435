//! skelgen reads a compiled BPF ELF object and writes a Rust *light skeleton* for it.
//!
//! A build script needs this much, and [`Builder`] has the rest; the package itself depends on `skelgen-runtime`, whose
//! documentation has the guide (`skelgen_runtime::guide`):
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), skelgen::BuildError> {
//!     skelgen::Builder::new().object("src/counters.bpf.o").generate_to_out_dir()
//! }
//! ```
//!
//! # The pipeline
//!
//! ```text
//! bytes ─▶ Object ─▶ Linked ─▶ LoadPlan ─▶ Loader (insns + image) ─▶ Rust tokens
//!         object    link      plan        loader                    emit
//!                     └▶ lower: the second image of each program that touches `.percpu`
//! ```
//!
//! Each arrow is a function from one owned value to the next; a later stage imports an earlier one, never the
//! reverse. The same bytes in give the same bytes out, on any machine.
//!
//! The doors are [`Builder`] for build scripts, the derive macro `Skeleton` of `skelgen-runtime`, and the command `cargo
//! skelgen`. For the same object they lead to the same skeleton. Doors read files and [`clang`] compiles C; behind them
//! nothing looks at the machine. All of them make a [`Skeleton`], in which each stage can be looked at:
//!
//! ```no_run
//! let bytes = std::fs::read("counters.bpf.o")?;
//! let skeleton = skelgen::Skeleton::new("counters.bpf.o", &bytes)?;
//! print!("{}", skeleton.plan);
//! print!("{}", skelgen::loader::Records(&skeleton.plan, &skeleton.loader));
//! print!("{}", skeleton.source(&skelgen::emit::Options::default())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | |
//! |---|---|
//! | [`object`] | an ELF file as programs, maps, data sections and externs; [`btf`] its types |
//! | [`link`](mod@link) | each program with the functions that it calls |
//! | [`lower`] | the second image of programs that touch `.percpu`, for kernels before 7.3 |
//! | [`plan`] | the steps of a load |
//! | [`loader`] | the program that takes these steps inside the kernel, and the image that it walks |
//! | [`describe`] | the description of the object, which the runtime loads |
//! | [`emit`] | the Rust |
//! | [`insn`] | instructions: made, matched, disassembled |
//! | [`uapi`] | numbers and names of the kernel |
#![forbid(unsafe_code)]

pub mod btf;
mod builder;
pub mod clang;
pub mod describe;
pub mod emit;
mod error;
pub mod fds;
mod files;
pub mod insn;
pub mod link;
pub mod loader;
pub mod lower;
pub mod object;
pub mod plan;
mod text;

pub use builder::{BuildError, Builder, Listener, Output, OutputKind};
pub use error::{Error, ErrorKind, Result, SourceLine};
pub use files::is_same_file;
pub use skelgen_abi::kernel::KernelVersion;
pub use skelgen_abi::{Endian, uapi};
pub use text::{escaped, is_unprintable, printable};

use link::link;
use loader::Loader;
use object::Object;
use plan::{LoadPlan, PlanOptions};

/// An object made ready to load: what every door of skelgen starts from.
#[derive(Clone, Debug)]
pub struct Skeleton {
    /// The object file's name, without its folder.
    pub file_name: String,
    /// The object.
    pub object: Object,
    /// What a load does.
    pub plan: LoadPlan,
    /// The loader program and its image.
    pub loader: Loader,
}

impl Skeleton {
    /// Takes an object through the pipeline. `file_name` names it in errors and, up to its first dot, in the kernel.
    ///
    /// # Errors
    ///
    /// What in the object cannot be loaded, and where it stands.
    pub fn new(file_name: &str, bytes: &[u8]) -> Result<Self> {
        Self::with(&PlanOptions::default(), file_name, bytes)
    }

    /// The same with the options of the plan. With a `min_kernel` of [7.3](KernelVersion::DIRECT_PERCPU) or newer, programs need
    /// no second form to touch `.percpu`, and get none: the loader is smaller, and what cannot be lowered is no error.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and for a license that the kernel cannot read.
    pub fn with(options: &PlanOptions, file_name: &str, bytes: &[u8]) -> Result<Self> {
        let run = || {
            let mut object = Object::parse(file_name, bytes)?;
            if let Some(license) = options.license.as_deref().filter(|_| object.license.is_empty()) {
                object.license = plan::checked_license(license)?.to_owned();
            }
            let programs = link(&object).map_err(|error| object.locate(error))?;
            let plan = plan::plan_since(options.min_kernel, &object, programs).map_err(|error| object.locate(error))?;
            let loader = loader::assemble(&plan)?;
            Ok(Skeleton { file_name: file_name.to_owned(), object, plan, loader })
        };
        run().map_err(|error: Error| error.in_object(file_name))
    }

    /// The skeleton's Rust source.
    ///
    /// # Errors
    ///
    /// A type that Rust cannot express, and the variable or map that has it.
    pub fn source(&self, options: &emit::Options) -> Result<String> {
        emit::source(self, options).map_err(|error| error.in_object(self.file_name.as_str()))
    }
}
