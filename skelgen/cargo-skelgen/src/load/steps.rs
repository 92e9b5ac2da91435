//! The result of each step of a plan.

use anstyle::Style;
use serde::Serialize;
use skelgen::object::{MapIdx, ProgIdx, Slot};
use skelgen::plan::{LoadPlan, Step, When};
use skelgen_runtime::Features;

use super::settings::Settings;
use crate::plan;
use crate::ui::{fold, style};

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Done,
    /// Not for this kernel, or left out.
    Skipped,
    Failed,
    /// An earlier step failed.
    NotReached,
}

/// A step and its result.
#[derive(Debug, Serialize)]
pub(super) struct Carried {
    step: usize,
    text: String,
    outcome: Outcome,
}

/// The steps of `plan` on a kernel with these features, up to the one that failed, if one did. `values` are first values that
/// differ from the object's, by map.
pub(super) fn carried(
    plan: &LoadPlan,
    settings: &Settings<'_>,
    features: Features,
    values: &[(usize, Vec<u8>)],
    failed: Option<usize>,
) -> Vec<Carried> {
    let outcome = |index: usize, step: &Step| match failed {
        Some(failed) if index > failed => Outcome::NotReached,
        Some(failed) if index == failed => Outcome::Failed,
        _ if is_skipped(plan, settings, step, features, values) => Outcome::Skipped,
        _ => Outcome::Done,
    };
    let steps = plan.steps.iter().enumerate().zip(plan::texts(plan));
    steps
        .map(|((index, step), mut text)| {
            // Before Linux 7.0 the runtime takes this step in the loader's stead.
            if let (Step::InitPerCpu { .. }, false) = (step, features.all_cpus) {
                text = text.replace(&format!("flags={ALL_CPUS}"), WITHOUT_ALL_CPUS);
            }
            Carried { step: index, text, outcome: outcome(index, step) }
        })
        .collect()
}

const ALL_CPUS: &str = "BPF_F_ALL_CPUS";
const WITHOUT_ALL_CPUS: &str = "by the runtime, for each possible CPU: this kernel has no BPF_F_ALL_CPUS";

fn is_skipped(
    plan: &LoadPlan,
    settings: &Settings<'_>,
    step: &Step,
    features: Features,
    values: &[(usize, Vec<u8>)],
) -> bool {
    let left_out = |map: MapIdx| settings.leaves_out(plan.map(map));
    let off = |program: ProgIdx| !plan.program(program).autoload();
    let is_zero = |map: MapIdx| {
        let set = values.iter().find(|(index, _)| *index == map.0).map(|(_, value)| value);
        let value = set.or_else(|| plan.map(map).data.as_ref().map(|data| &data.bytes));
        value.is_some_and(|value| value.iter().all(|&byte| byte == 0))
    };
    let elsewhere = match plan::when(step) {
        When::Always => false,
        When::Direct => !features.direct,
        When::NotDirect => features.direct,
    };
    let not_asked_for = match step {
        Step::LoadProgram { program, .. } | Step::FindTarget { program, .. } => off(*program),
        Step::FindKsym { ksym } => plan.users(*ksym).into_iter().all(off),
        // The kernel makes the map with zeroes, and then the runtime has nothing to do.
        Step::InitPerCpu { map } => !features.all_cpus && is_zero(*map),
        Step::CreateMap { map, .. } => left_out(*map),
        Step::Populate { outer, value, .. } => {
            left_out(*outer)
                || match value {
                    Slot::Map(map) => left_out(*map),
                    Slot::Program(program) => off(*program),
                }
        }
        _ => false,
    };
    elsewhere || not_asked_for
}

impl Outcome {
    fn shown(self) -> (&'static str, Style) {
        match self {
            Outcome::Done => ("done", style::GOOD),
            Outcome::Skipped => ("skip", style::DIM),
            Outcome::Failed => ("FAIL", style::BAD),
            Outcome::NotReached => ("-", style::DIM),
        }
    }
}

impl Carried {
    /// The step in lines of so many `columns`.
    pub(super) fn line(&self, columns: Option<usize>) -> String {
        const MARK: usize = 2 + 4 + 1 + 4 + 2;
        let (mark, style) = self.outcome.shown();
        let text = if matches!(self.outcome, Outcome::Done | Outcome::Failed) { Style::new() } else { style::DIM };
        // Details are in a second column.
        let details = self.text.match_indices("  ").last().map_or(0, |(spaces, _)| spaces + 2);
        let folded = fold(&self.text, MARK, &" ".repeat(MARK + details), columns);
        format!("  {style}{mark:<4}{style:#} {text}{:>4}  {folded}{text:#}", self.step)
    }
}

#[cfg(test)]
mod tests {
    use skelgen::Skeleton;

    use super::super::settings::SettingsArgs;
    use super::*;

    #[test]
    fn steps_are_those_of_the_kernel() {
        let object = include_bytes!("../../../../fixtures/counters.bpf.o");
        let plan = Skeleton::new("counters.bpf.o", object).expect("a good object").plan;
        let mut features = Features::default();
        let args = SettingsArgs::default();
        let settings = args.settings(1).unwrap_or_else(|stop| panic!("{stop}"));
        let outcomes = |features, failed| {
            let carried = carried(&plan, &settings, features, &[], failed);
            carried.iter().map(|carried| (carried.text.clone(), carried.outcome)).collect::<Vec<_>>()
        };
        for (text, outcome) in outcomes(features, None) {
            let skipped = text.ends_with("(where .percpu is direct)");
            assert_eq!(outcome, if skipped { Outcome::Skipped } else { Outcome::Done }, "{text}");
        }
        let percpu = plan.maps.iter().position(|map| map.name == ".percpu").expect("a section");
        let init = |features, values: &[(usize, Vec<u8>)]| {
            let carried = carried(&plan, &settings, features, values, None);
            let init = carried.into_iter().find(|carried| carried.text.starts_with("initialise map  .percpu "));
            init.map(|carried| (carried.text, carried.outcome)).expect("a step")
        };
        let by_runtime = "initialise map  .percpu value_size=72 by the runtime, for each possible CPU: this kernel has no \
                          BPF_F_ALL_CPUS";
        assert_eq!(init(features, &[]), (by_runtime.to_owned(), Outcome::Done));
        // A value that is set decides, not the object's.
        assert_eq!(init(features, &[(percpu, vec![0; 72])]), (by_runtime.to_owned(), Outcome::Skipped));
        features.direct = true;
        features.all_cpus = true;
        assert!(init(features, &[(percpu, vec![0; 72])]).0.ends_with(" flags=BPF_F_ALL_CPUS"));
        assert_eq!(init(features, &[(percpu, vec![0; 72])]).1, Outcome::Done);
        for (text, outcome) in outcomes(features, None) {
            let skipped = text.ends_with("(where it is not)");
            assert_eq!(outcome, if skipped { Outcome::Skipped } else { Outcome::Done }, "{text}");
        }
        let failed = outcomes(features, Some(3));
        assert_eq!([2, 3, 4].map(|index| failed[index].1), [Outcome::Done, Outcome::Failed, Outcome::NotReached]);
    }
}
