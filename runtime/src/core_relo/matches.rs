//! Whether two types are the same: of the same kind and size, with members and values of the same names.

use super::{Pair, Resolved, Work, essential_name};
use crate::btf::{Type, kind};

/// How many pointers, arrays and results are followed in one go.
const MAX_DEPTH: usize = 32;

/// Whether the kernel's type has all that the object's has; `None` if they nest deeper than `levels` of structs and
/// prototypes.
///
/// The caller compares the names of typedefs. With `behind_pointer` members are not compared: the target of a member that
/// is a pointer needs the same name and kind only.
pub(super) fn matches(pair: Pair<'_>, behind_pointer: bool, levels: usize, work: &mut Work) -> Option<bool> {
    let (mut pair, mut behind_pointer) = (pair, behind_pointer);
    if levels == 0 {
        return None;
    }
    for _ in 0..MAX_DEPTH {
        work.spend(1)?;
        let [local, target] = pair.resolved()?;
        if !names_match(local.name(), target.name()) {
            return Some(false);
        }
        let same_kind = local.kind() == target.kind();
        let (Some(own), Some(other)) = (local.ty, target.ty) else { return Some(same_kind) };
        let is_enum = |kind| matches!(kind, kind::ENUM | kind::ENUM64);
        pair = match own.kind() {
            kind::FWD if same_kind => return Some(own.is_flagged() == other.is_flagged()),
            kind::FWD => return Some(behind_pointer && declares(own, other)),
            kind if is_enum(kind) => {
                return if is_enum(other.kind()) {
                    enums_match(&local, &target, own, other, work)
                } else {
                    Some(false)
                };
            }
            kind::STRUCT | kind::UNION if behind_pointer => return Some(same_kind || declares(other, own)),
            _ if !same_kind => return Some(false),
            kind::STRUCT | kind::UNION => return members_match(pair, own, other, levels, work),
            kind::INT => return Some(own.size() == other.size() && own.is_signed() == other.is_signed()),
            kind::PTR => {
                behind_pointer = true;
                pair.of(own.target(), other.target())
            }
            kind::ARRAY => {
                let ((own, length), (other, other_length)) = (own.array()?, other.array()?);
                if length != other_length {
                    return Some(false);
                }
                pair.of(own, other)
            }
            kind::FUNC_PROTO => {
                if own.params().len() != other.params().len() {
                    return Some(false);
                }
                for (own, other) in own.params().zip(other.params()) {
                    if !matches(pair.of(own, other), behind_pointer, levels - 1, work)? {
                        return Some(false);
                    }
                }
                pair.of(own.target(), other.target())
            }
            _ => return Some(false),
        };
    }
    None
}

/// Whether `fwd` declares what `ty` defines: a struct or a union.
fn declares(fwd: Type<'_>, ty: Type<'_>) -> bool {
    fwd.kind() == kind::FWD && ty.kind() == if fwd.is_flagged() { kind::UNION } else { kind::STRUCT }
}

/// Whether each of the object's members is one of the kernel's.
fn members_match(pair: Pair<'_>, own: Type<'_>, other: Type<'_>, levels: usize, work: &mut Work) -> Option<bool> {
    let (local, target) = (pair.local.0, pair.target.0);
    if own.elements() > other.elements() {
        return Some(false);
    }
    for member in local.members(own) {
        let mut found = false;
        for candidate in target.members(other) {
            work.spend(1)?;
            if names_match(member.name, candidate.name)
                && matches(pair.of(member.ty, candidate.ty), false, levels - 1, work)?
            {
                found = true;
                break;
            }
        }
        if !found {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether each of the object's enumerators is one of the kernel's, by its name.
fn enums_match(
    local: &Resolved<'_>,
    target: &Resolved<'_>,
    own: Type<'_>,
    other: Type<'_>,
    work: &mut Work,
) -> Option<bool> {
    if own.size() != other.size() || own.elements() > other.elements() {
        return Some(false);
    }
    for name in local.types.enumerators(own) {
        work.spend(other.elements() as usize)?;
        if !target.types.enumerators(other).any(|candidate| names_match(name, candidate)) {
            return Some(false);
        }
    }
    Some(true)
}

/// Flavours of one name are the same; what has no name matches what has none.
fn names_match(local: &[u8], target: &[u8]) -> bool {
    essential_name(local) == essential_name(target)
}
