//! The kernel's struct: which type it is, in vmlinux or in a module, and where a map's value has it.

use std::os::fd::{AsFd, BorrowedFd};

use crate::Result;
use crate::btf::{KernelBtf, ModuleBtf, TypeId, Types, kind};

/// What the type of a map's value is called: this and the struct's name.
const VALUE_PREFIX: &str = "bpf_struct_ops_";

/// The greatest value of a struct_ops map; types that have more are damaged.
const MAX_VALUE: u32 = 16 << 20;

/// The kernel's types, and those of modules as far as they were looked at.
pub(crate) struct KernelTypes {
    vmlinux: KernelBtf,
    /// `None` before anything was not found in vmlinux.
    modules: Option<Vec<ModuleBtf>>,
}

/// A struct that the kernel takes from BPF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KernelStruct {
    /// The struct.
    pub(crate) type_id: TypeId,
    /// The map's value, which holds the struct behind what the kernel keeps of it.
    pub(crate) value_type_id: TypeId,
    /// Bytes of the value.
    pub(crate) value_size: u32,
    /// Bytes of the value before the struct.
    pub(crate) data_at: u32,
    /// Which module defines it.
    module: Option<usize>,
}

impl KernelTypes {
    /// Reads the kernel's.
    pub(crate) fn read() -> Result<KernelTypes> {
        Ok(KernelTypes { vmlinux: KernelBtf::read()?, modules: None })
    }

    /// Those of a kernel that is not this one.
    #[cfg(test)]
    pub(super) fn of(vmlinux: KernelBtf, modules: Vec<ModuleBtf>) -> KernelTypes {
        KernelTypes { vmlinux, modules: Some(modules) }
    }

    /// The struct called `name` that the kernel, or else a module, takes from BPF; `Err` says in words why there is
    /// none.
    pub(crate) fn find(&mut self, name: &str) -> Result<Result<KernelStruct, String>> {
        let types = self.vmlinux.types();
        let value_name = format!("{VALUE_PREFIX}{name}");
        if let Some(value) = types.find(kind::STRUCT, &value_name) {
            return Ok(locate(types, value, name, None));
        }
        if self.modules.is_none() {
            self.modules = Some(self.vmlinux.modules().collect::<Result<Vec<_>>>()?);
        }
        for (index, module) in self.modules.iter().flatten().enumerate() {
            let types = module.types(&self.vmlinux);
            if let Some(value) = types.find_own(kind::STRUCT, &value_name) {
                return Ok(locate(types, value, name, Some(index)));
            }
        }
        let takes = if types.find(kind::STRUCT, name).is_some() { "does not take" } else { "has no" };
        Ok(Err(format!("this kernel {takes} `struct {name}`: there is no {value_name} in its BTF or in a module's")))
    }

    /// The types that `kernel` is among.
    pub(crate) fn types(&self, kernel: &KernelStruct) -> Types<'_> {
        match kernel.module.and_then(|index| self.modules.as_ref()?.get(index)) {
            Some(module) => module.types(&self.vmlinux),
            None => self.vmlinux.types(),
        }
    }

    /// The descriptor of the BTF of the module that defines it, if one does.
    pub(crate) fn module_fd(&self, kernel: &KernelStruct) -> Option<BorrowedFd<'_>> {
        Some(self.modules.as_ref()?.get(kernel.module?)?.fd.as_fd())
    }
}

/// Finds the struct in the value that is known.
fn locate(types: Types<'_>, value_type_id: TypeId, name: &str, module: Option<usize>) -> Result<KernelStruct, String> {
    let found = || {
        let type_id = types.find(kind::STRUCT, name)?;
        let (value, data) = (types.get(value_type_id)?, types.get(type_id)?);
        let member = types.members(value).find(|member| member.ty == type_id)?;
        let (value_size, data_at) = (value.size(), member.bit_offset / 8);
        let inside = data_at.checked_add(data.size()).is_some_and(|end| end <= value_size) && value_size <= MAX_VALUE;
        inside.then_some(KernelStruct { type_id, value_type_id, value_size, data_at, module })
    };
    found().ok_or_else(|| format!("`struct {VALUE_PREFIX}{name}` of this kernel does not hold `struct {name}`"))
}
