//! Runs the measured programs in turn, natively or as what a guest boots.
//!
//! `percpu-turns ROUNDS SAMPLES BATCH PROGRAM...` prints, for each program that did it all,
//!
//! ```text
//! copied PROGRAM MAP SIZE OPERATION COMMANDS BYTES     of the operation done once, under ptrace(2)
//! time PROGRAM MAP SIZE OPERATION NS                   the median of the rounds' medians
//! ```
//!
//! or `failed PROGRAM WHY`.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use peer_percpu::copied::value_bytes;
use peer_percpu::traced::{ElementCommand, element_commands};
use peer_percpu::{Kind, Operation, Result, SIZES, label, last_cpu, median};

/// The times of each program's operations, the latter as in the lines that the program prints.
type Times<'a> = BTreeMap<(&'a str, String), Vec<u64>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = args.iter().map_while(|arg| arg.parse().ok()).collect();
    let [rounds, samples, batch] = numbers[..] else {
        eprintln!("usage: percpu-turns ROUNDS SAMPLES BATCH PROGRAM...");
        return ExitCode::from(2);
    };
    let mut programs: Vec<&str> = args[3..].iter().map(String::as_str).collect();
    programs.retain(|program| keep(program, count(program)));
    let mut times = Times::new();
    for _ in 0..rounds {
        programs.retain(|program| keep(program, time(program, samples, batch, &mut times)));
    }
    for ((program, operation), times) in times {
        if programs.contains(&program) {
            println!("time {} {operation} {}", name(program), median(times));
        }
    }
    ExitCode::SUCCESS
}

fn name(program: &str) -> String {
    Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether to go on with the program.
fn keep(program: &str, done: Result<()>) -> bool {
    if let Err(why) = &done {
        println!("failed {} {}", name(program), why.to_string().trim().replace('\n', ": "));
    }
    done.is_ok()
}

/// What each operation gives to the kernel.
fn count(program: &str) -> Result<()> {
    let commands = element_commands(|| {
        let error = Command::new(program).arg("--once").exec();
        panic!("{program}: {error}");
    })?;
    let cpus = last_cpu()? + 1;
    for kind in Kind::ALL {
        for (size, operation) in SIZES.into_iter().flat_map(|size| Operation::ALL.map(|operation| (size, operation))) {
            let label = label(kind, size, operation);
            let of_it: Vec<&ElementCommand> = commands.iter().filter(|command| command.during == label).collect();
            let bytes: usize = of_it.iter().map(|command| value_bytes(command.flags, size, cpus)).sum();
            let (program, kind, operation) = (name(program), kind.name(), operation.name());
            println!("copied {program} {kind} {size} {operation} {} {bytes}", of_it.len());
        }
    }
    Ok(())
}

fn time<'a>(program: &'a str, samples: usize, batch: usize, times: &mut Times<'a>) -> Result<()> {
    let output = Command::new(program).args(["--time", &samples.to_string(), &batch.to_string()]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (operation, ns) = line.rsplit_once(' ').ok_or("it printed no time")?;
        times.entry((program, operation.to_owned())).or_default().push(ns.parse()?);
    }
    Ok(())
}
