//! `gen`: an object as Rust.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, io};

use skelgen::emit::{Recipe, Unmatched};
use skelgen::is_same_file;

use crate::failure::{Cause, Failure};
use crate::object;
use crate::path::shown;
use crate::recipe::{self, RecipeArgs};
use crate::stop::Stop;

/// Writes the Rust of an object's skeleton
///
/// The code needs the crate skelgen-runtime, and is what a build script with
/// skelgen::Builder generates. Its second line names the options, if there are any:
/// `check` goes by it.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF object
    object: PathBuf,
    /// Write to this file, not to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    recipe: RecipeArgs,
}

const HELP: &str = "\
Examples:
  cargo skelgen gen counters.bpf.o | less
  cargo skelgen gen counters.bpf.o -o src/counters.rs
  cargo skelgen gen build/prog.o --name Counters -o src/counters.rs
  cargo skelgen gen counters.bpf.o --type-derive '*=Eq, Hash' --min-kernel 7.3

TYPES is a name as C has it (flow_key; a section's: .percpu), in which * stands
for any characters and ? for any one.

Exit status: 0 if it is written, 1 if not, 2 if the command line is wrong.";

/// Writes the skeleton. What is in the file stays there if there is none.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let recipe = Recipe::from(args.recipe.clone());
    let options = recipe.options().map_err(|mistakes| Stop::Usage(recipe::sentence(&mistakes)))?;
    let skeleton = object::read(&args.object, &recipe.plan_options()).map_err(Stop::Object)?;
    if let Some(unmatched) = Unmatched::license(&skeleton, recipe.license.as_deref(), recipe.spelling) {
        return Err(Stop::Object(Failure::new(&args.object, Cause::Generate(unmatched.into()))));
    }
    let source =
        skeleton.source(&options).map_err(|error| Stop::Object(Failure::new(&args.object, Cause::Generate(error))))?;
    let image = match (&recipe.image, &args.output) {
        (Some(image), Some(output)) => Some(output.with_file_name(image)),
        (Some(_), None) => return Err(Stop::Usage("--image is a file beside that of --output".to_owned())),
        (None, _) => None,
    };
    for (option, path) in [("--output", &args.output), ("--image", &image)] {
        if path.as_ref().is_some_and(|path| is_same_file(path, &args.object)) {
            return Err(Stop::Usage(format!("{option} would replace the object {}", shown(&args.object))));
        }
    }
    if let Some(path) = image {
        fs::write(&path, skeleton.loader.image_at_rest()).map_err(|error| Stop::Write(path, error))?;
    }
    match &args.output {
        Some(path) => fs::write(path, source).map_err(|error| Stop::Write(path.clone(), error))?,
        None => {
            let mut out = io::stdout().lock();
            out.write_all(source.as_bytes()).and_then(|()| out.flush()).map_err(Stop::Output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
