//! `load`: objects in the running kernel, as their skeletons would load them.

use std::path::Path;
use std::process::ExitCode;

use skelgen_runtime::{Loaded, Opened, PerCpuMode};

use crate::cli::LoadArgs;
use crate::command;
use crate::desc::described;
use crate::failure::{Cause, Failure};
use crate::object;
use crate::report::{Report, Summary};
use crate::stop::Stop;

/// Loads one object after another; they stay loaded together only for the command to run.
pub(crate) fn run(args: &LoadArgs) -> Result<ExitCode, Stop> {
    let mut report = Report::new(args.json, args.verbose);
    let mut held = Vec::new();
    let mut failed = false;
    for path in &args.objects {
        match load(path, args.percpu.into()) {
            Ok((loaded, summary)) => {
                report.ok(path, &summary).map_err(Stop::Output)?;
                if !args.command.is_empty() {
                    held.push(loaded);
                }
            }
            Err(failure) => {
                if let Some(why) = failure.forbids_all() {
                    return Err(Stop::Forbidden(why.to_owned()));
                }
                report.failed(&failure).map_err(Stop::Output)?;
                failed = true;
            }
        }
    }
    match args.command.split_first() {
        Some((program, _)) if failed => Err(Stop::NotRun(program.clone())),
        Some((program, args)) => {
            let status = command::run(program, args);
            drop(held);
            Ok(status)
        }
        None if failed => Ok(ExitCode::FAILURE),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn load(path: &Path, mode: PerCpuMode) -> Result<(Loaded, Summary), Failure> {
    let skeleton = object::read(path)?;
    let loaded = described(&skeleton, &object::name(path), |desc| {
        let mut opened = Opened::new(desc)?;
        opened.set_percpu_mode(mode);
        opened.load([], [], &[])
    })
    .map_err(|error| Failure::new(path, Cause::Load(error)))?;

    let direct = match mode {
        PerCpuMode::Auto => loaded.features().is_some_and(|features| features.direct),
        PerCpuMode::Native => true,
        PerCpuMode::Lowered => false,
    };
    let plan = &skeleton.plan;
    let programs = plan.programs.iter().filter(|program| program.autoload()).count();
    let summary = Summary {
        maps: plan.maps.len(),
        programs,
        autoload_off: plan.programs.len() - programs,
        percpu: plan.has_percpu().then_some(if direct { "native" } else { "lowered" }),
    };
    Ok((loaded, summary))
}
