//! `completions`: shell completion scripts.

use std::io::Write;
use std::process::ExitCode;

use clap_complete::{Shell, generate};

use crate::stop::Stop;
use crate::ui;

/// Prints a shell completion script
///
/// In zsh it completes `cargo skelgen` and `cargo-skelgen`; in other shells only
/// `cargo-skelgen`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const HELP: &str = "\
Examples:
  cd ~/.local/share/bash-completion/completions
  cargo skelgen completions bash > cargo-skelgen
  cargo skelgen completions fish > ~/.config/fish/completions/cargo-skelgen.fish
  cargo skelgen completions zsh > ~/.zfunc/_cargo-skelgen   # a folder of $fpath

Exit status: 0 if written, 1 if not, 2 if the command line is wrong.";

/// Writes the script that completes `command`.
pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<ExitCode, Stop> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    let mut out = ui::out();
    out.write_all(&script).and_then(|()| out.flush()).map_err(Stop::Output)?;
    Ok(ExitCode::SUCCESS)
}
