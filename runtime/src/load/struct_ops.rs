//! struct_ops maps: before the load the kernel's types say how their structs are laid out, and with that the attrs of the
//! maps and of their programs are complete. What the maps hold is written when they are attached.

use std::os::fd::{AsRawFd, OwnedFd};

use super::patch::Patches;
use crate::btf::TypeId;
use crate::desc::StructOpsDesc;
use crate::open::{OpenMap, OpenProgram, Opened};
use crate::prog::Program;
use crate::struct_ops::{KernelStruct, KernelTypes, KernelValue, Ready, Slot};
use crate::sys::Errno;
use crate::sys::attr::place;
use crate::sys::uapi::{BPF_F_LINK, BPF_F_VTYPE_BTF_OBJ_FD, BPF_PROG_TYPE_STRUCT_OPS};
use crate::{Error, Result, kernel};

/// What the maps will hold.
pub(super) struct StructOpsMaps {
    /// By map; `None` for those that are no struct_ops maps, or not to be created.
    values: Vec<Option<(KernelValue, Vec<Slot>)>>,
    /// Holds the descriptors of modules' BTF that the image has.
    _types: Option<KernelTypes>,
}

/// What a program is loaded for: a member of a struct.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Target {
    type_id: TypeId,
    /// The member's place among the kernel's.
    member: u32,
    /// The descriptor of the BTF that has the struct; 0 for vmlinux's.
    btf: u32,
}

/// Lays out the struct_ops maps that are to be created, and says which of their programs are to be loaded, and for what.
pub(super) fn prepare(
    opened: &Opened<'_>,
    maps: &mut [OpenMap],
    programs: &mut [OpenProgram],
    patches: &mut Patches<'_, '_>,
) -> Result<StructOpsMaps> {
    let mut types = None;
    let mut targets = vec![None; programs.len()];
    let mut values = Vec::with_capacity(maps.len());
    for map in maps.iter_mut() {
        let desc = &opened.desc.maps[map.index];
        let Some(ops) = &desc.struct_ops else {
            values.push(None);
            continue;
        };
        patches.word(desc.reused, 0, u32::from(!map.autocreate()));
        if !map.autocreate() {
            values.push(None);
            continue;
        }
        let types = match &mut types {
            Some(types) => types,
            none => none.insert(KernelTypes::read()?),
        };
        let (kernel, value, slots) = lay_out(types, map, ops)?;
        aim(opened, types, &kernel, &slots, &mut targets)
            .map_err(|(slot, why)| cannot_lay_out(map, format!("`{}` {why}", ops.members[slot.index].name)))?;
        let module = types.module_fd(&kernel).map(|fd| fd.as_raw_fd().cast_unsigned());
        for &attr in desc.attrs {
            patches.word(attr, place!(MapCreate.value_size), kernel.value_size);
            patches.word(attr, place!(MapCreate.btf_vmlinux_value_type_id), kernel.value_type_id.0);
            if let Some(module) = module {
                patches.word(attr, place!(MapCreate.map_flags), desc.map_flags | BPF_F_VTYPE_BTF_OBJ_FD.0);
                patches.word(attr, place!(MapCreate.value_type_btf_obj_fd), module);
            }
        }
        map.shape.value_size = kernel.value_size;
        values.push(Some((value, slots)));
    }
    adjust_autoload(opened, maps, programs);
    for (program, target) in programs.iter().zip(targets) {
        let desc = &opened.desc.progs[program.index];
        match target {
            Some(Target { type_id, member, btf }) => {
                for &attr in desc.attrs {
                    patches.word(attr, place!(ProgLoad.expected_attach_type), member);
                    patches.word(attr, place!(ProgLoad.attach_btf_id), type_id.0);
                    patches.word(attr, place!(ProgLoad.attach_btf_obj_fd), btf);
                }
            }
            None if program.autoload && desc.prog_type == BPF_PROG_TYPE_STRUCT_OPS.0 => {
                let error = Error::new("load program").subject(desc.name);
                return Err(error.because("it is for a struct_ops map, and none refers to it").hint(
                    "put it into a member of a map of section .struct_ops or .struct_ops.link, or set its autoload off",
                ));
            }
            None => {}
        }
    }
    Ok(StructOpsMaps { values, _types: types })
}

fn cannot_lay_out(map: &OpenMap, why: String) -> Error {
    Error::new("lay out struct_ops map").subject(map.name()).because(why)
}

/// Finds the kernel's struct and lays the map's value out as it is there.
fn lay_out(
    types: &mut KernelTypes,
    map: &OpenMap,
    ops: &StructOpsDesc<'_>,
) -> Result<(KernelStruct, KernelValue, Vec<Slot>)> {
    let failed = |why| cannot_lay_out(map, why);
    let kernel = types.find(ops.type_name)?.map_err(failed)?;
    if let Some(reused) = &map.reuse
        && reused.value_size() != kernel.value_size as usize
    {
        let (is, should) = (reused.value_size(), kernel.value_size);
        return Err(Error::new("reuse map")
            .subject(map.name())
            .because(format!("its value_size is {is}, and should be {should}")));
    }
    // Those that are struct_ops maps have it.
    let open = map.struct_ops.as_ref().ok_or_else(|| failed("it is none".to_owned()))?;
    let (value, slots) = KernelValue::new(types.types(&kernel), &kernel, ops.members, open).map_err(failed)?;
    Ok((kernel, value, slots))
}

