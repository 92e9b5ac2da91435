//! `gen`: an object as Rust.

use std::io::Write;
use std::process::ExitCode;
use std::{fs, io};

use skelgen::emit::Options;

use crate::cli::GenArgs;
use crate::failure::{Cause, Failure};
use crate::object;
use crate::stop::Stop;

/// Writes the skeleton. What is in the file stays there if there is none.
pub(crate) fn run(args: &GenArgs) -> Result<ExitCode, Stop> {
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
