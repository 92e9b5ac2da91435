//! What programs are attached to, where the user says it, or where the section's name asks for one module.
//!
//! The loader finds a target by its name in the kernel and then in every module, which is what a section's name means.
//! Here the loader program is asked for it in a run of its own, so that the answer can be looked at; where that is not of
//! the module that was asked for, the module's own BTF is. A function of a BPF program is looked up in that program's BTF.
//! Then the image's own search is left out, and its result put in place.

use std::os::fd::{AsFd, OwnedFd};

use super::machine::Machine;
use super::number;
use super::patch::Patches;
use crate::btf::{self, KernelBtf, TypeId, kind};
use crate::desc::{Attach, ProgDesc};
use crate::open::{OpenProgram, Target};
use crate::sys::attr::place;
use crate::sys::uapi::*;
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// What a section calls the kernel proper.
const VMLINUX: &str = "vmlinux";

/// A target: its id, and in which module's or program's BTF.
struct Found {
    id: u32,
    fd: Option<OwnedFd>,
}

impl Found {
    fn is_in(&self, module: &str) -> Result<bool> {
        let Some(fd) = &self.fd else { return Ok(false) };
        let name = bpf::btf_name(fd.as_fd()).map_err(|errno| diagnose::refused(failed(), errno))?;
        Ok(name == module)
    }
}

/// Finds the targets and puts them in place; the descriptors are to be kept for the load.
pub(super) fn find(
    machine: &Machine<'_>,
    programs: &[OpenProgram],
    descs: &[ProgDesc<'_>],
    patches: &mut Patches<'_, '_>,
) -> Result<Vec<OwnedFd>> {
    let mut held = Vec::new();
    for (program, desc) in programs.iter().zip(descs).filter(|(program, _)| program.autoload) {
        let failed = |error: Error| error.subject(desc.name);
        if let Attach::TracingMulti { module: Some(module), .. } = &desc.attach {
            let module = module_btf(module).map_err(failed)?;
            for &attr in desc.attrs {
                patches.at(attr, place!(ProgLoad.attach_btf_obj_fd), number(&module))?;
            }
            held.push(module);
            continue;
        }
        let found = match (&program.target, in_module(program, desc)) {
            (Some(Target::Program { program, function }), _) => in_program(program, function).map_err(failed)?,
            (Some(Target::Kernel(name)), _) => in_kernel(machine, program, name).map_err(failed)?,
            (None, Some(name)) => in_kernel(machine, program, name).map_err(failed)?,
            (None, None) if needs_target(program) && !has_target(desc, patches) => {
                let error = Error::new("load program").because("its section names no attach target");
                return Err(failed(error.hint("call set_attach_target or set_attach_target_program")));
            }
            (None, None) => continue,
        };
        put(desc, patches, &found)?;
        held.extend(found.fd);
    }
    Ok(held)
}

/// The target in the section's name, if that asks for a certain module: `fentry/module:function`.
fn in_module<'d>(program: &OpenProgram, desc: &ProgDesc<'d>) -> Option<&'d str> {
    let (_, target) = desc.section.split_once('/')?;
    (needs_target(program) && target.contains(':')).then_some(target)
}

/// Whether the kernel wants to know the target when the program is loaded.
fn needs_target(program: &OpenProgram) -> bool {
    match program.prog_type {
        BPF_PROG_TYPE_LSM | BPF_PROG_TYPE_EXT => true,
        BPF_PROG_TYPE_TRACING => {
            let multi = [BPF_TRACE_FENTRY_MULTI, BPF_TRACE_FEXIT_MULTI, BPF_TRACE_FSESSION_MULTI];
            !multi.contains(&program.expected_attach_type)
        }
        _ => false,
    }
}

/// Whether the image finds a target for the program.
fn has_target(desc: &ProgDesc<'_>, patches: &Patches<'_, '_>) -> bool {
    desc.attrs.iter().all(|&attr| patches.is_found(attr, place!(ProgLoad.attach_btf_id)))
}

