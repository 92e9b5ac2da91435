//! Whether this process may load BPF.

use skelgen_runtime::features;

use crate::not_run::{Part, not_run};

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
