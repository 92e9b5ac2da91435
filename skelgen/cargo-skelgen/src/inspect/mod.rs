//! `inspect`: the contents of an object, and the steps of its load.
//!
//! ```text
//! bytes ─▶ Outline, Skeleton ─▶ View ─▶ tables
//!                                   └─▶ JSON
//! ```
//!
//! [`View`] describes an object, and [`Refused`] an object that the generator refuses. Each part is in a file with its table. Nothing here
//! asks the kernel.

mod data;
mod disasm;
pub(crate) mod externs;
mod helpers;
pub(crate) mod maps;
mod plan;
pub(crate) mod programs;
mod refused;
mod sections;
mod value;
mod view;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use skelgen::object::outline::Outline;
use skelgen::plan::Image;

use crate::failure::{Cause, Failure};
use crate::stop::Stop;
use crate::{object, path, ui};
use refused::{Refused, Unread};
use view::View;

/// Shows the contents of an object and the steps of its load
///
/// Prints tables of sections, maps, data sections with their variables and padding,
/// programs, externs and the loader's size. It needs no privilege and does not ask
/// the kernel.
///
/// For an object that the generator refuses, it prints the error, sections, symbols
/// and externs.
///
/// --plan prints the steps of the load instead, and --disasm the instructions.
/// --json prints everything at once, with instructions if --disasm is given.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF object
    object: PathBuf,
    /// Show the steps of the load
    #[arg(long)]
    plan: bool,
    /// Show the instructions of all programs or of one, with source lines
    #[arg(long, value_name = "PROGRAM", require_equals = true, num_args = 0..=1)]
    disasm: Option<Option<String>>,
    /// The form of the programs for --disasm
    #[arg(long, value_enum, default_value_t, requires = "disasm")]
    image: Form,
    /// Print one JSON document (see JSON.md of cargo-skelgen)
    #[arg(long)]
    json: bool,
}

/// `--image`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// As compiled: programs address .percpu variables directly
    #[default]
    Native,
    /// For older kernels: programs look .percpu variables up
    Lowered,
}

const HELP: &str = "\
Examples:
  cargo skelgen inspect counters.bpf.o
  cargo skelgen inspect --plan counters.bpf.o
  cargo skelgen inspect --disasm=on_exec --image lowered counters.bpf.o
  cargo skelgen inspect --json counters.bpf.o | jq '.data[].variables[].name'

Exit status: 0 if it succeeds; 1 if the object cannot be read, the generator
refuses it, or it has no such program; 2 if the command line is wrong.";

/// Shows the object, or the reason why it cannot, as JSON.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match inspect(args) {
        Err(Stop::Object(failure)) if args.json => {
            let unread = Unread::new(path::file_name(&args.object), &failure);
            write_json(&unread, &mut ui::out()).map_err(Stop::Output)?;
            Ok(ExitCode::FAILURE)
        }
        done => done,
    }
}

fn inspect(args: &Args) -> Result<ExitCode, Stop> {
    let failed = |cause| Stop::Object(Failure::new(&args.object, cause));
    let bytes = object::bytes(&args.object).map_err(Stop::Object)?;
    let outline = Outline::parse(&bytes).map_err(|error| failed(Cause::Generate(error)))?;
    let skeleton = match object::skeleton(&args.object, &bytes) {
        Ok(skeleton) => skeleton,
        Err(failure) => return refused(args, &outline, failure),
    };

    let image = if args.image == Form::Lowered { Image::Lowered } else { Image::Native };
    let disasm = match &args.disasm {
        Some(program) => {
            let programs = disasm::programs(&skeleton, image, program.as_deref());
            Some(programs.map_err(|why| failed(Cause::Asked(why)))?)
        }
        None => None,
    };
    let view = View::new(path::file_name(&args.object), &outline, &skeleton, disasm);
    let mut out = ui::out();
    show(args, &view, &mut out).and_then(|()| out.flush()).map_err(Stop::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows what can be shown beside the error.
fn refused(args: &Args, outline: &Outline<'_>, failure: Failure) -> Result<ExitCode, Stop> {
    let view = Refused::new(path::file_name(&args.object), outline, &failure);
    let mut out = ui::out();
    if args.json {
        write_json(&view, &mut out).map_err(Stop::Output)?;
        return Ok(ExitCode::FAILURE);
    }
    if !args.plan && args.disasm.is_none() {
        write!(out, "{view}").and_then(|()| out.flush()).map_err(Stop::Output)?;
    }
    Err(Stop::Object(failure))
}

fn write_json(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    out.flush()
}

fn show(args: &Args, view: &View, out: &mut impl Write) -> io::Result<()> {
    if args.json {
        serde_json::to_writer_pretty(&mut *out, view)?;
        return writeln!(out);
    }
    if args.plan {
        write!(out, "{}", plan::Listing(&view.plan))?;
    }
    if let Some(programs) = &view.disasm {
        if args.plan {
            writeln!(out)?;
        }
        return write!(out, "{}", disasm::Listing(programs));
    }
    if args.plan { Ok(()) } else { write!(out, "{view}") }
}
