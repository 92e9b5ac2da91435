//! `man`: manual pages.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap_mangen::Man;

use crate::stop::Stop;
use crate::ui;

/// Prints the manual page, or writes a page for each command
///
/// The pages are cargo-skelgen(1) and cargo-skelgen-COMMAND(1). If man(1) finds
/// them, `cargo help skelgen` shows the first.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// Write all pages to this folder, and create it if needed
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

const HELP: &str = "\
Examples:
  cargo skelgen man | man -l -
  cargo skelgen man -o ~/.local/share/man/man1

Exit status: 0 if written, 1 if not, 2 if the command line is wrong.";

/// Writes the page of `command`, or those of its commands too.
pub(crate) fn run(args: &Args, command: clap::Command) -> Result<ExitCode, Stop> {
    // `cargo skelgen help COMMAND` shows the same text, so it needs no page.
    let command = command.disable_help_subcommand(true);
    match &args.output {
        Some(folder) => {
            let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
            written.map_err(|error| Stop::Write(folder.clone(), error))?;
        }
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page).map_err(Stop::Output)?;
            let mut out = ui::out();
            out.write_all(&page).and_then(|()| out.flush()).map_err(Stop::Output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
