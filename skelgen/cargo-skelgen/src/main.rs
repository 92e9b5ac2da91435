//! `cargo skelgen`: the shell's door onto the generator and the runtime.
//!
//! ```text
//! build                   skelgen: compiles a package's C to objects and skeletons
//! gen OBJECT              skelgen: generates the Rust source
//! check OBJECT SKELETON   skelgen: compares a checked-in skeleton with its object
//! inspect OBJECT          skelgen: shows the object and the steps of its load
//! features [OBJECT]       skelgen-runtime: shows the kernel's features, and what the object needs
//! load OBJECT...          skelgen, then skelgen-runtime: loads the object
//! completions, man        clap: shell completions, manual pages
//! ```
//!
//! Each subcommand has a file or folder; `cli` parses the command line. `failure` and `stop` are errors, `ui` prints, and `desc`
//! describes an object to the runtime.
//!
//! # Exit status
//!
//! | | |
//! |---|---|
//! | 0 | success |
//! | 1 | an object or source could not be read, compiled, generated from or loaded; a file could not be written; or a comparison found a difference |
//! | 2 | the command line is wrong |
//!
//! `load ... -- COMMAND` exits with the status of `COMMAND` if the objects load: 128 plus the signal's number if a signal ended it, 127
//! if there is no such command, and 126 if it cannot be run.
#![forbid(unsafe_code)]

mod build;
mod check;
mod cli;
mod compiler;
mod completions;
mod failure;
mod features;
mod generate;
mod inspect;
mod load;
mod man;
mod native;
mod object;
mod path;
mod plan;
mod recipe;
mod stop;
mod ui;
mod variables;
mod verifier;

use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match cli::parse(std::env::args_os()) {
        cli::Task::Build(args) => build::run(&args),
        cli::Task::Gen(args) => generate::run(&args),
        cli::Task::Inspect(args) => inspect::run(&args),
        cli::Task::Features(args) => features::run(&args),
        cli::Task::Check(args) => check::run(&args),
        cli::Task::Load(args) => load::run(&args),
        cli::Task::Completions(args) => completions::run(&args, cli::command()),
        cli::Task::Man(args) => man::run(&args, cli::command()),
    };
    done.unwrap_or_else(|stop| {
        stop.tell();
        ExitCode::from(stop.status())
    })
}
