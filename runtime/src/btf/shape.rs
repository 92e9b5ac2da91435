//! The shape of a function's or variable's type: what it is made of, without names and sizes, as a word.
//!
//! ```text
//! v void    i int    *T pointer    [T array    s struct    u union    e enum    f declared only    (TT)T function
//! ```
//!
//! The generator makes the same of the functions and variables that an object declares. Two are compatible, as libbpf has
//! it, if their shapes are equal.

use super::TypeId;
use super::blob::u32_at;
use super::kind;
use super::types::{MAX_DEPTH, Types};

impl Types<'_> {
    /// The shape of function or variable `id`; `None` if it is neither, or has a part that is like no other's.
    pub(crate) fn shape_of(self, id: TypeId) -> Option<String> {
        let declared = self.get(id).filter(|ty| matches!(ty.kind(), kind::FUNC | kind::VAR))?;
        let mut shape = String::new();
        self.write_shape(declared.target(), &mut shape, MAX_DEPTH)?;
        Some(shape)
    }

    fn write_shape(self, id: TypeId, out: &mut String, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let id = self.resolve_id(id)?;
        let Some(ty) = self.get(id) else {
            out.push('v');
            return (id == TypeId(0)).then_some(());
        };
        match ty.kind() {
            // The offset of a bit-field, of old.
            kind::INT if u32_at(ty.rest(), 0)? >> 16 & 0xff == 0 => out.push('i'),
            kind::PTR => {
                out.push('*');
                self.write_shape(ty.target(), out, depth)?;
            }
            kind::ARRAY => {
                out.push('[');
                self.write_shape(TypeId(u32_at(ty.rest(), 0)?), out, depth)?;
            }
            kind::STRUCT => out.push('s'),
            kind::UNION => out.push('u'),
            kind::ENUM | kind::ENUM64 => out.push('e'),
            kind::FWD => out.push('f'),
            kind::FUNC_PROTO => {
                out.push('(');
                for param in ty.rest().chunks_exact(8) {
                    self.write_shape(TypeId(u32_at(param, 4)?), out, depth)?;
                }
                out.push(')');
                self.write_shape(ty.target(), out, depth)?;
            }
            _ => return None,
        }
        Some(())
    }
}
