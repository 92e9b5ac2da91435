//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use skelgen_runtime::PerCpuMode;

/// Light skeletons for BPF objects: generates their Rust, loads them without it
#[derive(Debug, Parser)]
#[command(name = "cargo-skelgen", version, after_help = "Run a command with --help for examples and exit statuses.")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    Gen(GenArgs),
    Load(LoadArgs),
}

/// Writes the Rust of an object's skeleton
///
/// The code needs the crate skelgen-runtime, and is what a build script with skelgen::Builder generates.
#[derive(Debug, clap::Args)]
#[command(after_help = GEN_HELP)]
pub(crate) struct GenArgs {
    /// The compiled BPF object
    pub(crate) object: PathBuf,
    /// Write to this file, not to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The skeleton's name [default: the object file's name up to its first dot]
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
}

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
#[command(after_help = LOAD_HELP, verbatim_doc_comment)]
pub(crate) struct LoadArgs {
    /// The compiled BPF objects
    #[arg(required = true, value_name = "OBJECT")]
    pub(crate) objects: Vec<PathBuf>,
    /// How programs get at .percpu variables
    #[arg(long, value_enum, default_value_t)]
    pub(crate) percpu: PerCpu,
    /// Show the whole of the verifier's log, not its end
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// A line of JSON for each object
    #[arg(long)]
    pub(crate) json: bool,
    /// Run this once all objects are loaded, unload them when it ends, and end with its exit status
    #[arg(last = true)]
    pub(crate) command: Vec<OsString>,
}

/// `--percpu`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PerCpu {
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

const GEN_HELP: &str = "\
Examples:
  cargo skelgen gen counters.bpf.o | less
  cargo skelgen gen counters.bpf.o -o src/counters.rs
  cargo skelgen gen build/prog.o --name Counters -o src/counters.rs

Exit status: 0 if it is written, 1 if not, 2 if the command line is wrong.";

const LOAD_HELP: &str = "\
Examples:
  sudo cargo skelgen load *.bpf.o
  sudo cargo skelgen load --percpu lowered -v counters.bpf.o
  sudo cargo skelgen load counters.bpf.o -- bpftool map
  sudo cargo skelgen load --json *.bpf.o | jq -r 'select(.ok | not) | .error'

Exit status: 0 if all objects load, 1 if one does not, 2 if the command line is wrong.
With a COMMAND, and if all objects load: its own; 128 and the number of the signal that ended it;
127 if it is not found, 126 if it cannot be run.";

/// Reads the command line; ends the process for `--help`, `--version` and mistakes.
///
/// Cargo runs `cargo-skelgen skelgen ARGS` for `cargo skelgen ARGS`.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Task {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let by_cargo = args.get(1).is_some_and(|arg| arg == "skelgen");
    if by_cargo {
        args.remove(1);
    }
    let name = if by_cargo { "cargo skelgen" } else { "cargo-skelgen" };
    let mut command = Cli::command().bin_name(name);
    let parsed = command
        .try_get_matches_from_mut(args)
        .and_then(|matches| Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command)));
    match parsed {
        Ok(cli) => cli.task,
        Err(error) => error.exit(),
    }
}
