//! Loads an empty skeleton, to see whether this process can load skeletons.

use skelgen::describe::Description;
use skelgen::loader::assemble;
use skelgen::plan::LoadPlan;
use skelgen_runtime::{Error, Opened};

use crate::native;

/// Loads and runs a loader program that creates nothing.
///
/// # Errors
///
/// The kernel rejects the loader.
pub(super) fn try_it() -> Result<(), Error> {
    let plan = LoadPlan::empty("features", native::ENDIAN);
    let loader = assemble(&plan).expect("a plan without steps fits into any image");
    let description = Description::of(&plan, &loader);
    Opened::new(&description.object())?.load([], [], &[]).map(drop)
}

/// The reason in one line.
pub(super) fn reason(error: &Error) -> String {
    let words = error.reason().or(error.hint_text()).map(str::to_owned);
    words.unwrap_or_else(|| error.to_string().lines().next().unwrap_or_default().to_owned())
}
