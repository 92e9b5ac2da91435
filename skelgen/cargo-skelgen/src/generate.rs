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

/// Generates an object's skeleton
///
/// The Rust code needs the crate skelgen-runtime. A build script with
/// skelgen::Builder generates the same code. The second line records the options
/// for `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF object
    object: PathBuf,
    /// Write to this file instead of standard output
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

TYPES is the C name of a type (flow_key) or a section (.percpu). * matches any
characters, ? matches one.

Exit status: 0 if written, 1 if not, 2 if the command line is wrong.";

/// Writes the skeleton. If generation fails, an existing file stays unchanged.
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
        (Some(_), None) => {
            return Err(Stop::Usage("--image needs --output: the image goes beside the skeleton".to_owned()));
        }
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
