//! Kfuncs and variables of the kernel that are not as the object declares them.
//!
//! The loader program finds them by name alone. Here the kernel's types are compared with the object's, as libbpf does
//! (`bpf_object__resolve_ksym_func_btf_id` in `tools/lib/bpf/libbpf.c`): a weak kfunc with another prototype counts as
//! missing, of which flavours like `bpf_task_acquire___v2` make use; a strong one is refused, and so is a variable of
//! another type.
//!
//! It costs a look at all of vmlinux's types, which is why only what programs refer to that are loaded is compared. A
//! module's types are read if vmlinux lacks the name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::os::fd::AsFd;

use super::machine::Machine;
use super::object_btf;
use super::patch::Patches;
use super::untyped;
use crate::btf::{Blob, KernelBtf, ModuleBtf, TypeId, Types, has_modules, kind};
use crate::image::{OP_COPY, OP_FIND_BTF, Read as _, Step};
use crate::open::Opened;
use crate::sys::bpf;
use crate::{Error, Result, diagnose};

/// Has the loader pass over weak kfuncs that the kernel has with another prototype.
///
/// # Errors
///
/// Something else of the kernel's is not as the object declares it.
pub(super) fn check(opened: &Opened<'_>, machine: &Machine<'_>, patches: &mut Patches<'_, '_>) -> Result<()> {
    let wanted: Vec<_> = patches
        .steps()
        .filter(|(_, step)| step.op == OP_FIND_BTF && step.feature != 0 && is_needed(opened, patches, step))
        .map(|(index, step)| Wanted::new(opened, index, step))
        .collect::<Result<_>>()?;
    if wanted.is_empty() {
        return Ok(());
    }
    let mut kernel = match KernelTypes::read() {
        Ok(kernel) => kernel,
        // Without sysfs nothing can be compared, but everything can be found. Flavours need more than that.
        Err(error) if wanted.iter().any(Wanted::is_flavour) => return Err(error),
        Err(_) => return Ok(()),
    };
    let names: Vec<_> = wanted.iter().map(|wanted| (wanted.step.cmd, wanted.name)).collect();
    let mut words = Vec::new();
    for (wanted, in_vmlinux) in wanted.iter().zip(kernel.vmlinux.types().find_all(&names)) {
        let found = match in_vmlinux {
            Some(id) => Some((kernel.vmlinux.types(), id, None)),
            None => kernel.in_modules(machine, wanted)?,
        };
        // That there is none the loader finds out.
        let Some((types, id, module)) = found else { continue };
        if types.shape_of(id).is_some_and(|shape| shape == wanted.shape) {
            continue;
        }
        if wanted.is_func() && wanted.is_weak() {
            words.push(untyped::never(&opened.header, wanted.index));
        } else {
            return Err(refused(opened, wanted, types, id, module));
        }
    }
    patches.words(words);
    Ok(())
}

/// Whether a program that is loaded refers to what `step` finds.
fn is_needed(opened: &Opened<'_>, patches: &Patches<'_, '_>, step: &Step) -> bool {
    if patches.has(step.unless) {
        return !patches.is_set(step.unless);
    }
    // What several programs refer to has a word of its own, which is cleared for each of them that is loaded.
    opened.image().u32(step.unless) == Some(0)
        || patches
            .steps()
            .any(|(_, copy)| copy.op == OP_COPY && copy.out == step.unless && !patches.is_set(copy.unless))
}

/// Something that the loader is to find.
struct Wanted<'a> {
    index: u32,
    step: Step,
    /// The kernel's name for it, and the object's.
    name: &'a str,
    own_name: &'a str,
    shape: &'a str,
}

impl<'a> Wanted<'a> {
    fn new(opened: &'a Opened<'_>, index: u32, step: Step) -> Result<Self> {
        let image = opened.image();
        let malformed = || Error::new("read the loader's image").because("a name or a shape is not inside");
        let (name, shape) = text(image, step.arg).zip(text(image, step.feature)).ok_or_else(malformed)?;
        let own_name = opened.desc.steps.get(step.plan as usize).map_or(name, |step| step.subject);
        Ok(Wanted { index, step, name, own_name, shape })
    }

    fn is_func(&self) -> bool {
        self.step.cmd == kind::FUNC
    }

    fn is_weak(&self) -> bool {
        self.step.expect != 0
    }

    /// Whether its name tells one prototype of several.
    fn is_flavour(&self) -> bool {
        self.name != self.own_name
    }
}

/// The text at `at`, up to its NUL byte.
fn text(image: &[u8], at: u32) -> Option<&str> {
    let bytes = image.get(at as usize..)?.split(|&byte| byte == 0).next()?;
    std::str::from_utf8(bytes).ok()
}

/// What the kernel has, modules as far as they are asked for.
struct KernelTypes {
    vmlinux: KernelBtf,
    /// By the BTF's id: each is read once, as a module can have many of the functions.
    modules: BTreeMap<u32, Option<ModuleBtf>>,
    has_modules: bool,
}

impl KernelTypes {
    fn read() -> Result<Self> {
        Ok(KernelTypes { vmlinux: KernelBtf::read()?, modules: BTreeMap::new(), has_modules: has_modules() })
    }

    /// The types of the module that has what is wanted, its id there, and the module's name.
    fn in_modules(
        &mut self,
        machine: &Machine<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<(Types<'_>, TypeId, Option<&str>)>> {
        if !self.has_modules {
            return Ok(None);
        }
        // Which module the loader will take, the kernel says. Where it does not, the loader fails, and names what it wanted.
        let Ok(Some((id, Some(fd)))) = machine.find_btf(wanted.name, wanted.step.cmd) else { return Ok(None) };
        let failed = |errno| diagnose::refused(Error::new("read a module's types"), errno);
        let module = match self.modules.entry(bpf::btf_id(fd.as_fd()).map_err(failed)?) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(none) => none.insert(ModuleBtf::read(fd, &self.vmlinux)?),
        };
        let Some(module) = module else { return Ok(None) };
        Ok(Some((module.types(&self.vmlinux), TypeId(id), Some(module.name()))))
    }
}

/// What is declared otherwise than the kernel has it.
fn refused(opened: &Opened<'_>, wanted: &Wanted<'_>, types: Types<'_>, id: TypeId, module: Option<&str>) -> Error {
    let place = module.map_or("this kernel".to_owned(), |module| format!("module {module}"));
    let has = types.declaration(id).unwrap_or_default();
    let (what, why, hint) = if wanted.is_func() {
        let declared = declared(opened, wanted.own_name)
            .map_or(String::new(), |proto| format!("the object declares `{proto}`, and "));
        let why = format!("incompatible prototype: {declared}{place} has `{has}`");
        let hint =
            "declare the prototype of this kernel, or, for several kernels, one weak flavour of each: `NAME___v2`";
        ("find kfunc", why, hint)
    } else {
        let why = format!("incompatible type: {place} has `{has}`, and the object declares it otherwise");
        ("find ksym", why, "declare it as the kernel does")
    };
    Error::new(what).subject(wanted.own_name).at_step(wanted.step.plan as usize).because(why).hint(hint)
}

/// The object's declaration of the function `name`.
fn declared(opened: &Opened<'_>, name: &str) -> Option<String> {
    let (_, load) = object_btf::step(opened)?;
    let blob = Blob::parse(object_btf::bytes(opened, &load)?, None).ok()?;
    let types = Types::new(&blob, None);
    types.declaration(types.find(kind::FUNC, name)?)
}
