//! `check`: compares checked-in skeletons with their objects.

pub(crate) mod diff;
mod elide;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use skelgen::Skeleton;
use skelgen::emit::{self, Emission, Recipe};

use crate::failure::{Cause, Failure};
use crate::path::shown;
use crate::stop::Stop;
use crate::ui::style::{BAD, GOOD, NOTE};
use crate::{object, recipe, ui};

/// Compares checked-in skeletons with their objects
///
/// A skeleton matches if `cargo skelgen gen` writes the same bytes for the object,
/// with the options in the skeleton's second line. Otherwise the command prints a
/// diff, with long literals shortened, and the command that updates the skeleton.
///
/// You can pass several pairs of an object and its skeleton.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The compiled BPF object, and the file with its skeleton
    #[arg(required = true, num_args = 2.., value_names = ["OBJECT", "SKELETON"])]
    pairs: Vec<PathBuf>,
    /// Print a line of JSON for each pair (see JSON.md of cargo-skelgen)
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
rustfmt changes a skeleton like any other code; `#[rustfmt::skip] mod counters;`
keeps it as it is.

Examples:
  cargo skelgen check src/counters.bpf.o src/counters.rs
  cargo skelgen check a.bpf.o src/a.rs b.bpf.o src/b.rs

Exit status: 0 if all match, 1 if one does not or cannot be read or generated,
2 if the command line is wrong.";

/// Compares each pair.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let (pairs, rest) = args.pairs.as_chunks::<2>();
    if let [object] = rest {
        return Err(Stop::Usage(format!(
            "{}: no skeleton follows it; check takes pairs of an object and a skeleton",
            object.display()
        )));
    }
    let mut out = ui::out();
    let mut all_match = true;
    for [object, skeleton] in pairs {
        let pair = Pair::new(object, skeleton);
        let outcome = pair.compare();
        all_match &= matches!(outcome, Outcome::Same);
        if args.json { pair.json(&outcome, &mut out) } else { pair.text(&outcome, &mut out) }.map_err(Stop::Output)?;
    }
    out.flush().map_err(Stop::Output)?;
    Ok(if all_match { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The result of a comparison.
enum Outcome {
    Same,
    /// The unified diff.
    Different(String),
    /// The skeleton cannot be read.
    Unreadable(io::Error),
    /// The skeleton records options that this version does not know.
    Options(String),
    /// The generator refuses the object.
    Failed(Failure),
}

/// An object and its checked-in skeleton.
struct Pair<'a> {
    object: &'a Path,
    skeleton: &'a Path,
    kept: io::Result<Vec<u8>>,
    /// The options that the skeleton records.
    recipe: Result<Recipe, String>,
}

impl<'a> Pair<'a> {
    fn new(object: &'a Path, skeleton: &'a Path) -> Self {
        let kept = fs::read(skeleton);
        let recipe = kept.as_ref().map(|kept| recipe::of_text(&String::from_utf8_lossy(kept)));
        Pair { object, skeleton, recipe: recipe.unwrap_or_else(|_| Ok(Recipe::default())), kept }
    }

    fn compare(&self) -> Outcome {
        let recipe = match &self.recipe {
            Ok(recipe) => recipe,
            Err(why) => return Outcome::Options(why.clone()),
        };
        let made = match object::read(self.object, &recipe.plan_options()) {
            Ok(made) => made,
            Err(failure) => return Outcome::Failed(failure),
        };
        let source = match source(&made, recipe) {
            Ok(source) => source,
            Err(cause) => return Outcome::Failed(Failure::new(self.object, cause)),
        };
        let kept = match &self.kept {
            Ok(kept) => kept,
            Err(error) => return Outcome::Unreadable(io::Error::new(error.kind(), error.to_string())),
        };
        let mut diff = String::new();
        let generated = format!("generated from {}", self.object.display());
        if *kept != source.as_bytes() {
            let names = (self.skeleton.to_string_lossy(), generated.as_str());
            diff += &diff::text(&String::from_utf8_lossy(kept), &source, (&names.0, names.1));
        }
        if let Some(image) = recipe.image.as_ref().map(|image| self.skeleton.with_file_name(image)) {
            match fs::read(&image) {
                Ok(kept) if kept == *made.loader.image_at_rest() => {}
                Ok(_) => diff += &diff::binary(&image.to_string_lossy(), &generated),
                Err(error) => return Outcome::Unreadable(error),
            }
        }
        if diff.is_empty() { Outcome::Same } else { Outcome::Different(diff) }
    }
}

/// Generates the skeleton. Its options may name types that belong to other skeletons of the same build.
fn source(made: &Skeleton, recipe: &Recipe) -> Result<String, Cause> {
    let options = recipe.options().map_err(|mistakes| Cause::Asked(recipe::sentence(&mistakes)))?;
    let written = emit::emission(made, &options).and_then(|Emission { tokens, .. }| emit::file(made, &options, tokens));
    written.map_err(Cause::Generate)
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    object: &'a str,
    skeleton: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    options: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regenerate: Option<String>,
}

impl Pair<'_> {
    /// The options, as on a command line.
    fn options(&self) -> String {
        self.recipe.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn text(&self, outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
        let (skeleton, object) = (shown(self.skeleton), shown(self.object));
        match outcome {
            Outcome::Same => return writeln!(out, "{GOOD}OK{GOOD:#}   {skeleton}  ({object})"),
            Outcome::Different(diff) => {
                writeln!(out, "{BAD}FAIL{BAD:#} {skeleton}: differs from what {object} generates")?;
                diff::coloured(diff, out)?;
            }
            Outcome::Unreadable(error) => writeln!(out, "{BAD}FAIL{BAD:#} {skeleton}: cannot read it: {error}")?,
            Outcome::Options(why) => {
                return writeln!(out, "{BAD}FAIL{BAD:#} {skeleton}: cannot read its options: {}", ui::plain(why));
            }
            Outcome::Failed(failure) => {
                let columns = ui::columns(io::stdout());
                failure.tell_sentence(out, columns)?;
                return failure.tell_details(out, false, columns);
            }
        }
        writeln!(out, "  {NOTE}help:{NOTE:#} {}", ui::plain(&self.regenerate()))
    }

    fn json(&self, outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
        let regenerate = Some(self.regenerate());
        let (error, diff, regenerate) = match outcome {
            Outcome::Same => (None, None, None),
            Outcome::Different(diff) => (
                Some(format!("differs from what {} generates", self.object.display())),
                Some(diff.as_str()),
                regenerate,
            ),
            Outcome::Unreadable(error) => (Some(format!("cannot read it: {error}")), None, regenerate),
            Outcome::Options(why) => (Some(format!("cannot read its options: {why}")), None, None),
            Outcome::Failed(failure) => (Some(failure.to_string()), None, None),
        };
        let line = Line {
            schema: 1,
            object: &self.object.to_string_lossy(),
            skeleton: &self.skeleton.to_string_lossy(),
            options: self.options(),
            ok: matches!(outcome, Outcome::Same),
            error,
            diff,
            regenerate,
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)
    }

    /// The command that updates the skeleton.
    fn regenerate(&self) -> String {
        let options = self.options();
        let space = if options.is_empty() { "" } else { " " };
        format!("cargo skelgen gen {}{space}{options} -o {}", self.object.display(), self.skeleton.display())
    }
}