/// Notes what the programs of a map are loaded for: a program can be in several maps, in the same member of the same
/// struct. Fails with the member at fault, and why.
fn aim(
    opened: &Opened<'_>,
    types: &KernelTypes,
    kernel: &KernelStruct,
    slots: &[Slot],
    targets: &mut [Option<Target>],
) -> Result<(), (Slot, String)> {
    let btf = types.module_fd(kernel).map_or(0, |fd| fd.as_raw_fd().cast_unsigned());
    for &slot in slots {
        let (Some(target), Some(desc)) = (targets.get_mut(slot.program), opened.desc.progs.get(slot.program)) else {
            return Err((slot, format!("has program number {}, and there are not that many", slot.program)));
        };
        let (name, section) = (desc.name, desc.section);
        if desc.prog_type != BPF_PROG_TYPE_STRUCT_OPS.0 {
            return Err((slot, format!("has program {name} of section {section}, which is not of struct_ops")));
        }
        let wanted = Target { type_id: kernel.type_id, member: slot.member, btf };
        if *target.get_or_insert(wanted) != wanted {
            return Err((slot, format!("has program {name}, as has another member: each is verified for one")));
        }
    }
    Ok(())
}

/// Loads the programs that are in a map to be created, and not those that are only in others or were taken out.
fn adjust_autoload(opened: &Opened<'_>, maps: &[OpenMap], programs: &mut [OpenProgram]) {
    let mut users = Vec::new();
    for (map, desc) in maps.iter().zip(opened.desc.maps) {
        let (Some(open), Some(ops)) = (&map.struct_ops, &desc.struct_ops) else { continue };
        let created = map.autocreate();
        let at_rest: Vec<_> = ops.members.iter().map(|member| member.program).collect();
        if created {
            for program in
                at_rest.iter().zip(&open.programs).filter(|(old, new)| old != new).filter_map(|(old, _)| *old)
            {
                programs[program].autoload = false;
            }
        }
        // What was changed of a map that is not created does not count.
        users.push((created, if created { open.programs.clone() } else { at_rest }));
    }
    for program in programs {
        let mut created = users.iter().filter(|(_, members)| members.contains(&Some(program.index)));
        if let Some(&(first, _)) = created.next() {
            program.autoload = first || created.any(|&(created, _)| created);
        }
    }
}

impl StructOpsMaps {
    /// What the maps are attached with, now that the programs are loaded; `None` of those that are no struct_ops maps.
    pub(super) fn ready(
        self,
        opened: &Opened<'_>,
        maps: &[OpenMap],
        programs: &[Option<Program>],
    ) -> Result<Vec<Option<Ready>>> {
        let ready = self.values.into_iter().zip(maps).map(|(value, map)| {
            let Some(ops) = &map.struct_ops else { return Ok(None) };
            let with_programs = |(value, slots): (KernelValue, Vec<Slot>)| {
                let programs = slots.iter().map(|slot| Ok((slot.at, duplicate(opened, programs, slot.program)?)));
                Ok::<_, Error>((value, programs.collect::<Result<_>>()?))
            };
            let value = value.map(with_programs).transpose()?;
            let object_size = ops.value.len();
            Ok(Some(Ready { name: map.name().into(), autoattach: ops.autoattach, object_size, value }))
        });
        ready.collect()
    }
}

/// A program for a map to keep.
fn duplicate(opened: &Opened<'_>, programs: &[Option<Program>], index: usize) -> Result<OwnedFd> {
    let failed = || {
        let name = opened.desc.progs.get(index).map_or("", |desc| desc.name);
        Error::new("put program into a struct_ops map").subject(name)
    };
    let program = programs.get(index).and_then(Option::as_ref).ok_or_else(failed)?;
    program.fd()?.try_clone_to_owned().map_err(|error| failed().io(error))
}

/// Says so if it is a link that the kernel does not know of.
pub(super) fn blame_link(opened: &Opened<'_>, error: Error) -> Error {
    let is_link = || {
        let name = error.subject_name();
        let map = opened.desc.maps.iter().find(|map| Some(map.name) == name);
        map.is_some_and(|map| map.struct_ops.is_some() && map.map_flags & BPF_F_LINK.0 != 0)
    };
    if error.errno() == Some(Errno::EINVAL) && is_link() && kernel::is_older(kernel::BPF_F_LINK.since) {
        return error.because(format!(
            "this kernel has no links for struct_ops maps, which {}: those of section .struct_ops do without",
            kernel::came_with(kernel::BPF_F_LINK.since)
        ));
    }
    error
}
