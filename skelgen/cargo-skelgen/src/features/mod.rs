//! `features`: what the running kernel has, and what an object would need of it.
//!
//! What can be tried is tried: a loader program that makes nothing, a per-CPU map. What cannot is looked up, in the
//! kernel's BTF (which types of maps and programs it knows) and in `/proc` and `/sys`; and for other kernels, in a
//! table of versions ([`since`]).

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

use crate::failure::{Cause, Failure};
use crate::stop::Stop;
use crate::ui::style::{BAD, GOOD, TITLE, UNSURE};
use crate::{object, path, ui};
use machine::Machine;
use needs::Need;

/// Shows what the running kernel has, and what an object needs of it
///
/// Without an OBJECT: whether this process can load skeletons, how programs get at
/// per-CPU data here, and what else there is to know of the machine. Loader
/// programs and per-CPU maps are tried out; nothing of that stays.
///
/// With one: each thing that its skeleton asks for, whether it is here, and the
/// first kernel that has it if that is one after Linux 6.1; whether programs reach
/// .percpu variables directly or by look-up (native or lowered image); and the
/// oldest kernel with all that is known to be required.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// A compiled BPF object
    object: Option<PathBuf>,
    /// One JSON document (see JSON.md of cargo-skelgen)
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Examples:
  sudo cargo skelgen features
  sudo cargo skelgen features counters.bpf.o
  sudo cargo skelgen features --json | jq .all_cpus

Exit status: 0 if skeletons (with an OBJECT: its skeleton) can be loaded here,
as far as is known without doing so; 1 if something that is required is missing,
or the object cannot be read; 2 if the command line is wrong.";

/// The document.
#[derive(Serialize)]
struct View {
    schema: u32,
    #[serde(flatten)]
    machine: Machine,
    object: Option<ObjectView>,
}

/// What an object needs.
#[derive(Serialize)]
struct ObjectView {
    object: String,
    /// Whether nothing that is required is known to be missing.
    loads: bool,
    /// How programs reach `.percpu` variables here.
    image: Option<&'static str>,
    minimum_kernel: String,
    needs: Vec<Need>,
}

/// Looks, and says whether it will do.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let machine = Machine::look();
    let object = match &args.object {
        Some(path) => Some(ObjectView::new(path, &machine).map_err(Stop::Object)?),
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
        let needs = needs::needs(&outline, &skeleton, machine);
        let required = || needs.iter().filter(|need| need.required);
        let minimum = required().filter_map(|need| need.since).max().unwrap_or(since::OLDEST);
        let image = machine.direct.map(|direct| if direct { "native" } else { "lowered" });
        Ok(ObjectView {
            object: path::file_name(path),
            loads: required().all(|need| need.here != Some(false)),
            image: image.filter(|_| skeleton.plan.has_percpu()),
            minimum_kernel: since::text(minimum),
            needs,
        })
    }
}

fn show(json: bool, view: &View, out: &mut impl Write) -> io::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, view)?;
        return writeln!(out);
    }
    let name = view.machine.name();
    let Some(object) = &view.object else {
        writeln!(out, "{TITLE}{name}{TITLE:#}")?;
        return write!(out, "{}", view.machine.table());
    };
    let unknown = object.needs.iter().any(|need| need.required && need.here.is_none());
    let (style, verdict) = match () {
        () if !object.loads => (BAD, "does not load"),
        () if unknown => (UNSURE, "loads, as far as is known"),
        () => (GOOD, "loads"),
    };
    let image = object.image.filter(|_| object.loads).map(|image| format!(", {image} image")).unwrap_or_default();
    writeln!(out, "{TITLE}{}{TITLE:#} on {name}: {style}{verdict}{style:#}{image}", object.object)?;
    write!(out, "{}", needs::table(&object.needs))?;
    writeln!(out, "  oldest kernel: Linux {}", object.minimum_kernel)
}
