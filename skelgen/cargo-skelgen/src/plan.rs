//! A plan's steps as text.

use skelgen::plan::{LoadPlan, Step, When};

/// Each step as the plan writes it, without its number.
pub(crate) fn texts(plan: &LoadPlan) -> Vec<String> {
    let text = |line: &str| line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().to_owned();
    plan.to_string().lines().map(text).collect()
}

/// The kernels on which a step runs.
pub(crate) fn when(step: &Step) -> When {
    match step {
        Step::CreateMap { when, .. } | Step::LoadProgram { when, .. } => *when,
        Step::CreateStandIn { .. } => When::NotDirect,
        _ => When::Always,
    }
}
