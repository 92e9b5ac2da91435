//! The [shape](skelgen_abi::shape) of a function or variable of the kernel.

use skelgen_abi::shape::{Part, shape};

use super::blob::{TypeId, u32_at};
use super::kind;
use super::types::Types;
use crate::sys::uapi::btf_int_offset;

impl Types<'_> {
    /// The shape of function or variable `id`; `None` if it is neither, has a part that equals no other, or nests too deep.
    pub(crate) fn shape_of(self, id: TypeId) -> Option<String> {
        let declared = self.get(id).filter(|ty| matches!(ty.kind(), kind::FUNC | kind::VAR))?;
        shape(declared.target(), &|id| self.part(id))
    }

    fn part(self, id: TypeId) -> Option<Part<TypeId>> {
        let id = self.resolve_id(id)?;
        let Some(ty) = self.get(id) else { return (id == TypeId(0)).then_some(Part::Void) };
        Some(match ty.kind() {
            // The offset of a bit-field of the old style is 0.
            kind::INT if btf_int_offset(u32_at(ty.rest(), 0)?) == 0 => Part::Int,
            kind::PTR => Part::Ptr(ty.target()),
            kind::ARRAY => Part::Array(TypeId(u32_at(ty.rest(), 0)?)),
            kind::STRUCT => Part::Struct,
            kind::UNION => Part::Union,
            kind::ENUM | kind::ENUM64 => Part::Enum,
            kind::FWD => Part::Fwd,
            kind::FUNC_PROTO => {
                let params = ty.rest().chunks_exact(8).map(|param| u32_at(param, 4).map(TypeId));
                Part::FuncProto(params.collect::<Option<_>>()?, ty.target())
            }
            _ => return None,
        })
    }
}
