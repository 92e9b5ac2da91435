//! Loads the object, as `load` does, to see whether it loads on the running kernel.
//!
//! No table can tell what the verifier accepts, which instructions the JIT supports, or whether the architecture has
//! trampolines. The tables in [`needs`](super::needs) explain a failure, and name the first kernel with each feature.

use std::path::Path;

use skelgen::Skeleton;

use crate::failure::Failure;
use crate::load;

/// Loads the object without pinning its maps, and unloads it.
///
/// # Errors
///
/// Those of `load`.
pub(super) fn try_it(path: &Path, mut skeleton: Skeleton, bytes: &[u8]) -> Result<(), Failure> {
    skeleton.plan.maps.iter_mut().for_each(|map| map.def.pin_by_name = false);
    load::unchanged(path, &skeleton, bytes)
}
