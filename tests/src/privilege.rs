//! Whether this process may load BPF.

use skelgen_runtime::features;

use crate::machine::is_loaded;
use crate::not_run::{Part, not_on_this_kernel, not_run};

/// Nothing if this process can load BPF programs, else why it cannot.
///
/// # Errors
///
/// The runtime's own words: what was refused, and what would help.
pub fn can_load() -> Result<(), String> {
    features::probe().map(drop).map_err(|error| error.to_string())
}

/// For the first line of a test that loads something: `if !may_load() { return; }`. If it cannot, the test is noted
/// as one that did not run.
#[must_use = "a test that may not load has nothing to do"]
pub fn may_load() -> bool {
    let can = can_load();
    if let Err(why) = &can {
        not_run(Part::Live, why);
    }
    can.is_ok()
}

/// As [`may_load`], for a test that is about this module of the kernel.
#[must_use = "a test that may not load has nothing to do"]
pub fn may_load_with(module: &str) -> bool {
    let may = may_load();
    if may && !is_loaded(module) {
        not_on_this_kernel(format!("module {module}, which is not loaded"));
    }
    may && is_loaded(module)
}

/// As [`may_load`], for a test that is about this module not being there.
#[must_use = "a test that may not load has nothing to do"]
pub fn may_load_without(module: &str) -> bool {
    let may = may_load();
    if may && is_loaded(module) {
        not_on_this_kernel(format!("that module {module} is not loaded"));
    }
    may && !is_loaded(module)
}
