//! What operations on the values of per-CPU maps cost, as the number of CPUs grows.
//!
//! `computed` says it in bytes, for any number of CPUs. `cell` has the programs of `peer-percpu` run here and in guests,
//! where the bytes are counted too. `report` prints.

mod cell;
mod computed;
mod report;

use std::process::ExitCode;

use cell::{Machine, Programs};

const USAGE: &str = "\
usage: bench percpu [--computed] [--cells CELLS] [--rounds N] [--json]

    --computed     the tables that are computed, and nothing else: builds nothing
    --cells CELLS  kernels and numbers of CPUs to boot (\"7.3:1,2,4,8 6.12:1,2,4,8\")
    --rounds N     runs of each peer on this machine, in turn (40)
    --json         print JSON instead of tables";

struct Options {
    computed: bool,
    guests: Vec<Machine>,
    rounds: usize,
    json: bool,
}

pub fn main(args: impl Iterator<Item = String>) -> ExitCode {
    let options = match options(args) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if options.computed {
        match options.json {
            true => println!("{}", computed::json()),
            false => print!("{}", computed::text()),
        }
        return ExitCode::SUCCESS;
    }
    let programs = match Programs::build() {
        Ok(programs) => programs,
        Err(error) => {
            eprintln!("bench: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut machines = options.guests;
    machines.push(Machine::Native { rounds: options.rounds });
    let run = |machine: Machine| {
        eprintln!("measuring on {}", report::name(&machine));
        cell::run(machine, &programs)
    };
    let cells: Vec<_> = machines.into_iter().map(run).collect();
    match options.json {
        true => println!("{}", report::json(&cells, &programs)),
        false => print!("{}", report::text(&cells, &programs)),
    }
    ExitCode::SUCCESS
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let cells = "7.3:1,2,4,8 6.12:1,2,4,8".to_owned();
    let mut options = Options { computed: false, guests: guests(&cells)?, rounds: 40, json: false };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--computed" => options.computed = true,
            "--json" => options.json = true,
            "--cells" => options.guests = guests(&args.next().ok_or("--cells takes cells")?)?,
            "--rounds" => {
                let rounds = args.next().and_then(|value| value.parse().ok()).filter(|&value| value > 0);
                options.rounds = rounds.ok_or("--rounds takes a number")?;
            }
            _ => return Err(format!("{arg} is no option")),
        }
    }
    Ok(options)
}

/// `SERIES:CPUS,CPUS... ...`
fn guests(cells: &str) -> Result<Vec<Machine>, String> {
    let mut guests = Vec::new();
    for word in cells.split_whitespace() {
        let wrong = || format!("{word} is not SERIES:CPUS,...");
        let (series, counts) = word.split_once(':').ok_or_else(wrong)?;
        for count in counts.split(',') {
            let cpus = count.parse().ok().filter(|&cpus| cpus > 0).ok_or_else(wrong)?;
            guests.push(Machine::Guest { series: series.to_owned(), cpus });
        }
    }
    Ok(guests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_kernels_and_numbers_of_cpus() {
        let guest = |series: &str, cpus| Machine::Guest { series: series.to_owned(), cpus };
        assert!(guests("7.3:1,8 6.1:2").unwrap() == [guest("7.3", 1), guest("7.3", 8), guest("6.1", 2)]);
        assert!(guests("").unwrap().is_empty());
        for wrong in ["7.3", "7.3:", "7.3:0", "7.3:1,x"] {
            assert_eq!(guests(wrong).err(), Some(format!("{wrong} is not SERIES:CPUS,...")));
        }
    }
}
