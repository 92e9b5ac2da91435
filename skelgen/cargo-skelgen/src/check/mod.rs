//! `check`: whether skeletons that are kept in the tree are what their objects make.

mod elide;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use similar::TextDiff;
use skelgen::emit::Options;

use crate::failure::{Cause, Failure};
use crate::stop::Stop;
use crate::ui::style::{BAD, GOOD, NOTE};
use crate::{object, ui};

/// Compares checked-in skeletons with what their objects make
///
/// A skeleton matches if it is, byte for byte, what `cargo skelgen gen` writes for
/// the object. What differs is shown as a diff, with long literals cut short, and
/// so is the command that makes it anew.
///
/// Several pairs of an object and its skeleton may follow each other.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// A compiled BPF object, and the file with its skeleton
    #[arg(required = true, num_args = 2.., value_names = ["OBJECT", "SKELETON"])]
    pairs: Vec<PathBuf>,
    /// The skeleton's name, if it was generated with one; for a single pair
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// A line of JSON for each pair (see JSON.md of cargo-skelgen)
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
rustfmt changes a skeleton like any other code; `#[rustfmt::skip] mod counters;`
keeps it as it is.

Examples:
  cargo skelgen check src/counters.bpf.o src/counters.rs
  cargo skelgen check a.bpf.o src/a.rs b.bpf.o src/b.rs
  cargo skelgen check build/prog.o src/counters.rs --name Counters

Exit status: 0 if all match, 1 if one does not or cannot be read or generated,
2 if the command line is wrong.";

/// Compares each pair.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let (pairs, rest) = args.pairs.as_chunks::<2>();
    if let [object] = rest {
        return Err(Stop::Usage(format!("{}: its skeleton is missing: check takes pairs", object.display())));
    }
    if args.name.is_some() && pairs.len() > 1 {
        return Err(Stop::Usage(format!("--name is the name of one skeleton, and there are {}", pairs.len())));
    }
    let mut out = ui::out();
    let mut all_match = true;
    for [object, skeleton] in pairs {
        let outcome = compare(object, skeleton, args.name.as_deref());
        all_match &= matches!(outcome, Outcome::Same);
        let pair = Pair { object, skeleton, name: args.name.as_deref() };
        if args.json { pair.json(&outcome, &mut out) } else { pair.text(&outcome, &mut out) }.map_err(Stop::Output)?;
    }
    out.flush().map_err(Stop::Output)?;
    Ok(if all_match { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a comparison came to.
enum Outcome {
    Same,
    /// The unified diff.
    Different(String),
    /// The skeleton cannot be read.
    Unreadable(io::Error),
    /// The object makes none.
    Failed(Failure),
}

fn compare(object: &Path, skeleton: &Path, name: Option<&str>) -> Outcome {
    let options = Options { name: name.map(str::to_owned), ..Options::default() };
    let made = object::read(object)
        .and_then(|made| made.source(&options).map_err(|error| Failure::new(object, Cause::Generate(error))));
    let made = match made {
        Ok(made) => made,
        Err(failure) => return Outcome::Failed(failure),
    };
    match fs::read(skeleton) {
        Ok(kept) if kept == made.as_bytes() => Outcome::Same,
        Ok(kept) => Outcome::Different(diff(&String::from_utf8_lossy(&kept), &made, skeleton, object)),
        Err(error) => Outcome::Unreadable(error),
    }
}

/// From what is kept to what the object makes.
fn diff(kept: &str, made: &str, skeleton: &Path, object: &Path) -> String {
    let (kept, made) = (elide::long_literals(kept), elide::long_literals(made));
    let header = (skeleton.display().to_string(), format!("generated from {}", object.display()));
    TextDiff::from_lines(&kept, &made).unified_diff().header(&header.0, &header.1).to_string()
}

/// An object, its skeleton, and the latter's name.
struct Pair<'a> {
    object: &'a Path,
    skeleton: &'a Path,
    name: Option<&'a str>,
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    object: &'a str,
    skeleton: &'a str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regenerate: Option<String>,
}

impl Pair<'_> {
    fn text(&self, outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
        let (skeleton, object) = (self.skeleton.display(), self.object.display());
        match outcome {
            Outcome::Same => return writeln!(out, "{GOOD}OK{GOOD:#}   {skeleton}  ({object})"),
            Outcome::Different(diff) => {
                writeln!(out, "{BAD}FAIL{BAD:#} {skeleton}: not what {object} makes")?;
                coloured(diff, out)?;
            }
            Outcome::Unreadable(error) => writeln!(out, "{BAD}FAIL{BAD:#} {skeleton}: cannot read it: {error}")?,
            Outcome::Failed(failure) => {
                failure.tell_sentence(out)?;
                return failure.tell_details(out, false);
            }
        }
        writeln!(out, "  {NOTE}help:{NOTE:#} {}", self.regenerate())
    }

    fn json(&self, outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
        let regenerate = Some(self.regenerate());
        let (error, diff, regenerate) = match outcome {
            Outcome::Same => (None, None, None),
            Outcome::Different(diff) => {
                (Some(format!("not what {} makes", self.object.display())), Some(diff.as_str()), regenerate)
            }
            Outcome::Unreadable(error) => (Some(format!("cannot read it: {error}")), None, regenerate),
            Outcome::Failed(failure) => (Some(failure.to_string()), None, None),
        };
        let line = Line {
            schema: 1,
            object: &self.object.to_string_lossy(),
            skeleton: &self.skeleton.to_string_lossy(),
            ok: matches!(outcome, Outcome::Same),
            error,
            diff,
            regenerate,
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)
    }

    /// The command that makes the skeleton anew.
    fn regenerate(&self) -> String {
        let name = self.name.map(|name| format!(" --name {name}")).unwrap_or_default();
        format!("cargo skelgen gen {}{name} -o {}", self.object.display(), self.skeleton.display())
    }
}

fn coloured(diff: &str, out: &mut impl Write) -> io::Result<()> {
    diff.lines().try_for_each(|line| {
        let style = match line.bytes().next() {
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            Some(b'@') => NOTE,
            _ => return writeln!(out, "{line}"),
        };
        writeln!(out, "{style}{line}{style:#}")
    })
}
