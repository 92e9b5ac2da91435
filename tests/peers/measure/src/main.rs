//! Builds each peer, loads the same objects with each, and prints what that cost.
//!
//! `build` makes one program of each peer and object, `run` runs them, `report` prints. Nothing here judges: no time
//! is compared with a limit, and what could not be measured is said where its number would stand.
//!
//! `percpu` does the same for what is done to values of per-CPU maps, `compile` for building with a skeleton.

mod build;
mod compile;
mod percpu;
mod report;
mod run;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::build::{Built, Peer};
use crate::run::{Cost, Tools};

const USAGE: &str = "\
usage: bench [--rounds N] [--again N] [--json] [OBJECT...]
       bench percpu, for operations on per-CPU maps
       bench compile, for building with a skeleton of thirty programs

    --rounds N   fresh processes of each peer, in turn (40)
    --again N    loads within one process (20)
    --json       print JSON instead of a table
    OBJECT       builds of the agent fixture (fixtures/agent.bpf.o and fixtures/agent_percpu.bpf.o)";

struct Options {
    rounds: usize,
    again: usize,
    json: bool,
    objects: Vec<PathBuf>,
}

/// One peer's part of a comparison.
struct Row {
    peer: Peer,
    /// The program, or why there is none.
    built: Result<Built, String>,
    /// What loading cost, or why it failed.
    cost: Result<Cost, String>,
}

struct Comparison {
    object: PathBuf,
    rows: Vec<Row>,
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("percpu") => return percpu::main(args),
        Some("compile") => return compile::main(args),
        _ => {}
    }
    let options = match options() {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match compare_all(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { rounds: 40, again: 20, json: false, objects: Vec::new() };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().and_then(|value| value.parse().ok()).filter(|&value| value > 0);
            value.ok_or_else(|| format!("{arg} takes a number"))
        };
        match arg.as_str() {
            "--rounds" => options.rounds = number()?,
            "--again" => options.again = number()?,
            "--json" => options.json = true,
            _ if arg.starts_with('-') => return Err(format!("{arg} is no option")),
            _ => options.objects.push(PathBuf::from(arg)),
        }
    }
    if options.objects.is_empty() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fixtures");
        options.objects = ["agent.bpf.o", "agent_percpu.bpf.o"].map(|name| fixtures.join(name)).into();
    }
    Ok(options)
}

fn compare_all(options: &Options) -> Result<(), String> {
    let tools = Tools::find()?;
    let mut comparisons = Vec::new();
    for object in &options.objects {
        let object = object.canonicalize().map_err(|error| format!("{}: {error}", object.display()))?;
        comparisons.push(compare(object, options, &tools));
    }
    if options.json {
        println!("{}", report::json(&comparisons, &tools, options));
    } else {
        print!("{}", report::text(&comparisons, &tools, options));
    }
    Ok(())
}

fn compare(object: PathBuf, options: &Options, tools: &Tools) -> Comparison {
    let built: Vec<_> = Peer::ALL
        .into_iter()
        .map(|peer| {
            eprintln!("building {} with {}", peer.name(), file_name(&object));
            (peer, build::build(peer, &object))
        })
        .collect();
    eprintln!("measuring {}", file_name(&object));
    let programs: Vec<_> = built.iter().map(|(_, built)| built.as_ref().ok()).collect();
    let costs = run::measure(&programs, options.rounds, options.again, tools);
    let rows = built.into_iter().zip(costs).map(|((peer, built), cost)| Row { peer, built, cost }).collect();
    Comparison { object, rows }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
