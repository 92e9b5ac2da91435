//! `build`: compiles a package's C to objects and skeletons inside the package.
//!
//! ```text
//! packages   asks cargo which packages to build
//! config     [package.metadata.skelgen] of each: a builder of the library for each table
//! values     what its keys have
//! manifest   what is wrong in it, and where
//! keep       what is made, held against what is kept
//! orphans    what is kept of sources that are gone
//! report     what is said of it
//! ```
//!
//! [`skelgen::Builder`] compiles the C and writes the skeletons.

mod config;
mod keep;
mod manifest;
mod orphans;
mod packages;
mod report;
mod values;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::stop::Stop;
use packages::Package;
use report::Report;

/// Compiles a package's C to objects and skeletons inside it
///
/// Each source becomes an object and a skeleton beside it: src/bpf/counters.bpf.c
/// becomes src/bpf/counters.bpf.o and src/bpf/counters.skel.rs, which the crate
/// includes: `include!("bpf/counters.skel.rs");`. Files that are up to date are not
/// compiled or written again.
///
/// Without [package.metadata.skelgen] in Cargo.toml, the sources are
/// src/bpf/*.bpf.c.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, after_long_help = LONG_HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: packages::Select,
    /// Write nothing; report files that differ from what the sources generate
    #[arg(long)]
    check: bool,
    /// Remove the skeletons that no source makes any more
    #[arg(long, conflicts_with = "check")]
    prune: bool,
    /// Print the commands that run
    #[arg(short, long)]
    verbose: bool,
    /// Print lines of JSON (see JSON.md of cargo-skelgen)
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
--help describes the configuration and the exit statuses.";

const LONG_HELP: &str = r##"[package.metadata.skelgen] in Cargo.toml has the options of skelgen::Builder.
All are optional. Paths are relative to the package's folder. In sources and
objects, `*` matches any characters:
  sources = ["src/bpf/*.bpf.c"]    # C sources; this is the default
  objects = ["vendor/probe.bpf.o"] # compiled objects
  out-dir = "src/generated"        # default: beside the sources
  keep-objects = false             # keep only the skeletons
  includes = ["src/bpf/headers"]   # folders of headers
  defines = { MAX_CPUS = 64, DEBUG = true }
  flags = ["-Wall"]                # appended to clang's options
  clang = "clang-18"               # default: $CLANG, clang or clang-N
  target-cpu = "v3"
  vmlinux-h = "src/bpf/vmlinux_6.12.h"
  name = "traffic"                 # if there is one skeleton
  visibility = "pub(crate)"
  runtime-path = "crate::rt"
  min-kernel = "7.3"
  type-derive = { flow_key = "Eq, Hash", "*" = "zerocopy::FromBytes" }
  type-attribute = { event = "#[must_use]" }
  add-type = ["event"]
  opaque-type = ["huge"]
With [[package.metadata.skelgen]] there can be several tables, each for sources
of its own.

A skeleton in a folder of outputs that nothing here makes is named, as when its
source was removed; --prune removes it, with its image and object. It is one by
its first line. With --check it is a failure.

--check is for CI: what it compiles stays in the target folder. Another clang
makes other objects, so let `clang` name the one that all use, or keep none.

Examples:
  cargo skelgen build
  cargo skelgen build --workspace --check
  CLANG=clang-18 cargo skelgen build -p agent -v

Exit status: 0 if it succeeds (with --check: if all files match), 1 if not, 2 if
the command line is wrong."##;

/// Builds each package.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let selected = packages::selected(&args.select)?;
    let mut report = Report::new(args.json, args.verbose, args.check);
    let mut found = false;
    for package in &selected.packages {
        std::env::set_current_dir(&package.root).map_err(|error| Stop::Read(package.root.clone(), error))?;
        report.begin(package);
        let objects = selected.target.join("skelgen").join(package.folder());
        found |= build(args, package, &objects, &mut report)?;
    }
    if !found {
        let what = "nothing to build: no [package.metadata.skelgen] in Cargo.toml, and no src/bpf/*.bpf.c";
        return Err(Stop::Nothing(what.to_owned()));
    }
    report.finish()
}

/// Builds the package of the current folder; false if it has nothing to build.
fn build(args: &Args, package: &Package, objects: &Path, report: &mut Report) -> Result<bool, Stop> {
    let tables = match config::tables(package) {
        Ok(tables) => tables,
        Err(mistakes) => {
            mistakes.iter().try_for_each(|mistake| report.mistake(mistake)).map_err(Stop::Output)?;
            return Ok(true);
        }
    };
    let mut written: BTreeSet<PathBuf> = BTreeSet::new();
    let mut is_whole = true;
    for (index, table) in tables.iter().enumerate() {
        let builder = table.builder.clone().object_dir(objects.join(index.to_string()));
        let outputs = match builder.make(report) {
            Ok(outputs) => outputs,
            Err(error) => {
                report.failed(&error, Some(table)).map_err(Stop::Output)?;
                is_whole = false;
                continue;
            }
        };
        for output in outputs {
            if !written.insert(output.path.clone()) {
                report.twice(&output.path).map_err(Stop::Output)?;
                is_whole = false;
            } else if args.check {
                report.compared(&output, &keep::compare(&output)).map_err(Stop::Output)?;
            } else {
                match output.write() {
                    Ok(new) => report.written(&output, new).map_err(Stop::Output)?,
                    Err(error) => report.failed(&error, None).map_err(Stop::Output)?,
                }
            }
        }
    }
    // What a table that fails would have made is not known.
    if is_whole {
        for orphan in orphans::find(&written, &tables).map_err(|(folder, error)| Stop::Read(folder, error))? {
            if args.prune {
                fs::remove_file(&orphan).map_err(|error| Stop::Write(orphan.clone(), error))?;
            }
            report.orphaned(&orphan, args.prune).map_err(Stop::Output)?;
        }
    }
    Ok(!tables.is_empty())
}
