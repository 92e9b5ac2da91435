//! The steps of a load.

use std::fmt;

use serde::Serialize;
use skelgen::plan::{LoadPlan, Step as Planned, When};

use crate::plan::{texts, when};
use crate::ui::style;

/// A step.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    step: usize,
    what: &'static str,
    subject: Option<String>,
    /// The kernels on which it runs.
    when: &'static str,
    text: String,
}

/// The steps of a plan.
pub(super) fn steps(plan: &LoadPlan) -> Vec<Step> {
    let text = texts(plan);
    let step = |(index, (step, text)): (usize, (&Planned, String))| {
        let (what, subject) = plan.words(step);
        let subject = Some(subject.to_owned()).filter(|subject| !subject.is_empty());
        let when = match when(step) {
            When::Always => "always",
            When::Direct => "direct",
            When::NotDirect => "not direct",
        };
        Step { step: index, what, subject, when, text }
    };
    plan.steps.iter().zip(text).enumerate().map(step).collect()
}

/// The steps, a line each.
pub(super) struct Listing<'a>(pub(super) &'a [Step]);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dim = style::DIM;
        self.0.iter().try_for_each(|Step { step, text, .. }| writeln!(f, "{dim}{step:>4}{dim:#}  {text}"))
    }
}
