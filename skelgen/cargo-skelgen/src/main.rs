//! `cargo skelgen`: the shell's door onto the generator and the runtime.
//!
//! ```text
//! build                   skelgen: a package's C as objects and skeletons
//! gen OBJECT              skelgen: the object as Rust
//! check OBJECT SKELETON   skelgen: whether a skeleton in the tree is what its object makes
//! inspect OBJECT          skelgen: what is in the object, and what its load does
//! features [OBJECT]       skelgen-runtime: what the kernel has, and what the object would need
//! load OBJECT...          skelgen, then skelgen-runtime: the object in the kernel
//! completions, man        clap: for shells and for man(1)
//! ```
//!
//! One file or folder has each; `cli` has what they share. `failure` and `stop` are what goes wrong, `ui` is how it is
//! shown, and `desc` what the runtime is told of an object that was not compiled into this program.
//!
//! # Exit status
//!
//! | | |
//! |---|---|
//! | 0 | all that was asked for is done |
//! | 1 | an object or source could not be read, compiled, generated from or loaded, or output not be written; or what is compared differs |
//! | 2 | the command line is wrong |
//!
//! `load ... -- COMMAND` with objects that load ends as `COMMAND` does: with its status, with 128 and the signal's
//! number if one ended it, with 127 if there is no such command and 126 if it cannot be run.
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
