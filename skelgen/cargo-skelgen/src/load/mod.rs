//! `load`: loads objects into the running kernel, as their skeletons would.

mod command;
mod progress;
mod report;
mod settings;
mod steps;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use skelgen::Skeleton;
use skelgen::describe::Description;
use skelgen_runtime::{Features, Loaded, ObjectDesc, Opened, PerCpuMode, features};

use crate::failure::{Cause, Failure};
use crate::object;
use crate::path::file_name;
use crate::stop::Stop;
use progress::Progress;
use report::{Report, Summary};
use settings::{Settings, SettingsArgs};
use steps::{Carried, carried};

/// Loads objects into the running kernel, as their skeletons would
///
/// Uses the same loader program and runtime as generated code. Prints a line for
/// each object: OK, or FAIL with the step that failed, the source line, the reason
/// and the end of the verifier log.
///
/// Like a skeleton by default, it does not load programs with SEC("?...") and
/// programs whose target code must name. Nothing is attached. At the end everything
/// is unloaded, except maps that an object pins by name.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF objects
    #[arg(required = true, value_name = "OBJECT")]
    objects: Vec<PathBuf>,
    /// How programs access .percpu variables
    #[arg(long, value_enum, default_value_t)]
    percpu: PerCpu,
    /// Show the result of each step, and the whole verifier log
    #[arg(short, long)]
    verbose: bool,
    /// Print a line of JSON for each object (see JSON.md of cargo-skelgen)
    #[arg(long)]
    json: bool,
    /// Run this while the objects are loaded, and exit with its status
    #[arg(last = true)]
    command: Vec<OsString>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// `--percpu`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum PerCpu {
    /// Directly if the kernel can, otherwise by lookup
    #[default]
    Auto,
    /// Directly (Linux 7.3 and later)
    Native,
    /// By lookup (every kernel)
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
  sudo cargo skelgen load --no-autoload on_exec --set armed=false counters.bpf.o
  sudo cargo skelgen load --max-entries counts=512 --value-size stacks=1016 x.o
  sudo cargo skelgen load --no-autocreate stacks --set with_stacks=false x.o
  sudo cargo skelgen load --json *.bpf.o | jq -r 'select(.ok | not) | .error'

Exit status: 0 if all objects load, 1 if one does not, 2 if the command line is
wrong. If all objects load, a COMMAND's own status: 128 plus the number of the
signal that ended it; 127 if it is not found, 126 if it cannot be run. SIGTERM
is passed on to the COMMAND.";

/// Loads one object after another. They stay loaded together only if there is a command to run.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let settings = args.settings.settings(args.objects.len())?;
    let mut report = Report::new(args.json, args.verbose);
    let progress = Progress::new();
    let mut held = Vec::new();
    let mut failed = false;
    for (index, path) in args.objects.iter().enumerate() {
        progress.begin(index, args.objects.len(), &path.to_string_lossy());
        let attempt = Attempt::new(path, args.percpu.into(), &settings);
        progress.clear();
        match attempt.outcome {
            Ok((loaded, summary)) => {
                report.ok(path, &summary, &attempt.steps).map_err(Stop::Output)?;
                if !args.command.is_empty() {
                    held.push(loaded);
                }
            }
            Err(failure) => {
                if let Some(why) = failure.forbids_all() {
                    return Err(Stop::Forbidden(why.to_owned()));
                }
                report.failed(&failure, &attempt.steps).map_err(Stop::Output)?;
                failed = true;
            }
        }
    }
    drop(progress);
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

/// One object's load.
struct Attempt {
    outcome: Result<(Loaded, Summary), Failure>,
    /// None if the failure was not the kernel's.
    steps: Vec<Carried>,
}

impl Attempt {
    fn new(path: &Path, mode: PerCpuMode, settings: &Settings<'_>) -> Self {
        let read =
            object::bytes(path).and_then(|bytes| Ok((object::with(&settings.plan_options(), path, &bytes)?, bytes)));
        let changed = read.and_then(|(mut skeleton, bytes)| {
            let checked = settings
                .choose_programs(&mut skeleton)
                .and_then(|()| settings.check_options(&skeleton))
                .and_then(|()| settings.check_maps(&skeleton));
            let values = checked
                .and_then(|()| settings.values(&skeleton))
                .map_err(|why| Failure::new(path, Cause::Asked(why)))?;
            Ok((skeleton, bytes, values))
        });
        let (skeleton, bytes, values) = match changed {
            Ok(changed) => changed,
            Err(failure) => return Attempt { outcome: Err(failure), steps: Vec::new() },
        };
        match load(path, &skeleton, mode, settings, &values) {
            Ok(loaded) => {
                let features = in_mode(mode, loaded.features());
                let summary = Summary::of(&skeleton, features, settings);
                let steps = carried(&skeleton.plan, settings, features, &values, None);
                Attempt { outcome: Ok((loaded, summary)), steps }
            }
            Err(error) => {
                // A failed load does not report the kernel's features.
                let known = error.step().and_then(|_| features::probe().ok());
                let steps = error
                    .step()
                    .map(|step| carried(&skeleton.plan, settings, in_mode(mode, known), &values, Some(step)));
                let failure = Failure::load(path, error, &skeleton).with_notes(object::notes(&bytes));
                Attempt { outcome: Err(failure), steps: steps.unwrap_or_default() }
            }
        }
    }
}

/// Loads an object with no changes, and unloads it.
pub(crate) fn unchanged(path: &Path, skeleton: &Skeleton, bytes: &[u8]) -> Result<(), Failure> {
    let (description, name) = (Description::of(&skeleton.plan, &skeleton.loader), file_name(path));
    let desc = ObjectDesc { name: &name, ..description.object() };
    let loaded = Opened::new(&desc).and_then(|opened| opened.load([], [], &[]));
    loaded.map(drop).map_err(|error| Failure::load(path, error, skeleton).with_notes(object::notes(bytes)))
}

fn load(
    path: &Path,
    skeleton: &Skeleton,
    mode: PerCpuMode,
    settings: &Settings<'_>,
    values: &[(usize, Vec<u8>)],
) -> skelgen_runtime::Result<Loaded> {
    let values: Vec<(usize, &[u8])> = values.iter().map(|(map, value)| (*map, value.as_slice())).collect();
    let (description, name) = (Description::of(&skeleton.plan, &skeleton.loader), file_name(path));
    let mut opened = Opened::new(&ObjectDesc { name: &name, ..description.object() })?;
    opened.set_percpu_mode(mode);
    settings.configure(&mut opened)?;
    opened.load(settings.maps(&opened)?, [], &values)
}

/// The features that the loader used: the kernel's, or those that the user forced.
fn in_mode(mode: PerCpuMode, known: Option<Features>) -> Features {
    let mut features = known.unwrap_or_default();
    match mode {
        PerCpuMode::Auto => {}
        PerCpuMode::Native => features.direct = true,
        PerCpuMode::Lowered => features.direct = false,
    }
    features
}

impl Summary {
    fn of(skeleton: &Skeleton, features: Features, settings: &Settings<'_>) -> Self {
        let plan = &skeleton.plan;
        let programs = plan.programs.iter().filter(|program| program.autoload()).count();
        Summary {
            maps: plan.maps.iter().filter(|map| !settings.leaves_out(map)).count(),
            programs,
            autoload_off: plan.programs.len() - programs,
            percpu: plan.has_percpu().then_some(if features.direct { "native" } else { "lowered" }),
        }
    }
}
