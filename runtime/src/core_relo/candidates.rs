//! Which types of the kernel can be the one that an object means.

use super::kinds_agree;
use crate::Result;
use crate::btf::{KernelBtf, ModuleBtf, TypeId, Types};

/// The kernel's types, and those of modules as far as they were looked at.
pub(crate) struct KernelTypes {
    vmlinux: KernelBtf,
    /// `None` before anything was not found in vmlinux.
    modules: Option<Vec<ModuleBtf>>,
}

impl KernelTypes {
    /// Reads vmlinux's.
    pub(crate) fn read() -> Result<KernelTypes> {
        Ok(KernelTypes { vmlinux: KernelBtf::read()?, modules: None })
    }

    /// These.
    #[cfg(test)]
    pub(crate) fn of(vmlinux: KernelBtf, modules: Vec<ModuleBtf>) -> KernelTypes {
        KernelTypes { vmlinux, modules: Some(modules) }
    }

    /// The types with the name of the object's type `id` and of its kind: vmlinux's, or else those of all modules.
    pub(super) fn candidates<'a>(&'a mut self, local: Types<'_>, id: TypeId) -> Result<Vec<(Types<'a>, TypeId)>> {
        let Some(ty) = local.get(id) else { return Ok(Vec::new()) };
        let (kind, name) = (ty.kind(), essential_name(local.name(ty)));
        if name.is_empty() {
            return Ok(Vec::new());
        }
        let found = of_name(self.vmlinux.types(), kind, name);
        if found.is_empty() && self.modules.is_none() {
            self.modules = Some(self.vmlinux.modules().collect::<Result<_>>()?);
        }
        if !found.is_empty() {
            let types = self.vmlinux.types();
            return Ok(found.into_iter().map(|id| (types, id)).collect());
        }
        let modules = self.modules.iter().flatten().map(|module| module.types(&self.vmlinux));
        Ok(modules.flat_map(|types| of_name(types, kind, name).into_iter().map(move |id| (types, id))).collect())
    }
}

/// A module's own types of this kind and name, or vmlinux's.
fn of_name(types: Types<'_>, kind: u32, name: &[u8]) -> Vec<TypeId> {
    let is_candidate = |id: &TypeId| {
        types.get(*id).is_some_and(|ty| {
            let other = types.name(ty);
            // Most begin otherwise, and the rest of them need no look.
            kinds_agree(ty.kind(), kind) && other.starts_with(name) && essential_name(other) == name
        })
    };
    types.own_ids().filter(is_candidate).collect()
}

/// `name` without its flavour: `task_struct` of `task_struct___old`.
pub(crate) fn essential_name(name: &[u8]) -> &[u8] {
    let is_flavour =
        |at: &usize| matches!(name[*at..], [before, b'_', b'_', b'_', after, ..] if before != b'_' && after != b'_');
    (0..name.len()).rev().find(is_flavour).map_or(name, |at| &name[..=at])
}
