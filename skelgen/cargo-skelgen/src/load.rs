//! `load`: objects in the running kernel, as their skeletons would load them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use skelgen_runtime::{Loaded, Opened, PerCpuMode};

use crate::desc::described;
use crate::failure::{Cause, Failure};
use crate::path::file_name;
use crate::report::{Report, Summary};
use crate::stop::Stop;
use crate::{command, object};

/// Loads objects into the running kernel, as their skeletons would
///
/// Each object goes through the same loader program and the same runtime as generated code.
/// There is a line for each: OK, or FAIL with the step that failed, the reason and the end of
/// the verifier's log.
///
/// Programs with SEC("?...") and those whose target code must name are not loaded, as in a
/// skeleton that is loaded as it is, and counted apart. Nothing is attached. Nothing stays
/// loaded, but maps that an object pins by name stay pinned.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF objects
    #[arg(required = true, value_name = "OBJECT")]
    objects: Vec<PathBuf>,
    /// How programs get at .percpu variables
    #[arg(long, value_enum, default_value_t)]
    percpu: PerCpu,
    /// Show the whole of the verifier's log, not its end
    #[arg(short, long)]
    verbose: bool,
    /// A line of JSON for each object
    #[arg(long)]
    json: bool,
    /// Run this once all objects are loaded, unload them when it ends, and end with its exit status
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// `--percpu`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum PerCpu {
    /// Directly where the kernel can, by lookup elsewhere
    #[default]
    Auto,
    /// Directly, which Linux 7.3 can
    Native,
    /// By lookup, which every kernel can
    Lowered,
}

impl From<PerCpu> for PerCpuMode {
    fn from(mode: PerCpu) -> PerCpuMode {
        match mode {
            PerCpu::Auto => PerCpuMode::Auto,
            PerCpu::Native => PerCpuMode::Native,
            PerCpu::Lowered => PerCpuMode::Lowered,
        }
    }
}

const HELP: &str = "\
Examples:
  sudo cargo skelgen load *.bpf.o
  sudo cargo skelgen load --percpu lowered -v counters.bpf.o
  sudo cargo skelgen load counters.bpf.o -- bpftool map
  sudo cargo skelgen load --json *.bpf.o | jq -r 'select(.ok | not) | .error'

Exit status: 0 if all objects load, 1 if one does not, 2 if the command line is wrong.
With a COMMAND, and if all objects load: its own; 128 and the number of the signal that ended it;
127 if it is not found, 126 if it cannot be run.";

/// Loads one object after another; they stay loaded together only for the command to run.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
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
    let loaded = described(&skeleton, &file_name(path), |desc| {
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
