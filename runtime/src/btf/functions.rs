//! Functions of the kernel that tracing programs can be attached to.

use super::blob::TypeId;
use super::blob::u32_at;
use super::kind;
use super::types::Types;

/// The most arguments that such a function has (`MAX_BPF_FUNC_ARGS` in `include/linux/bpf.h`).
const MAX_ARGUMENTS: usize = 12;
/// The most bytes that one of them has.
const MAX_ARGUMENT_SIZE: u32 = 16;

impl Types<'_> {
    /// Those whose name is wanted, in the order of their ids: a module's own, or else vmlinux's.
    ///
    /// The kernel refuses other prototypes, and with one function all of a link's.
    pub(crate) fn traceable(self, wanted: impl Fn(&[u8]) -> bool) -> Vec<TypeId> {
        let is_wanted = |&id: &TypeId| {
            let function = self.get(id).filter(|ty| ty.kind() == kind::FUNC);
            function.is_some_and(|ty| wanted(self.name(ty)) && self.is_traceable(ty.target()))
        };
        self.own_ids().filter(is_wanted).collect()
    }

    fn is_traceable(self, proto: TypeId) -> bool {
        let Some(proto) = self.get(proto).filter(|ty| ty.kind() == kind::FUNC_PROTO) else { return false };
        let returns = match self.resolve(proto.target()) {
            Some(ty) => !matches!(ty.kind(), kind::STRUCT | kind::UNION) && self.size_of(proto.target()).is_some(),
            None => proto.target() == TypeId(0),
        };
        let params = proto.rest().chunks_exact(8);
        // Of `void` is the `...` at the end.
        let takes = |param| {
            let size = u32_at(param, 4).and_then(|ty| self.size_of(TypeId(ty)));
            size.is_some_and(|size| (1..=MAX_ARGUMENT_SIZE).contains(&size))
        };
        returns && params.len() <= MAX_ARGUMENTS && params.into_iter().all(takes)
    }
}
