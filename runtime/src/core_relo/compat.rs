//! Whether two types are of the same kind, as far as can be seen without their names and sizes.

use super::{Pair, Work, kinds_agree};
use crate::btf::kind;

/// How many pointers, arrays and results are followed in one go.
const MAX_DEPTH: usize = 32;

/// Whether the kernel's type can be what the object's is; `None` if they nest deeper than `levels` of prototypes.
///
/// Integers agree whatever their size, structs whatever their members; pointers, arrays and prototypes as what they are of
/// does.
pub(super) fn is_compatible(pair: Pair<'_>, levels: usize, work: &mut Work) -> Option<bool> {
    let kind_of = |(types, id): (crate::btf::Types<'_>, _)| types.get(id).map_or(0, |ty| ty.kind());
    if !kinds_agree(kind_of(pair.local), kind_of(pair.target)) {
        return Some(false);
    }
    let mut pair = pair;
    for _ in 0..MAX_DEPTH {
        work.spend(1)?;
        let [local, target] = pair.resolved()?;
        if !kinds_agree(local.kind(), target.kind()) {
            return Some(false);
        }
        let (Some(own), Some(other)) = (local.ty, target.ty) else { return Some(true) };
        pair = match own.kind() {
            kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::FWD => return Some(true),
            // The offset of a bit-field, of old.
            kind::INT => return Some(own.int_offset() == 0 && other.int_offset() == 0),
            kind::PTR => pair.of(own.target(), other.target()),
            kind::ARRAY => pair.of(own.array()?.0, other.array()?.0),
            kind::FUNC_PROTO => {
                if own.params().len() != other.params().len() {
                    return Some(false);
                }
                for (own, other) in own.params().zip(other.params()) {
                    let (own, other) = (local.types.resolve_id(own)?, target.types.resolve_id(other)?);
                    if !is_compatible(pair.of(own, other), levels.checked_sub(1)?, work)? {
                        return Some(false);
                    }
                }
                let results = [local.types.resolve_id(own.target())?, target.types.resolve_id(other.target())?];
                pair.of(results[0], results[1])
            }
            _ => return Some(false),
        };
    }
    None
}
