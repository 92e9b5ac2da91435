//! The command as a user of the shell meets it.

mod build;
mod build_shared;
mod check;
mod colour;
mod doors;
mod features;
mod generate;
mod golden;
mod guide;
mod inspect;
mod json;
mod load;
mod package;
mod shell;
mod usage;
mod words;

use std::path::PathBuf;
use std::process::{Command, Output};

/// The built command.
const EXE: &str = env!("CARGO_BIN_EXE_cargo-skelgen");
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");

/// What a run of the command gave.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran {
            status: output.status.code().expect("no signal ended it"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// Runs the command among the fixtures.
fn skelgen(args: &[&str]) -> Ran {
    Command::new(EXE).args(args).current_dir(FIXTURES).output().expect("it was built").into()
}

/// A file for one test to write, in the target folder.
fn scratch(name: &str) -> PathBuf {
    skelgen_tests::scratch::scratch(env!("CARGO_TARGET_TMPDIR")).join(name)
}
