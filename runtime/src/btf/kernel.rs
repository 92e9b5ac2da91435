//! What this kernel has: the types of vmlinux from sysfs, those of modules by bpf(2).

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use super::Types;
use super::blob::{Blob, Bytes};
use crate::sys::kernel_file::KernelFile;
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// The kernel's types, and those of each loaded module that has some, by name.
const FOLDER: &str = "/sys/kernel/btf";
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The types of vmlinux.
pub(crate) struct KernelBtf(Blob<'static>);

/// A module's types, and its BTF's descriptor.
pub(crate) struct ModuleBtf {
    pub(crate) fd: OwnedFd,
    name: String,
    blob: Blob<'static>,
}

/// Whether there are modules that have types. Every process may ask.
pub(crate) fn has_modules() -> bool {
    // `vmlinux` is one of them.
    fs::read_dir(FOLDER).is_ok_and(|entries| entries.take(2).count() == 2)
}

/// Whether there is a module called `name` that has types. Every process may ask.
pub(crate) fn has_module(name: &str) -> bool {
    Path::new(FOLDER).join(name).exists()
}

impl KernelBtf {
    /// Maps or reads them, some megabytes.
    ///
    /// # Errors
    ///
    /// The kernel is built without them, or they are damaged.
    pub(crate) fn read() -> Result<KernelBtf> {
        let failed = || Error::new("read the kernel's types").subject(VMLINUX);
        let bytes = vmlinux().map_err(|error| {
            failed().io(error).hint("the kernel has them there if it is built with CONFIG_DEBUG_INFO_BTF")
        })?;
        Blob::parse(bytes, None).map(KernelBtf).map_err(|why| failed().because(why))
    }

    /// Those in `bytes`.
    #[cfg(test)]
    pub(crate) fn of(bytes: Vec<u8>) -> KernelBtf {
        KernelBtf(Blob::parse(bytes, None).unwrap())
    }

    /// The types, to look at.
    pub(crate) fn types(&self) -> Types<'_> {
        Types::new(&self.0, None)
    }

    /// The modules that have types, one after the other. Takes `CAP_SYS_ADMIN`: without it there are none.
    pub(crate) fn modules(&self) -> impl Iterator<Item = Result<ModuleBtf>> + '_ {
        let mut last = 0;
        std::iter::from_fn(move || {
            loop {
                last = match bpf::btf_get_next_id(last) {
                    Ok(id) => id,
                    Err(Errno::ENOENT | Errno::EPERM) => return None,
                    Err(errno) => return Some(Err(diagnose::refused(Error::new("list the modules' types"), errno))),
                };
                if let Some(module) = self.module(last).transpose() {
                    return Some(module);
                }
            }
        })
    }

    /// Those of the module called `name`; `None` if it is not loaded, or this process lacks `CAP_SYS_ADMIN`.
    pub(crate) fn module_called(&self, name: &str) -> Result<Option<ModuleBtf>> {
        self.modules().find(|module| module.as_ref().map_or(true, |module| module.name == name)).transpose()
    }

    /// The BTF with this id, if it is a module's and still there.
    fn module(&self, id: u32) -> Result<Option<ModuleBtf>> {
        match bpf::btf_by_id(id) {
            Ok(fd) => ModuleBtf::read(fd, self),
            Err(Errno::ENOENT | Errno::EPERM) => Ok(None),
            Err(errno) => {
                Err(diagnose::refused(Error::new("read the types of").subject(format!("BTF number {id}")), errno))
            }
        }
    }
}

/// The bytes of vmlinux's types.
fn vmlinux() -> io::Result<Bytes<'static>> {
    let mut file = File::open(VMLINUX)?;
    if let Some(mapped) = KernelFile::map(&file) {
        return Ok(mapped.into());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

impl ModuleBtf {
    /// The types behind `fd`, which the kernel has given for a module's; `None` if they are not a module's.
    pub(crate) fn read(fd: OwnedFd, kernel: &KernelBtf) -> Result<Option<ModuleBtf>> {
        let failed = |errno| diagnose::refused(Error::new("read a module's types"), errno);
        let Some((name, bytes)) = bpf::module_btf(fd.as_fd()).map_err(failed)? else { return Ok(None) };
        let blob = Blob::parse(bytes, Some(&kernel.0));
        let blob = blob.map_err(|why| Error::new("read a module's types").subject(&*name).because(why))?;
        Ok(Some(ModuleBtf { fd, name, blob }))
    }

    /// Those in `bytes`, with any descriptor.
    #[cfg(test)]
    pub(crate) fn of(fd: OwnedFd, bytes: Vec<u8>, kernel: &KernelBtf) -> ModuleBtf {
        ModuleBtf { fd, name: "module".to_owned(), blob: Blob::parse(bytes, Some(&kernel.0)).unwrap() }
    }

    /// The module's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The module's types, on top of `kernel`'s.
    pub(crate) fn types<'a>(&'a self, kernel: &'a KernelBtf) -> Types<'a> {
        Types::new(&kernel.0, Some(&self.blob))
    }
}
