//! CO-RE relocations that ask about types, resolved here where the kernel does not.
//!
//! The kernel applies an object's relocations itself when it loads a program, with the code that libbpf has
//! (`tools/lib/bpf/relo_core.c`), but follows types to a depth of 2 where libbpf goes to 32 (`MAX_TYPES_MATCH_DEPTH` in
//! `kernel/bpf/btf.c`), and refuses the program beyond that. What it then would have put into the instruction is found out
//! here.
//!
//! ```text
//! candidates    types of the kernel that have the object's type's name
//! compat        whether one is of the same kind: whether the type exists, its size and its ID
//! matches       whether one has the same members, all the way down
//! ```
//!
//! Relocations that ask about fields and enumerators have no such limit, and stay the kernel's.

mod candidates;
mod compat;
mod matches;
#[cfg(test)]
mod tests;

use crate::Result;
use crate::btf::{TypeId, Types, kind};
pub(crate) use candidates::{KernelTypes, essential_name};

/// The deepest nesting that is followed, as libbpf has it.
const MAX_LEVELS: usize = 32;
/// How many pairs of types, members and enumerators are compared for one relocation: types that need more are damaged.
const MAX_PAIRS: usize = 1 << 22;

/// A relocation that asks about a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeRelo {
    /// Its ID in the kernel.
    TargetId,
    /// Whether the kernel has it.
    Exists,
    /// Its size there.
    Size,
    /// Whether the kernel's is the same.
    Matches,
}

impl TypeRelo {
    /// Of a relocation's kind, `enum bpf_core_relo_kind`; `None` of what asks about something else.
    pub(crate) fn of(kind: u32) -> Option<TypeRelo> {
        Some(match kind {
            7 => TypeRelo::TargetId,
            8 => TypeRelo::Exists,
            9 => TypeRelo::Size,
            12 => TypeRelo::Matches,
            _ => return None,
        })
    }

    /// The number in the object's instruction, which it must have; `None` if that can be any.
    pub(crate) fn expected(self, local: Types<'_>, id: TypeId) -> Option<u64> {
        match self {
            TypeRelo::TargetId => None,
            TypeRelo::Size => local.size_of(id).map(u64::from),
            TypeRelo::Exists | TypeRelo::Matches => Some(1),
        }
    }

    /// What the kernel's types say of the object's type `id`: 0 if it has no such type. `None` if that cannot be told: types
    /// are damaged or nest too deep, or two of that name give two answers.
    pub(crate) fn resolve(self, local: Types<'_>, id: TypeId, kernel: &mut KernelTypes) -> Result<Option<u64>> {
        let mut answer = None;
        for (types, candidate) in kernel.candidates(local, id)? {
            let pair = Pair { local: (local, id), target: (types, candidate) };
            let mut work = Work { left: MAX_PAIRS };
            let same = match self {
                TypeRelo::Matches => matches::matches(pair, false, MAX_LEVELS, &mut work),
                _ => compat::is_compatible(pair, MAX_LEVELS, &mut work),
            };
            match same {
                Some(true) => {}
                Some(false) => continue,
                None => return Ok(None),
            }
            let value = match self {
                TypeRelo::TargetId => Some(u64::from(candidate.0)),
                TypeRelo::Size => types.size_of(candidate).map(u64::from),
                TypeRelo::Exists | TypeRelo::Matches => Some(1),
            };
            if value.is_none() || *answer.get_or_insert(value) != value {
                return Ok(None);
            }
        }
        Ok(answer.map_or(Some(0), |value| value))
    }
}

/// A type of the object and one of the kernel's.
#[derive(Clone, Copy)]
struct Pair<'a> {
    local: (Types<'a>, TypeId),
    target: (Types<'a>, TypeId),
}

impl<'a> Pair<'a> {
    /// Two other types of the same two.
    fn of(self, local: TypeId, target: TypeId) -> Pair<'a> {
        Pair { local: (self.local.0, local), target: (self.target.0, target) }
    }

    /// Both behind typedefs and qualifiers; `None` if one is not there.
    fn resolved(self) -> Option<[Resolved<'a>; 2]> {
        Some([Resolved::of(self.local)?, Resolved::of(self.target)?])
    }
}

/// A type behind typedefs and qualifiers.
struct Resolved<'a> {
    types: Types<'a>,
    /// `None` is `void`.
    ty: Option<crate::btf::Type<'a>>,
}

impl<'a> Resolved<'a> {
    fn of((types, id): (Types<'a>, TypeId)) -> Option<Self> {
        let id = types.resolve_id(id)?;
        let ty = types.get(id);
        (ty.is_some() || id == TypeId(0)).then_some(Resolved { types, ty })
    }

    /// `BTF_KIND_*`, 0 of `void`.
    fn kind(&self) -> u32 {
        self.ty.map_or(0, |ty| ty.kind())
    }

    fn name(&self) -> &'a [u8] {
        self.ty.map_or(b"", |ty| self.types.name(ty))
    }
}

/// Whether two kinds can be of the same type: enums of 32 and of 64 bits can.
fn kinds_agree(one: u32, other: u32) -> bool {
    let is_enum = |kind| matches!(kind, kind::ENUM | kind::ENUM64);
    one == other || is_enum(one) && is_enum(other)
}

/// How much may still be compared.
struct Work {
    left: usize,
}

impl Work {
    /// `None` if that is too much.
    fn spend(&mut self, pairs: usize) -> Option<()> {
        self.left = self.left.checked_sub(pairs)?;
        Some(())
    }
}
