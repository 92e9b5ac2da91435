//! Loads BPF objects with libbpf and with skelgen, each in a process of its own, and compares what is then in the
//! kernel.
//!
//! ```text
//! conform [--each] [--register] [--shard I/N] [--limit SECONDS] OBJECT|FOLDER...
//! conform --open OBJECT|FOLDER...
//! ```
//!
//! A line for each object: its name, what came of it, and the first thing that is not the same; with a tab between
//! them. The other differences are on lines that begin with a tab. With `--each`, each program is loaded alone, and has
//! a line of its own. With `--register`, struct_ops maps are registered as well, and unregistered at once: not for a
//! machine whose network is in use. A table of the outcomes is last.
//!
//! `--open` only tells of each whether libbpf opens it.

mod arena;
mod child;
mod compare;
mod kernel;
mod libbpf;
mod ours;
mod outcome;
mod snapshot;
mod xlated;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use compare::{Class, compare};
use outcome::Outcome;

struct Args {
    open: bool,
    each: bool,
    register: bool,
    shard: (usize, usize),
    limit: Duration,
    objects: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let args = match parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("conform: {why}");
            return ExitCode::from(2);
        }
    };
    let done = if args.open { open(&args) } else { run(&args) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conform: {error}");
            ExitCode::from(3)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut parsed = Args {
        open: false,
        each: false,
        register: false,
        shard: (0, 1),
        limit: Duration::from_secs(600),
        objects: Vec::new(),
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match &*arg {
            "--each" => parsed.each = true,
            "--register" => parsed.register = true,
            "--open" => parsed.open = true,
            "--limit" => {
                let seconds = value()?.parse().map_err(|_| "--limit is a number of seconds")?;
                parsed.limit = Duration::from_secs(seconds);
            }
            "--shard" => {
                let shard = value()?;
                let numbers = shard.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
                parsed.shard = numbers.filter(|(i, n)| i < n).ok_or("--shard is I/N, I from 0 on")?;
            }
            _ if arg.starts_with('-') => return Err(format!("there is no option {arg}")),
            _ => parsed.objects.extend(objects(Path::new(&arg)).map_err(|error| format!("{arg}: {error}"))?),
        }
    }
    if parsed.objects.is_empty() { Err("which objects?".to_owned()) } else { Ok(parsed) }
}

/// A file, or all objects of a folder in their order.
fn objects(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut objects = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "o") {
            objects.push(path);
        }
    }
    objects.sort();
    Ok(objects)
}

fn open(args: &Args) -> io::Result<()> {
    for path in &args.objects {
        let told = child::run(args.limit, |to| {
            let how = match libbpf::Object::open(path) {
                Ok(_) => "opens".to_owned(),
                Err(refusal) => refusal.describe(),
            };
            to.write_all(how.as_bytes()).expect("the parent reads");
        })?;
        println!("{}\t{}", name(path), told.died.unwrap_or(told.text));
    }
    Ok(())
}

/// `NAME` of `NAME.bpf.o`.
fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    file.strip_suffix(".bpf.o").unwrap_or(&file).to_owned()
}