fn in_kernel(machine: &Machine<'_>, program: &OpenProgram, target: &str) -> Result<Found> {
    let (module, name) = match target.split_once(':') {
        Some((module, name)) => (Some(module), name),
        None => (None, target),
    };
    let (prefix, kind) = match (program.prog_type, program.expected_attach_type) {
        (BPF_PROG_TYPE_LSM, _) => ("bpf_lsm_", kind::FUNC),
        (_, BPF_TRACE_RAW_TP) => ("btf_trace_", kind::TYPEDEF),
        (_, BPF_TRACE_ITER) => ("bpf_iter_", kind::FUNC),
        _ => ("", kind::FUNC),
    };
    let name = format!("{prefix}{name}");
    let found = machine.find_btf(&name, kind)?.map(|(id, fd)| Found { id, fd });
    match (module, found) {
        (None, Some(found)) => Ok(found),
        (None, None) => Err(missing("the BTF of the kernel and of its loaded modules", kind, &name)),
        (Some(VMLINUX), Some(found)) if found.fd.is_none() => Ok(found),
        (Some(VMLINUX), _) => Err(missing("the kernel proper", kind, &name)),
        (Some(module), Some(found)) if found.is_in(module)? => Ok(found),
        (Some(module), found) => hidden(module, &name, kind, found.is_some()),
    }
}

/// The target in a module whose name for it another has as well, and is asked first (`is_elsewhere`).
fn hidden(module: &str, name: &str, kind: u32, is_elsewhere: bool) -> Result<Found> {
    let place = format!("module {module}");
    if !btf::has_module(module) {
        return Err(not_loaded(module));
    }
    if !is_elsewhere {
        return Err(missing(&place, kind, name));
    }
    let kernel = KernelBtf::read()?;
    let Some(btf) = kernel.module_called(module)? else {
        let why = format!("another than {place} has a {} {name}", what(kind));
        return Err(failed().because(why).hint("reading the module's BTF needs CAP_SYS_ADMIN"));
    };
    // Of two that are alike, the kernel proper has the type, and the module's BTF does without.
    let types = btf.types(&kernel);
    match types.find_own(kind, name).or_else(|| types.find(kind, name)) {
        Some(TypeId(id)) => Ok(Found { id, fd: Some(btf.fd) }),
        None => Err(missing(&place, kind, name)),
    }
}

fn not_loaded(module: &str) -> Error {
    failed().because(format!("module {module} is not loaded, or has no BTF")).errno_is(Errno::ENOENT)
}

fn missing(place: &str, kind: u32, name: &str) -> Error {
    failed().because(format!("{place} has no {} `{name}`", what(kind))).errno_is(Errno::ENOENT)
}

fn what(kind: u32) -> &'static str {
    if kind == kind::FUNC { "function" } else { "type" }
}

fn failed() -> Error {
    Error::new("find the attach target of program")
}

/// The BTF of the module called `name`, whose functions are meant: which of them is said when the program is attached.
fn module_btf(name: &str) -> Result<OwnedFd> {
    if !btf::has_module(name) {
        return Err(not_loaded(name));
    }
    let module = KernelBtf::read()?.module_called(name)?;
    module.map(|module| module.fd).ok_or_else(|| {
        failed().because(format!("module {name}")).hint("reading the BTF of modules needs CAP_SYS_ADMIN")
    })
}

fn in_program(program: &OwnedFd, function: &str) -> Result<Found> {
    let btf_id = bpf::prog_btf_id(program.as_fd()).map_err(|errno| diagnose::refused(failed(), errno))?;
    if btf_id == 0 {
        return Err(failed().because("the program that was given as its target has no BTF"));
    }
    let types = bpf::btf_by_id(btf_id)
        .and_then(|btf| bpf::btf_bytes(btf.as_fd()))
        .map_err(|errno| failed().errno_is(errno).hint("reading the BTF of a loaded program needs CAP_SYS_ADMIN"))?;
    let id = btf::find_func(types, function)
        .map_err(|why| failed().because(format!("the BTF of its target program cannot be read: {why}")))?
        .ok_or_else(|| failed().because(format!("its target program has no function {function}")))?;
    let fd = program.try_clone().map_err(|error| failed().io(error))?;
    Ok(Found { id: id.0, fd: Some(fd) })
}

/// Puts what was found in the place of what the image would find.
fn put(desc: &ProgDesc<'_>, patches: &mut Patches<'_, '_>, found: &Found) -> Result<()> {
    let fd = found.fd.as_ref().map_or(0, number);
    for &attr in desc.attrs {
        patches.supersede(attr, place!(ProgLoad.attach_btf_id), found.id)?;
        patches.supersede(attr, place!(ProgLoad.attach_btf_obj_fd), fd)?;
    }
    Ok(())
}
