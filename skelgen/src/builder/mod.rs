//! The door for build scripts.
//!
//! ```text
//! Builder   what is to be generated, and how
//! output    the files
//! listener  who hears of what is done
//! cargo     what a build script says to cargo
//! manifest  the runtime's name in the package of a build script
//! error     why nothing was generated
//! ```

mod cargo;
mod error;
mod listener;
mod manifest;
mod output;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::KernelVersion;
use crate::clang::{self, Clang, Target};
use crate::emit::{self, Pattern, Recipe, Spelling};
use cargo::Cargo;
pub use error::BuildError;
use error::Cause;
pub use listener::Listener;
pub use output::{Output, OutputKind};

/// Generates skeletons from a build script.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), skelgen::BuildError> {
///     skelgen::Builder::new().object("src/counters.bpf.o").generate_to_out_dir()
/// }
/// ```
///
/// and in the crate, which then has a module `counters`:
///
/// ```text
/// include!(concat!(env!("OUT_DIR"), "/counters.skel.rs"));
/// ```
///
/// Options are for all objects and sources of a builder. What needs options of its own gets a builder of its own:
///
/// ```no_run
/// # fn main() -> Result<(), skelgen::BuildError> {
/// skelgen::Builder::new().source("src/bpf/agent.bpf.c").vmlinux_h("src/bpf/vmlinux.h").generate_to_out_dir()?;
/// skelgen::Builder::new().object("vendor/probe.bpf.o").name("latency").generate_to_out_dir()
/// # }
/// ```
///
/// # In a build script and elsewhere
///
/// In a build script, the builder tells cargo which files and environment variables to watch. It returns an error, and
/// cargo shows it once: as the script prints it (`main` prints an error that it returns), or as an error of the build if
/// the script drops it unread. clang's warnings are warnings of the build.
///
/// Elsewhere, in a task or a test, nothing is printed; [`out_dir`](Self::out_dir) says where files go; and sources are
/// compiled for this machine.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is generated before `generate_to_out_dir` or `generate`"]
pub struct Builder {
    inputs: Vec<Input>,
    out_dir: Option<PathBuf>,
    beside: bool,
    object_dir: Option<PathBuf>,
    keep_objects: bool,
    include_file: Option<PathBuf>,
    recipe: Recipe,
    clang: Clang,
}

/// What a skeleton is made from.
#[derive(Clone, Debug)]
enum Input {
    Object(PathBuf),
    Source(PathBuf),
}

impl Input {
    fn path(&self) -> &Path {
        match self {
            Input::Object(path) | Input::Source(path) => path,
        }
    }

    /// The name of the object's file, without its folder.
    fn object_name(&self) -> String {
        let file = self.path().file_name().unwrap_or_default();
        match self {
            Input::Object(_) => file.to_string_lossy().into_owned(),
            Input::Source(_) => Path::new(file).with_extension("o").to_string_lossy().into_owned(),
        }
    }

    /// The file's name up to its first dot, which the generated files have too.
    fn stem(&self) -> String {
        let file = self.path().file_name().unwrap_or_default().to_string_lossy();
        file.split('.').next().unwrap_or_default().to_owned()
    }
}

