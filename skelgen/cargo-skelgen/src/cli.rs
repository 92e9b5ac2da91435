//! The command line.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::ui::{Color, style};
use crate::{build, check, completions, features, generate, inspect, load, man};

/// Light skeletons for BPF objects: generates, compares, shows and loads them
#[derive(Debug, Parser)]
#[command(
    name = "cargo-skelgen",
    version,
    styles = style::HELP,
    after_help = HELP
)]
struct Cli {
    /// Colours: on a terminal, everywhere or nowhere
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    task: Task,
}

const HELP: &str = "\
Exit status:
  0  all that was asked for is done, and all is as it should be
  1  something is not: an object, source or skeleton, the kernel, a file
  2  the command line is wrong
`load` with a COMMAND ends as that does. A command's --help has examples, and
says what its statuses mean.";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    Build(build::Args),
    Gen(generate::Args),
    Check(check::Args),
    Inspect(inspect::Args),
    Features(features::Args),
    Load(load::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The whole command, by the name of its executable.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line; ends the process for `--help`, `--version` and mistakes.
///
/// Cargo runs `cargo-skelgen skelgen ARGS` for `cargo skelgen ARGS`.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Task {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let by_cargo = args.get(1).is_some_and(|arg| arg == "skelgen");
    if by_cargo {
        args.remove(1);
    }
    let color = Color::of(&args);
    color.set();
    let name = if by_cargo { "cargo skelgen" } else { "cargo-skelgen" };
    let mut command = Cli::command().bin_name(name).color(color.for_clap());
    let parsed = command
        .try_get_matches_from_mut(args)
        .and_then(|matches| Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command)));
    match parsed {
        Ok(cli) => cli.task,
        Err(error) => error.exit(),
    }
}
