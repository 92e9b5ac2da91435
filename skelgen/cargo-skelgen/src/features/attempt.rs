//! Whether an object loads here: it is loaded as `load` does it.
//!
//! No table knows what a verifier accepts, which instructions a JIT has, or which trampolines an architecture; the tables
//! in [`needs`](super::needs) say why an object does not load, and on which kernels it might.

use std::path::Path;

use skelgen::Skeleton;

use crate::failure::Failure;
use crate::load;

/// Loads the object, without pinning its maps, and drops it.
///
/// # Errors
///
/// As `load` has them.
pub(super) fn try_it(path: &Path, mut skeleton: Skeleton, bytes: &[u8]) -> Result<(), Failure> {
    skeleton.plan.maps.iter_mut().for_each(|map| map.def.pin_by_name = false);
    load::unchanged(path, &skeleton, bytes)
}
