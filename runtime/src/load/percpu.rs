//! Per-CPU data: what the loader is told of the kernel, and what it finds out.

use crate::features::{self, Features};
use crate::image::{FEATURE_ALL_CPUS, FEATURE_DIRECT, FEATURE_FORCED, FEATURE_KNOWN, OP_PROBE};
use crate::open::{Opened, PerCpuMode};
use crate::{Error, kernel};

/// What the loader is told of the kernel before it starts.
pub(super) fn start_features(mode: PerCpuMode) -> u32 {
    let known = features::known().map_or(0, |features| FEATURE_KNOWN | features.bits());
    match mode {
        PerCpuMode::Auto => known,
        PerCpuMode::Native => known | FEATURE_FORCED | FEATURE_DIRECT,
        PerCpuMode::Lowered => known & !FEATURE_DIRECT | FEATURE_FORCED,
    }
}

/// Says so if it is the user's choice of mode that the kernel refuses.
pub(super) fn blame_mode(mode: PerCpuMode, error: Error) -> Error {
    if mode == PerCpuMode::Native && features::probe().is_ok_and(|features| !features.direct) {
        return error.hint(format!(
            "this kernel does not let programs address `.percpu` variables directly, as Linux {} does; with \
             PerCpuMode::Auto they are looked up here",
            kernel::DIRECT_PERCPU.since
        ));
    }
    error
}

/// Keeps what the loader found out, and says whether `features` can be believed.
pub(super) fn remember(opened: &Opened<'_>, features: u32) -> bool {
    let probes = opened.header.steps(opened.image()).filter(|step| step.op == OP_PROBE);
    let probed = probes.fold(0, |bits, step| bits | step.feature);
    let found = probed & FEATURE_ALL_CPUS != 0;
    if found && probed & FEATURE_DIRECT != 0 && features & (FEATURE_FORCED | FEATURE_KNOWN) == 0 {
        features::remember(Features::from_bits(features));
    }
    found || features & FEATURE_KNOWN != 0
}
