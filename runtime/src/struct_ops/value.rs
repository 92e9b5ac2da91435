//! A map's value as the kernel lays it out.
//!
//! Members are known by their names. One that the kernel's struct lacks may stand in the object's as long as it is
//! empty, so that an object can use what newer kernels have.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::kernel::KernelStruct;
use super::open::OpenStructOps;
use crate::btf::{Member, Types, kind};
use crate::desc::MemberDesc;

/// The value, and where what of it comes from.
#[derive(Debug)]
pub(crate) struct KernelValue {
    /// All but the programs.
    bytes: Vec<u8>,
    /// Where the members are.
    copies: Vec<Copied>,
}

/// A member in the value and in the object's struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Copied {
    kernel: usize,
    object: usize,
    size: usize,
}

/// A program in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Where the value has it.
    pub(crate) at: usize,
    /// Its place among the kernel's members.
    pub(crate) member: u32,
    /// The object's place of it, for errors.
    pub(crate) index: usize,
    /// The program's number.
    pub(crate) program: usize,
}

impl KernelValue {
    /// Lays the members out as the kernel has them; `Err` says in words why one cannot be.
    pub(crate) fn new(
        types: Types<'_>,
        kernel: &KernelStruct,
        members: &[MemberDesc<'_>],
        open: &OpenStructOps,
    ) -> Result<(KernelValue, Vec<Slot>), String> {
        let mut value = KernelValue { bytes: vec![0; kernel.value_size as usize], copies: Vec::new() };
        let mut slots = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let program = open.programs.get(index).copied().flatten();
            let from = member.offset as usize..(member.offset + member.size) as usize;
            let bytes = open.value.get(from).unwrap_or_default();
            let is_empty = program.is_none() && bytes.iter().all(|&byte| byte == 0);
            let Some(found) = kernel_member(types, kernel, member.name) else {
                if is_empty {
                    continue;
                }
                return Err(format!("`{}` is not empty, and this kernel's struct has no such member", member.name));
            };
            check_same(types, member, &found)?;
            let at = (kernel.data_at as usize).saturating_add(found.bit_offset as usize / 8);
            let place = value.bytes.get_mut(at..).and_then(|rest| rest.get_mut(..member.size as usize));
            let place = place.ok_or_else(|| format!("`{}` is not inside this kernel's struct", member.name))?;
            value.copies.push(Copied { kernel: at, object: member.offset as usize, size: member.size as usize });
            match program {
                Some(program) if is_function(types, &found) => {
                    slots.push(Slot { at, member: found.index, index, program });
                }
                Some(_) => return Err(format!("`{}` is not a pointer to a function in this kernel", member.name)),
                None if member.kind == kind::PTR && !is_empty => {
                    return Err(format!("`{}` is a pointer, and holds something that is not a program", member.name));
                }
                None => place.copy_from_slice(bytes),
            }
        }
        Ok((value, slots))
    }

    /// The value with the programs' descriptors in their places.
    pub(crate) fn with_programs(&self, programs: &[(usize, OwnedFd)]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, program) in programs {
            let fd = program.as_fd().as_raw_fd().cast_unsigned() as usize;
            if let Some(place) = bytes.get_mut(*at..).and_then(|rest| rest.first_chunk_mut()) {
                *place = fd.to_ne_bytes();
            }
        }
        bytes
    }

    /// Copies the members of `value`, which is laid out as this one, to where the object has them.
    pub(crate) fn copy_back(&self, value: &[u8], object: &mut [u8]) {
        for Copied { kernel, object: to, size } in &self.copies {
            let from = value.get(*kernel..).and_then(|rest| rest.get(..*size));
            let to = object.get_mut(*to..).and_then(|rest| rest.get_mut(..*size));
            if let (Some(from), Some(to)) = (from, to) {
                to.copy_from_slice(from);
            }
        }
    }
}

fn kernel_member<'a>(types: Types<'a>, kernel: &KernelStruct, name: &str) -> Option<Member<'a>> {
    types.members(types.get(kernel.type_id)?).find(|member| member.name == name.as_bytes())
}

/// Whether the kernel's member can hold what the object's does.
fn check_same(types: Types<'_>, member: &MemberDesc<'_>, found: &Member<'_>) -> Result<(), String> {
    let name = member.name;
    if member.bitfield || found.bitfield_size != 0 {
        return Err(format!("`{name}` is a bit-field, of which nothing can be set"));
    }
    let kind = types.resolve(found.ty).map_or(0, |ty| ty.kind());
    if kind != member.kind {
        let (is, should) = (kind::name(kind), kind::name(member.kind));
        return Err(format!("`{name}` is {is} in this kernel, and {should} in the object"));
    }
    let size = types.size_of(found.ty);
    if size != Some(member.size) {
        let size = size.map_or("no size".to_owned(), |size| format!("{size} bytes"));
        return Err(format!("`{name}` has {size} in this kernel, and {} bytes in the object", member.size));
    }
    Ok(())
}

fn is_function(types: Types<'_>, member: &Member<'_>) -> bool {
    let target = types.resolve(member.ty).filter(|ty| ty.kind() == kind::PTR).map(|ty| ty.target());
    target.and_then(|target| types.resolve(target)).is_some_and(|ty| ty.kind() == kind::FUNC_PROTO)
}
