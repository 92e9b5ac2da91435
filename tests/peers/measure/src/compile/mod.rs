//! What it costs to build an agent of thirty programs with its skeleton in the tree.
//!
//! `crates` are the same small agent with each skeleton and with none. `round` compiles one of them by itself, all it
//! depends on being built, and tells what rustc cost. `once` looks at what happens seldom: the skeleton's generation, and
//! the first build with everything that the generator needs. `report` prints.

mod crates;
mod once;
mod report;
mod round;

use std::process::ExitCode;

use crate::run::{Sample, Tools};
use crates::Crate;
use once::{First, Generated};
use round::Way;

const USAGE: &str = "\
usage: bench compile [--rounds N] [--first N] [--json]

    --rounds N   times that each is compiled, in turn (11)
    --first N    times that each is built from nothing, 0 for not at all (1)
    --json       print JSON instead of tables";

pub struct Options {
    rounds: usize,
    first: usize,
    json: bool,
}

/// What one of the crates cost.
pub struct Costs {
    of: Crate,
    /// rustc's, in each round of each way.
    compiled: Vec<(Way, Vec<Sample>)>,
    /// The skeleton's generation, if there is a build script.
    generated: Option<Generated>,
    /// Builds from nothing, if they are wanted.
    first: Option<First>,
}

pub fn main(args: impl Iterator<Item = String>) -> ExitCode {
    let options = match options(args) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(costs) => {
            match options.json {
                true => println!("{}", report::json(&costs)),
                false => print!("{}", report::text(&costs, &options)),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { rounds: 11, first: 1, json: false };
    while let Some(arg) = args.next() {
        let mut number = |least: usize| {
            let value = args.next().and_then(|value| value.parse().ok()).filter(|&value| value >= least);
            value.ok_or_else(|| format!("{arg} takes a number from {least} on"))
        };
        match arg.as_str() {
            "--rounds" => options.rounds = number(1)?,
            "--first" => options.first = number(0)?,
            "--json" => options.json = true,
            _ => return Err(format!("{arg} is no option")),
        }
    }
    Ok(options)
}

fn measure(options: &Options) -> Result<Vec<Costs>, String> {
    let tools = Tools::find()?;
    let mut costs = Vec::new();
    for of in Crate::ALL {
        let first = match options.first {
            0 => None,
            times => {
                eprintln!("building {} from nothing", of.name());
                Some(once::first(of, times, &tools)?)
            }
        };
        costs.push(Costs { of, compiled: Vec::new(), generated: None, first });
    }
    for way in Way::ALL {
        eprintln!("compiling: {}", way.name());
        let mut samples = Crate::ALL.map(|_| Vec::new());
        for of in Crate::ALL {
            round::prepare(of, way, &tools)?;
        }
        for _ in 0..options.rounds {
            for (of, samples) in Crate::ALL.into_iter().zip(&mut samples) {
                samples.push(round::compile(of, way, &tools)?);
            }
        }
        costs.iter_mut().zip(samples).for_each(|(costs, samples)| costs.compiled.push((way, samples)));
    }
    for costs in &mut costs {
        costs.generated = once::generate(costs.of, options.rounds, &tools)?;
    }
    Ok(costs)
}
