//! The command line.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::ui::{Color, style};
use crate::{build, check, completions, features, generate, inspect, load, man};

/// Generates light skeletons for BPF objects; compares, inspects and loads them
#[derive(Debug, Parser)]
#[command(
    name = "cargo-skelgen",
    version,
    styles = style::HELP,
    after_help = HELP
)]
struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    task: Task,
}

const HELP: &str = "\
Exit status:
  0  success
  1  an error in an object, source, skeleton, file or load; or a difference
  2  the command line is wrong
`load` with a COMMAND exits with the command's status. The --help of each
command has examples.";

/// The subcommands.
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

/// The whole command, named like its executable.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Parses the command line; exits for `--help`, `--version` and mistakes.
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
