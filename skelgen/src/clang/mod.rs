//! From C to objects, for the doors that take sources.
//!
//! In: a C source. Out: an object with BTF and no DWARF, and the files it was made from. Nothing of the generator's
//! pipeline is here: what clang makes is read as if it had been there before.
//!
//! ```text
//! target    which BPF, for which machine
//! tools     where clang and llvm-strip are
//! headers   where the C library's headers are, for sources that want them
//! depfile   what a source included
//! private   a directory for one run of clang
//! stamp     whether an object is up to date
//! compiled  the object
//! failure   what clang said, and what to do about it
//! ```

mod compiled;
mod depfile;
mod failure;
mod headers;
mod private;
mod stamp;
mod target;
mod tools;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;
use std::{env, fs};

use crate::files;
pub use compiled::Compiled;
use failure::Cause;
pub use failure::ClangError;
use private::Private;
use stamp::Stamp;
pub use target::Target;
pub use tools::ENV;
use tools::Tools;

/// How C sources are compiled.
#[derive(Clone, Debug)]
pub struct Clang {
    program: Option<PathBuf>,
    cpu: String,
    includes: Vec<PathBuf>,
    defines: Vec<(String, Option<String>)>,
    flags: Vec<OsString>,
    vmlinux_h: Option<PathBuf>,
}

impl Default for Clang {
    fn default() -> Self {
        let (includes, defines, flags) = (Vec::new(), Vec::new(), Vec::new());
        Clang { program: None, cpu: "v3".to_owned(), includes, defines, flags, vmlinux_h: None }
    }
}

impl Clang {
    /// The compiler, instead of `CLANG`, or `clang` or the newest `clang-N` in `PATH`.
    pub fn program(&mut self, path: impl Into<PathBuf>) {
        self.program = Some(path.into());
    }

    /// The instruction set: `v3` unless said otherwise, which every kernel that skeletons run on has.
    pub fn cpu(&mut self, cpu: impl Into<String>) {
        self.cpu = cpu.into();
    }

    /// A folder of headers.
    pub fn include(&mut self, folder: impl Into<PathBuf>) {
        self.includes.push(folder.into());
    }

    /// A macro, with its value if it has one.
    pub fn define(&mut self, name: impl Into<String>, value: Option<String>) {
        self.defines.push((name.into(), value));
    }

    /// A flag, behind all others.
    pub fn flag(&mut self, flag: impl Into<OsString>) {
        self.flags.push(flag.into());
    }

    /// The file that `#include "vmlinux.h"` is to find, whatever it is named.
    pub fn vmlinux_h(&mut self, path: impl Into<PathBuf>) {
        self.vmlinux_h = Some(path.into());
    }

    /// Compiles `source` to `object`, unless that was made from the same by the same. Beside the object go what clang
    /// wrote of the headers, and a stamp.
    ///
    /// # Errors
    ///
    /// There is no clang, or it does not compile the source: in its own words, and with a hint where they are known.
    pub fn compile(&self, target: &Target, source: &Path, object: &Path) -> Result<Compiled, ClangError> {
        self.compile_with(target, source, object, &mut |_| ())
    }

    /// As [`compile`](Self::compile); `runs` hears of each command before it runs, if any has to.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn compile_with(
        &self,
        target: &Target,
        source: &Path,
        object: &Path,
        runs: &mut dyn FnMut(&Command),
    ) -> Result<Compiled, ClangError> {
        self.compile_in(target, source, object, runs).map_err(|cause| ClangError { source: source.to_owned(), cause })
    }

    fn compile_in(
        &self,
        target: &Target,
        source: &Path,
        object: &Path,
        runs: &mut dyn FnMut(&Command),
    ) -> Result<Compiled, Cause> {
        let tools = Tools::find(self.program.as_deref())?;
        if let Some(folder) = object.parent() {
            fs::create_dir_all(folder).map_err(|error| Cause::Io("make", folder.to_owned(), error))?;
        }
        let args = self.args(target, object)?;
        let stamp = Stamp::of(&tools, &args, source, object);
        if let Some(compiled) = stamp.compiled_before() {
            return Ok(compiled);
        }
        // `args` wrote headers: the start must be later, or they would be newer than the object.
        let start = SystemTime::now();
        let private =
            Private::beside(object).map_err(|error| Cause::Io("make a directory beside", object.to_owned(), error))?;
        let (made, rule) = (private.path(object), private.path(&stamp.depfile()));
        let mut clang = Command::new(&tools.clang);
        // Without -MT the rule would name the private directory, which differs in each build.
        clang.args(&args).args(["-MD", "-MT", "object", "-MF"]).arg(&rule).arg("-c").arg(source).arg("-o").arg(&made);
        for folder in headers::system(&tools.clang) {
            clang.arg("-idirafter").arg(folder);
        }
        runs(&clang);
        let output = clang.stdin(Stdio::null()).output().map_err(|error| Cause::Run(tools.clang.clone(), error))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(Cause::Compile(output.status, said));
        }
        if let Some(strip) = &tools.strip {
            let mut command = Command::new(strip);
            command.arg("-g").arg(&made).stdin(Stdio::null());
            runs(&command);
            let output = command.output().map_err(|error| Cause::Run(strip.clone(), error))?;
            if !output.status.success() {
                return Err(Cause::Strip(strip.clone(), String::from_utf8_lossy(&output.stderr).into_owned()));
            }
        }
        stamp.publish(&private, said, start)
    }

    /// clang's arguments, without the source, the output files and the system's include folders.
    fn args(&self, target: &Target, object: &Path) -> Result<Vec<OsString>, Cause> {
        // DWARF is what clang makes BTF from. Some distributions' clang guards the stack unless told otherwise, which
        // BPF cannot.
        let mut args: Vec<OsString> =
            ["-g", "-O2", "-fno-stack-protector", "-target", target.triple()].map(Into::into).to_vec();
        args.push(format!("-mcpu={}", self.cpu).into());
        args.extend(target.arch_macro().map(|name| format!("-D{name}").into()));
        // Line information has paths, which should not depend on where the package lies.
        if let Ok(here) = env::current_dir() {
            let mut map = OsString::from("-ffile-prefix-map=");
            map.push(here);
            map.push("=.");
            args.extend([map, "-fdebug-compilation-dir=.".into()]);
        }
        for (name, value) in &self.defines {
            args.push(value.as_ref().map_or_else(|| format!("-D{name}"), |value| format!("-D{name}={value}")).into());
        }
        if let Some(vmlinux_h) = &self.vmlinux_h {
            args.extend(["-I".into(), vmlinux_folder(vmlinux_h, object)?.into()]);
        }
        for folder in &self.includes {
            args.extend(["-I".into(), folder.into()]);
        }
        args.extend(["-isystem".into(), headers::abi(object)?.into()]);
        args.extend(self.flags.iter().cloned());
        Ok(args)
    }
}

/// A folder beside the object with a `vmlinux.h` that includes the user's header. The user's may have any name, and its
/// folder may have other headers. The folder's name has a hash of the header's path: builds that share the object's folder
/// may have different headers.
fn vmlinux_folder(vmlinux_h: &Path, object: &Path) -> Result<PathBuf, Cause> {
    let real = fs::canonicalize(vmlinux_h).map_err(|error| Cause::Io("read", vmlinux_h.to_owned(), error))?;
    let folder = object.with_file_name(format!("vmlinux-{:016x}", files::hash(&real)));
    headers::write(&folder.join("vmlinux.h"), &format!("#include \"{}\"\n", real.display()))?;
    Ok(folder)
}
