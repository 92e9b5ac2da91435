//! `gen`: an object as Rust.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, io};

use clap::builder::NonEmptyStringValueParser;
use skelgen::emit::Options;

use crate::failure::{Cause, Failure};
use crate::object;
use crate::stop::Stop;

/// Writes the Rust of an object's skeleton
///
/// The code needs the crate skelgen-runtime, and is what a build script with
/// skelgen::Builder generates.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF object
    object: PathBuf,
    /// Write to this file, not to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The skeleton's name [default: the file's, up to its first dot]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
}

const HELP: &str = "\
Examples:
  cargo skelgen gen counters.bpf.o | less
  cargo skelgen gen counters.bpf.o -o src/counters.rs
  cargo skelgen gen build/prog.o --name Counters -o src/counters.rs

Exit status: 0 if it is written, 1 if not, 2 if the command line is wrong.";

/// Writes the skeleton. What is in the file stays there if there is none.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let skeleton = object::read(&args.object).map_err(Stop::Object)?;
    let options = Options { name: args.name.clone(), ..Options::default() };
    let source =
        skeleton.source(&options).map_err(|error| Stop::Object(Failure::new(&args.object, Cause::Generate(error))))?;
    match &args.output {
        Some(path) => fs::write(path, source).map_err(|error| Stop::Write(path.clone(), error))?,
        None => {
            let mut out = io::stdout().lock();
            out.write_all(source.as_bytes()).and_then(|()| out.flush()).map_err(Stop::Output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