impl Builder {
    /// Nothing to generate yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an object, by its path from the package's folder, which is where build scripts run.
    pub fn object(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::Object(path.into()));
        self
    }

    /// Adds a C source, by its path from the package's folder. It is compiled with clang:
    ///
    /// ```text
    /// clang -g -O2 -target bpfel -mcpu=v3 -D__TARGET_ARCH_x86 ... -c src/bpf/counters.bpf.c -o OUT_DIR/counters.bpf.o
    /// ```
    ///
    /// Byte order and `__TARGET_ARCH_*` are those of the machine that the package is built for. `llvm-strip` then takes out
    /// the DWARF; where there is none it stays, and makes no difference to the skeleton. An object that would come out
    /// the same is not made again.
    ///
    /// clang finds the headers of the kernel and of the C library on this machine (`<linux/if.h>`, `<stdint.h>`), and sees
    /// them as for a 64-bit machine: `long` and pointers have 64 bits. As with clang alone, no macro such as `__x86_64__`
    /// is defined.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), skelgen::BuildError> {
    /// skelgen::Builder::new()
    ///     .source("src/bpf/counters.bpf.c")
    ///     .vmlinux_h("src/bpf/vmlinux_6.12.h")
    ///     .include("src/bpf/headers")
    ///     .define("MAX_CPUS", "64")
    ///     .flag("-Wall")
    ///     .generate_to_out_dir()
    /// # }
    /// ```
    pub fn source(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::Source(path.into()));
        self
    }

    /// The skeleton's name, if it is not to be the file's. Of one object or source only.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.recipe.name = Some(name.into());
        self
    }

    /// Where [`generate_to_out_dir`](Self::generate_to_out_dir) writes, if not to `OUT_DIR`.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        (self.out_dir, self.beside) = (Some(folder.into()), false);
        self
    }

    /// Has each skeleton stand beside its object or source, for skeletons that are kept in the tree. Of this and
    /// [`out_dir`](Self::out_dir), what is said last holds.
    pub fn beside(mut self) -> Self {
        self.beside = true;
        self
    }

    /// Where sources are compiled, if not where skeletons go. What tells whether that has to be done again is there too.
    pub fn object_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.object_dir = Some(folder.into());
        self
    }

    /// Has the object of each source stand beside its skeleton too, wherever it is compiled.
    pub fn keep_objects(mut self) -> Self {
        self.keep_objects = true;
        self
    }

    /// Has [`generate_to_out_dir`](Self::generate_to_out_dir) write one file more, which includes all skeletons.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), skelgen::BuildError> {
    /// skelgen::Builder::new()
    ///     .object("bpf/files.bpf.o")
    ///     .object("bpf/sockets.bpf.o")
    ///     .include_file("skeletons.rs")
    ///     .generate_to_out_dir()
    /// # }
    /// ```
    ///
    /// and in the crate, which then has modules `files` and `sockets`:
    ///
    /// ```text
    /// include!(concat!(env!("OUT_DIR"), "/skeletons.rs"));
    /// ```
    pub fn include_file(mut self, name: impl Into<PathBuf>) -> Self {
        self.include_file = Some(name.into());
        self
    }

    /// Who may see the module: `pub(crate)`, or nobody beside its parent for an empty text. By default it is `pub`.
    pub fn visibility(mut self, visibility: impl Into<String>) -> Self {
        self.recipe.visibility = Some(visibility.into());
        self
    }

    /// Where the crate `skelgen_runtime` is, as seen from anywhere in the crate. Without this it is at `::skelgen_runtime`; in
    /// a build script, at the name by which the package's manifest renames it (`bpf = { package = "skelgen-runtime" }`).
    pub fn runtime_path(mut self, path: impl Into<String>) -> Self {
        self.recipe.runtime_path = Some(path.into());
        self
    }

    /// The oldest kernel that the skeleton is for, 6.1 or newer. Loading on an older one fails, and says so.
    ///
    /// From Linux 7.3 on all kernels can address `.percpu` variables directly: the programs' second form, for those that
    /// cannot, is then left out.
    pub fn min_kernel(mut self, major: u32, minor: u32) -> Self {
        self.recipe.min_kernel = Some(KernelVersion { major, minor });
        self
    }

    /// The license for programs of objects that have no `license` section.
    ///
    /// Only programs with a GPL-compatible license may call GPL-only helpers: `GPL`, `GPL v2`, `Dual MIT/GPL` and the others
    /// of `license_is_gpl_compatible`. Objects of aya-ebpf have no license, and aya loads them as `GPL`. The license of an
    /// object that has one stays; if all objects of the builder have other ones, the option is refused.
    pub fn license(mut self, license: impl Into<String>) -> Self {
        self.recipe.license = Some(license.into());
        self
    }

    /// Derives for generated types.
    ///
    /// `types` is a name as C has it (`flow_key`, a section's `.percpu`; of a type without one its name in Rust), in which
    /// `*` stands for any characters and `?` for any one. Derives are given by their paths. All types have `Clone`,
    /// `Copy`, `Debug`, `Default` and `PartialEq` anyway.
    ///
    /// Derives of serde, zerocopy and bytemuck want the feature of that name of `skelgen-runtime`. Padding is a field
    /// `_pad0: [u8; N]`; `Hash` and `Ord` read it, `==` and serde do not. serde has no arrays longer than 32.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), skelgen::BuildError> {
    /// skelgen::Builder::new()
    ///     .object("src/counters.bpf.o")
    ///     .type_derive("flow_key", "Eq, Hash")
    ///     .type_derive("*", "zerocopy::FromBytes")
    ///     .generate_to_out_dir()
    /// # }
    /// ```
    pub fn type_derive(mut self, types: impl Into<Pattern>, derives: impl AsRef<str>) -> Self {
        self.recipe.type_derive.push((types.into(), derives.as_ref().to_owned()));
        self
    }

    /// Attributes for generated types, which are chosen as for [`type_derive`](Self::type_derive). They stand behind the
    /// derives.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), skelgen::BuildError> {
    /// skelgen::Builder::new()
    ///     .object("src/counters.bpf.o")
    ///     .type_derive("flow_key", "serde::Serialize")
    ///     .type_attribute("flow_key", r#"#[serde(rename_all = "kebab-case")]"#)
    ///     .generate_to_out_dir()
    /// # }
    /// ```
    pub fn type_attribute(mut self, types: impl Into<Pattern>, attributes: impl AsRef<str>) -> Self {
        self.recipe.type_attribute.push((types.into(), attributes.as_ref().to_owned()));
        self
    }

    /// Defines types that no section and no map has, say of a ring buffer's records; by the names that C has for them, as
    /// in [`type_derive`](Self::type_derive).
    ///
    /// The object must have the type. The compiler keeps those of maps, variables and functions' arguments; one line of C
    /// keeps another: `struct event *unused_event __attribute__((unused));`
    pub fn add_type(mut self, types: impl Into<Pattern>) -> Self {
        self.recipe.add_type.push(types.into());
        self
    }

    /// Leaves types undefined, by the names that C has for them: a struct or union is bytes where it is used, and an enum
    /// an integer.
    pub fn opaque_type(mut self, types: impl Into<Pattern>) -> Self {
        self.recipe.opaque_type.push(types.into());
        self
    }

    /// The compiler. By default that in the environment variable `CLANG`, else `clang` or the newest `clang-N` in `PATH`.
    pub fn clang(mut self, program: impl Into<PathBuf>) -> Self {
        self.clang.program(program);
        self
    }

    /// The instruction set, as `-mcpu` takes it. By default `v3`, which every kernel has that skeletons run on.
    pub fn target_cpu(mut self, cpu: impl Into<String>) -> Self {
        self.clang.cpu(cpu);
        self
    }

    /// A folder of headers for the sources.
    pub fn include(mut self, folder: impl Into<PathBuf>) -> Self {
        self.clang.include(folder);
        self
    }

    /// How errors write the builder's options, for tools that take them from elsewhere than Rust code.
    pub fn spelling(mut self, spelling: Spelling) -> Self {
        self.recipe.spelling = spelling;
        self
    }

    /// A macro for the sources: `.define("DEBUG", None)`, `.define("MAX_CPUS", "64")`.
    pub fn define<'a>(mut self, name: impl Into<String>, value: impl Into<Option<&'a str>>) -> Self {
        self.clang.define(name, value.into().map(ToOwned::to_owned));
        self
    }

    /// A flag for clang, behind all others.
    pub fn flag(mut self, flag: impl Into<OsString>) -> Self {
        self.clang.flag(flag);
        self
    }

    /// The file that `#include "vmlinux.h"` finds, whatever its name and wherever it is.
    pub fn vmlinux_h(mut self, path: impl Into<PathBuf>) -> Self {
        self.clang.vmlinux_h(path);
        self
    }

    /// Writes `NAME.skel.rs` for each object and source into `OUT_DIR`, and beside it `NAME.skel.image` for a large one.
    /// `NAME` is the skeleton's name, or the file's up to its first dot.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, of all objects: one cannot be read, is not one, or cannot be loaded by any kernel; a
    /// source cannot be compiled; an option cannot be; or `OUT_DIR` is not set.
    pub fn generate_to_out_dir(&self) -> Result<(), BuildError> {
        self.told(|cargo| self.make(cargo)?.iter().try_for_each(|output| output.write().map(drop)))
    }

    /// Makes all that [`generate_to_out_dir`](Self::generate_to_out_dir) writes, and writes nothing but the objects of
    /// sources, where they are compiled; `listener` hears of what is done. For tools that compare, or that show what they
    /// do.
    ///
    /// # Errors
    ///
    /// As there. Where anything is wrong, nothing is made.
    pub fn make(&self, listener: &mut dyn Listener) -> Result<Vec<Output>, BuildError> {
        if !self.beside && self.out().is_none() {
            return Err(Cause::NoOutDir.into());
        }
        self.check()?;
        output::all(self, listener)
    }

    /// Writes one skeleton to `path`.
    ///
    /// # Errors
    ///
    /// As [`generate_to_out_dir`](Self::generate_to_out_dir); or there is not exactly one object or source.
    pub fn generate(&self, path: impl AsRef<Path>) -> Result<(), BuildError> {
        self.told(|cargo| {
            self.check()?;
            let [input] = self.inputs.as_slice() else { return Err(Cause::NotOne(self.inputs.len()).into()) };
            output::one(self, cargo, input, path.as_ref())?.write().map(drop)
        })
    }

    /// In a build script, lets cargo show an error that the script drops.
    fn told(&self, generate: impl FnOnce(&mut Cargo) -> Result<(), BuildError>) -> Result<(), BuildError> {
        let mut cargo = Cargo::from_env();
        if self.inputs.iter().any(|input| matches!(input, Input::Source(_))) {
            clang::ENV.iter().for_each(|variable| cargo.heeds(variable));
        }
        generate(&mut cargo).map_err(|error| error.told_to(cargo))
    }

    fn out(&self) -> Option<PathBuf> {
        self.out_dir.clone().or_else(|| env::var_os("OUT_DIR").map(PathBuf::from))
    }

    /// Where an input's skeleton goes.
    fn folder(&self, input: &Input) -> Option<PathBuf> {
        if self.beside { input.path().parent().map(Path::to_owned) } else { self.out() }
    }

    /// Refuses what cannot be before anything is done.
    fn check(&self) -> Result<(), BuildError> {
        let mut causes = BuildError::from(self.recipe.options().err().unwrap_or_default()).into_causes();
        if self.inputs.is_empty() {
            causes.push(Cause::Nothing);
        }
        if let (Some(name), 2..) = (&self.recipe.name, self.inputs.len()) {
            causes.push(Cause::NameOfMany(name.clone()));
        }
        for (index, input) in self.inputs.iter().enumerate() {
            let is_same = |other: &&Input| other.stem() == input.stem() && self.folder(other) == self.folder(input);
            if let Some(other) = self.inputs[..index].iter().find(is_same) {
                causes.push(Cause::SameName(other.path().to_owned(), input.path().to_owned()));
                continue;
            }
            let module = emit::module_name(&input.object_name());
            // Skeletons in different folders may be included in different modules, unless one file includes them all.
            let is_same = |other: &&Input| {
                emit::module_name(&other.object_name()) == module
                    && (self.include_file.is_some() || self.folder(other) == self.folder(input))
            };
            if let Some(other) = self.inputs[..index].iter().find(is_same) {
                causes.push(Cause::SameModule(module, other.path().to_owned(), input.path().to_owned()));
            }
        }
        for path in self.inputs.iter().map(Input::path) {
            if path.to_string_lossy().contains(['\n', '\r']) {
                causes.push(Cause::LineBreak(path.to_owned()));
            }
        }
        BuildError::of(causes)
    }

    /// The objects and sources, as they were added.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.inputs.iter().map(Input::path)
    }

    /// What skeletons are made with: in a build script, with the runtime's path as the package names it.
    fn recipe(&self) -> Recipe {
        let mut recipe = self.recipe.clone();
        if recipe.runtime_path.is_none() && Cargo::from_env().listens() {
            recipe.runtime_path = manifest::manifest().and_then(|manifest| manifest::runtime_path(&manifest));
        }
        recipe
    }

    fn target(&self) -> Target {
        Target::from_env()
    }
}
