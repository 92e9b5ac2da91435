//! `features`: what the running kernel has, and what an object would need of it.
//!
//! It tries a loader program that makes nothing, a per-CPU map, and the object itself. The rest it looks up in the kernel's
//! BTF (which types of maps and programs it knows), in `/proc` and `/sys`, and for other kernels in the runtime's table of
//! features ([`since`]).

mod attempt;
mod kernel_btf;
mod loader;
mod machine;
mod needs;
mod since;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use skelgen::object::outline::Outline;
use skelgen::printable;
use skelgen_runtime::kernel::OLDEST_TESTED;

use crate::failure::{Cause, Failure};
use crate::stop::Stop;
use crate::ui::style::{BAD, GOOD, TITLE};
use crate::{object, path, ui};
use machine::Machine;
use needs::Need;

/// Shows the running kernel's features, and those an object needs
///
/// Without an OBJECT: whether this process can load skeletons, whether programs can
/// address .percpu variables directly, and other facts about the machine. The
/// command loads an empty loader program and creates a per-CPU map to find out.
///
/// With an OBJECT: whether it loads, and if not, why; each feature that it needs,
/// whether this kernel has the feature, and the first kernel with it, if later than
/// Linux 6.1; the form of its programs here (native or lowered); and the oldest
/// kernel with all required features. Nothing is attached or pinned, and everything
/// is unloaded at the end.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF object
    object: Option<PathBuf>,
    /// Print one JSON document (see JSON.md of cargo-skelgen)
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Examples:
  sudo cargo skelgen features
  sudo cargo skelgen features counters.bpf.o
  sudo cargo skelgen features --json | jq .all_cpus

Exit status: 0 if skeletons (with an OBJECT: its skeleton) can be loaded here; 1
if not, or if the object cannot be read; 2 if the command line is wrong.";

/// The document.
#[derive(Serialize)]
struct View<T> {
    schema: u32,
    #[serde(flatten)]
    machine: Machine,
    object: Option<T>,
}

/// An object that cannot be read, or that the generator refuses; its needs are unknown.
#[derive(Serialize)]
struct Unread {
    object: String,
    loads: bool,
    error: String,
}

/// The needs of an object.
#[derive(Serialize)]
struct ObjectView {
    object: String,
    /// Whether it was loaded; false if this process cannot load anything.
    loads: bool,
    /// Why it does not load.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    failure: Option<Failure>,
    /// The form of programs that this kernel loads.
    image: Option<&'static str>,
    minimum_kernel: String,
    needs: Vec<Need>,
}

/// Prints the facts. The exit status says whether the object, or any skeleton, loads.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let machine = Machine::look();
    let object = match args.object.as_ref().map(|path| (path, ObjectView::new(path, &machine))) {
        Some((_, Ok(object))) => Some(object),
        Some((path, Err(failure))) if args.json => {
            let object = Unread { object: path::file_name(path), loads: false, error: failure.sentence() };
            let view = View { schema: 1, machine, object: Some(object) };
            let mut out = ui::out();
            write_json(&view, &mut out).and_then(|()| out.flush()).map_err(Stop::Output)?;
            return Ok(ExitCode::FAILURE);
        }
        Some((_, Err(failure))) => return Err(Stop::Object(failure)),
        None => None,
    };
    let loads = object.as_ref().map_or(machine.loader.ok, |object| object.loads);
    let view = View { schema: 1, machine, object };
    let mut out = ui::out();
    show(args.json, &view, &mut out).and_then(|()| out.flush()).map_err(Stop::Output)?;
    Ok(if loads { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl ObjectView {
    fn new(path: &std::path::Path, machine: &Machine) -> Result<Self, Failure> {
        let bytes = object::bytes(path)?;
        let outline = Outline::parse(&bytes).map_err(|error| Failure::new(path, Cause::Generate(error)))?;
        let skeleton = object::skeleton(path, &bytes)?;
        let mut needs = needs::needs(&outline, &skeleton, machine);
        let has_percpu = skeleton.plan.has_percpu();
        let failure = attempt::try_it(path, skeleton, &bytes).err();
        if failure.is_none() {
            needs.iter_mut().for_each(Need::prove);
        }
        let required = || needs.iter().filter(|need| need.required);
        let minimum = required().filter_map(|need| need.since).max().unwrap_or(OLDEST_TESTED);
        let image = machine.direct.map(|direct| if direct { "native" } else { "lowered" });
        Ok(ObjectView {
            object: path::file_name(path),
            loads: failure.is_none(),
            error: failure.as_ref().map(Failure::sentence),
            failure,
            image: image.filter(|_| has_percpu),
            minimum_kernel: minimum.to_string(),
            needs,
        })
    }
}

fn write_json(view: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, view)?;
    writeln!(out)
}

fn show(json: bool, view: &View<ObjectView>, out: &mut impl Write) -> io::Result<()> {
    if json {
        return write_json(view, out);
    }
    let name = view.machine.name();
    let Some(object) = &view.object else {
        writeln!(out, "{TITLE}{name}{TITLE:#}")?;
        return write!(out, "{}", view.machine.table());
    };
    let (style, verdict) = if object.loads { (GOOD, "loads") } else { (BAD, "does not load") };
    let image = object.image.filter(|_| object.loads).map(|image| format!(", {image} image")).unwrap_or_default();
    writeln!(out, "{TITLE}{}{TITLE:#} on {name}: {style}{verdict}{style:#}{image}", printable(&object.object))?;
    if let Some(failure) = &object.failure {
        let columns = ui::columns(io::stdout());
        writeln!(out, "  {}", ui::fold(&failure.sentence(), 2, "  ", columns))?;
        failure.tell_details(out, false, columns)?;
    }
    write!(out, "{}", needs::table(&object.needs))?;
    writeln!(out, "  oldest kernel: Linux {}", object.minimum_kernel)
}