fn run(args: &Args) -> io::Result<()> {
    let (shard, shards) = args.shard;
    let mut counts = BTreeMap::<Class, usize>::new();
    let mut out = io::stdout();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    for path in args.objects.iter().skip(shard).step_by(shards) {
        let start = Instant::now();
        let object = name(path);
        if let Some((.., why)) =
            DANGEROUS.iter().find(|(name, kernel, _)| object == *name && release.starts_with(kernel))
        {
            *counts.entry(Class::NotLoaded).or_default() += 1;
            writeln!(out, "{object}\t{}\t{why}\t()", Class::NotLoaded.word())?;
            continue;
        }
        let libbpf = child::run(args.limit, |to| with_libbpf(path, args, to))?;
        let middle = Instant::now();
        let skelgen = child::run(args.limit, |to| with_skelgen(path, args, to))?;
        let times = [middle - start, middle.elapsed()].map(|time| format!("{:.1} s", time.as_secs_f32()));
        let [libbpf, skelgen] = [libbpf, skelgen].map(|told| read(&told));
        let none = Outcome::Died("not one of its programs".to_owned());
        for name in merged(&libbpf, &skelgen) {
            let [a, b] = [&libbpf, &skelgen].map(|all| all.iter().find(|(n, _)| *n == name).map_or(&none, |(_, o)| o));
            let (class, differences) = compare(a, b);
            *counts.entry(class).or_default() += 1;
            let first = differences.first().map_or("", |line| line.as_str());
            let name = if name.is_empty() { object.clone() } else { format!("{object}/{name}") };
            let programs = match a {
                Outcome::Loaded(snapshot) => format!(", {} programs", snapshot.programs()),
                _ => String::new(),
            };
            writeln!(out, "{name}\t{}\t{first}\t({}{programs})", class.word(), times.join(" and "))?;
            for line in differences.iter().skip(1) {
                writeln!(out, "\t{line}")?;
            }
        }
    }
    writeln!(out)?;
    for class in Class::ALL {
        writeln!(out, "{:6} {}", counts.get(&class).copied().unwrap_or(0), class.word())?;
    }
    Ok(())
}

/// Objects that harm kernels whose release begins so, and how.
const DANGEROUS: [(&str, &str, &str); 3] = [
    ("verifier_btf_flex_array", "7.1.", "the verifier divides by zero, whoever loads it"),
    ("verifier_subprog_precision", "6.18.", "the verifier writes outside of its memory, whoever loads it"),
    ("verifier_subprog_precision", "7.1.", "the verifier reads outside of its memory, whoever loads it"),
];

/// The names that either has, in the first's order.
fn merged(a: &[(String, Outcome)], b: &[(String, Outcome)]) -> Vec<String> {
    let mut names = Vec::new();
    for (name, _) in a.iter().chain(b) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// What stands before each outcome that a child writes, with the program's name; and what ends it.
const BEGIN: &str = "@begin ";
const END: &str = "@end\n";

fn tell(to: &mut File, name: &str, outcome: &Outcome) {
    let text = format!("{BEGIN}{name}\n{}{END}", outcome.to_text());
    to.write_all(text.as_bytes()).expect("the parent reads");
}

fn read(told: &child::Told) -> Vec<(String, Outcome)> {
    let mut outcomes = Vec::new();
    for part in told.text.split(END) {
        let Some((name, text)) = part.strip_prefix(BEGIN).and_then(|part| part.split_once('\n')) else { continue };
        outcomes.extend(Outcome::from_text(text).map(|outcome| (name.to_owned(), outcome)));
    }
    if let Some(how) = &told.died {
        outcomes.push((String::new(), Outcome::Died(how.clone())));
    }
    outcomes
}

fn with_libbpf(path: &Path, args: &Args, to: &mut File) {
    child::own_bpf_fs().expect("this process may mount");
    let object = match libbpf::Object::open(path) {
        Ok(object) => object,
        Err(refusal) => return tell(to, "", &Outcome::Refused(refusal)),
    };
    if !args.each {
        return tell(to, "", &object.load(args.register));
    }
    for (index, name) in object.program_names().iter().enumerate() {
        // One can be loaded once.
        let object = libbpf::Object::open(path).unwrap_or_else(|_| panic!("{} opened before", path.display()));
        object.select(index);
        tell(to, name, &object.load(args.register));
    }
}

fn with_skelgen(path: &Path, args: &Args, to: &mut File) {
    child::own_bpf_fs().expect("this process may mount");
    let skeleton = match ours::open(path) {
        Ok(skeleton) => skeleton,
        Err(refusal) => return tell(to, "", &Outcome::Refused(refusal)),
    };
    if !args.each {
        return tell(to, "", &ours::load(&skeleton, None, args.register));
    }
    for (index, name) in ours::program_names(&skeleton).iter().enumerate() {
        tell(to, name, &ours::load(&skeleton, Some(index), args.register));
    }
}
