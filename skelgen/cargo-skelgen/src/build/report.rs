//! The output of a build: progress in cargo's style goes to standard error; results of `--check`, and JSON, to standard output.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anstream::adapter::strip_str;
use serde::Serialize;
use skelgen::{BuildError, Listener, Output, OutputKind};

use super::config::Table;
use super::keep::Kept;
use super::manifest::Mistake;
use super::packages::Package;
use crate::check::diff;
use crate::stop::{self, Stop};
use crate::ui::style::{BAD, GOOD, NOTE, SOURCE};
use crate::ui::{self, count};

/// The version of the JSON.
const SCHEMA: u32 = 1;

/// The output so far.
pub(super) struct Report {
    out: ui::Out,
    json: bool,
    verbose: bool,
    check: bool,
    package: String,
    /// The package's folder, relative to the folder where the command was called.
    folder: PathBuf,
    skeletons: usize,
    /// The number of files that differ.
    changed: usize,
    failed: bool,
    /// The first error when writing to standard output.
    unheard: Option<io::Error>,
    /// The sources that were compiled.
    compiled: BTreeSet<PathBuf>,
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    package: &'a str,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
enum Event<'a> {
    Compile {
        source: &'a str,
    },
    Run {
        command: Vec<String>,
    },
    Warning {
        source: &'a str,
        message: &'a str,
    },
    Error {
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        place: Option<Place<'a>>,
    },
    File {
        path: &'a str,
        kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        diff: Option<&'a str>,
    },
}

#[derive(Serialize)]
struct Place<'a> {
    file: String,
    line: usize,
    column: usize,
    text: &'a str,
}

impl Report {
    pub(super) fn new(json: bool, verbose: bool, check: bool) -> Self {
        Report {
            out: ui::out(),
            json,
            verbose,
            check,
            package: String::new(),
            folder: PathBuf::new(),
            skeletons: 0,
            changed: 0,
            failed: false,
            unheard: None,
            compiled: BTreeSet::new(),
        }
    }

    /// Begins the output about this package.
    pub(super) fn begin(&mut self, package: &Package) {
        (self.package, self.folder) = (package.name.clone(), package.shown.clone());
        self.compiled.clear();
    }

    fn line(&mut self, event: Event<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, &Line { schema: SCHEMA, package: &self.package, event })?;
        writeln!(self.out)
    }

    /// Prints a line of JSON, if JSON is on. An error is kept for the end, because the caller cannot return it.
    fn heard(&mut self, event: Event<'_>) {
        if self.json {
            let said = self.line(event);
            self.unheard = self.unheard.take().or(said.err());
        }
    }

    fn shown(&self, path: &Path) -> String {
        self.folder.join(path).display().to_string()
    }

    /// Prints the mistakes in a manifest.
    pub(super) fn mistake(&mut self, mistake: &Mistake) -> io::Result<()> {
        self.failed = true;
        let Mistake { what, path, line, column, text } = mistake;
        let path = path.display().to_string();
        if self.json {
            let place = Place { file: path, line: *line, column: *column, text };
            return self.line(Event::Error { message: what.clone(), place: Some(place).filter(|_| *line > 0) });
        }
        stop::tell(format_args!("{path}: {what}"));
        if *line == 0 {
            return Ok(());
        }
        let (path, text) = (ui::plain(&path), ui::plain(text));
        let mut err = ui::err();
        writeln!(err, "  {NOTE}-->{NOTE:#} {path}:{line}:{column}\n      {SOURCE}{text}{SOURCE:#}")
    }

    /// Prints a builder's error. Of an option, `table` knows where it stands.
    pub(super) fn failed(&mut self, error: &BuildError, table: Option<&Table>) -> io::Result<()> {
        self.failed = true;
        for (cause, option) in error.causes_with_options() {
            let text = cause.to_string();
            let mistake = option.zip(table).and_then(|(option, table)| table.mistake(option, text.clone()));
            if let Some(mistake) = mistake {
                self.mistake(&mistake)?;
                continue;
            }
            if self.json {
                let message = strip_str(&text).to_string();
                self.line(Event::Error { message, place: None })?;
                continue;
            }
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            stop::tell(first);
            let mut err = ui::err();
            for line in rest.lines() {
                match line.strip_prefix("hint: ") {
                    Some(hint) => writeln!(err, "  {NOTE}hint:{NOTE:#} {hint}")?,
                    None => writeln!(err, "{line}")?,
                }
            }
        }
        Ok(())
    }

    /// Prints that two tables write the same file.
    pub(super) fn twice(&mut self, path: &Path) -> io::Result<()> {
        self.failed = true;
        let message = format!("two tables write {}: give one of them a name or an out-dir", self.shown(path));
        if self.json {
            return self.line(Event::Error { message, place: None });
        }
        stop::tell(message);
        Ok(())
    }

    /// A file is kept that nothing makes.
    pub(super) fn orphaned(&mut self, path: &Path, removed: bool) -> io::Result<()> {
        self.failed |= self.check;
        let path = self.shown(path);
        if self.json {
            let kind = match path.as_str() {
                path if path.ends_with(".skel.image") => "image",
                path if path.ends_with(".o") => "object",
                _ => "skeleton",
            };
            let outcome = if removed { "removed" } else { "orphaned" };
            return self.line(Event::File { path: &path, kind, from: None, outcome, diff: None });
        }
        match (self.check, removed) {
            (true, _) => writeln!(self.out, "{BAD}FAIL{BAD:#} {}: no source makes it", ui::plain(&path)),
            (false, true) => {
                ui::status("Removed", path);
                Ok(())
            }
            (false, false) => {
                ui::status("Orphaned", format_args!("{path}: no source makes it; --prune removes it"));
                Ok(())
            }
        }
    }

    /// Prints that a file was written, or was up to date.
    pub(super) fn written(&mut self, output: &Output, new: bool) -> io::Result<()> {
        self.counted(output, new);
        if self.json {
            return self.file(output, if new { "written" } else { "fresh" }, None);
        }
        // The object's compilation was already printed.
        let told =
            output.kind == OutputKind::Object && output.from.as_ref().is_some_and(|from| self.compiled.contains(from));
        if new && !told {
            let verb = if output.kind == OutputKind::Object { "Writing" } else { "Generating" };
            ui::status(verb, self.shown(&output.path));
        }
        Ok(())
    }

    /// Prints the result of a comparison.
    pub(super) fn compared(&mut self, output: &Output, kept: &Kept) -> io::Result<()> {
        self.counted(output, !matches!(kept, Kept::Same));
        self.failed |= !matches!(kept, Kept::Same);
        if self.json {
            return match kept {
                Kept::Same => self.file(output, "same", None),
                Kept::Missing => self.file(output, "missing", None),
                Kept::Different(diff) => self.file(output, "different", Some(diff)),
                Kept::Unreadable(error) => self.file(output, "unreadable", Some(&error.to_string())),
            };
        }
        let path = ui::plain(&self.shown(&output.path));
        let from = output.from.as_ref().map(|from| ui::plain(&self.shown(from))).unwrap_or_default();
        match kept {
            Kept::Same => writeln!(self.out, "{GOOD}OK{GOOD:#}   {path}"),
            Kept::Missing => writeln!(self.out, "{BAD}FAIL{BAD:#} {path}: missing; {from} generates it"),
            Kept::Unreadable(error) => writeln!(self.out, "{BAD}FAIL{BAD:#} {path}: cannot read it: {error}"),
            Kept::Different(diff) => {
                writeln!(self.out, "{BAD}FAIL{BAD:#} {path}: differs from what {from} generates")?;
                match output.kind {
                    OutputKind::Skeleton | OutputKind::Includes => diff::coloured(diff, &mut self.out),
                    _ => diff.lines().try_for_each(|line| writeln!(self.out, "  {}", ui::plain(line))),
                }
            }
        }
    }

    fn counted(&mut self, output: &Output, changed: bool) {
        self.skeletons += usize::from(output.kind == OutputKind::Skeleton);
        self.changed += usize::from(changed);
    }

    fn file(&mut self, output: &Output, outcome: &'static str, diff: Option<&str>) -> io::Result<()> {
        let kind = match output.kind {
            OutputKind::Object => "object",
            OutputKind::Image => "image",
            OutputKind::Skeleton => "skeleton",
            _ => "includes",
        };
        let from = output.from.as_ref().map(|from| self.shown(from));
        let path = self.shown(&output.path);
        self.line(Event::File { path: &path, kind, from, outcome, diff })
    }

    /// Prints the last line, and returns the exit status.
    pub(super) fn finish(mut self) -> Result<ExitCode, Stop> {
        if let Some(error) = self.unheard {
            return Err(Stop::Output(error));
        }
        if !self.json && self.check && self.changed > 0 {
            writeln!(self.out, "  {NOTE}help:{NOTE:#} cargo skelgen build").map_err(Stop::Output)?;
        }
        self.out.flush().map_err(Stop::Output)?;
        if self.failed {
            return Ok(ExitCode::FAILURE);
        }
        if !self.json {
            let new = match self.changed {
                _ if self.check => "all up to date".to_owned(),
                0 => "all up to date".to_owned(),
                changed => format!("{} written", count(changed, "file")),
            };
            ui::status("Finished", format_args!("{}, {new}", count(self.skeletons, "skeleton")));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Listener for Report {
    fn compiles(&mut self, source: &Path) {
        let shown = self.shown(source);
        self.compiled.insert(source.to_owned());
        if !self.json {
            ui::status("Compiling", &shown);
        }
        self.heard(Event::Compile { source: &shown });
    }

    fn runs(&mut self, command: &Command) {
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        if self.verbose && !self.json {
            let words: Vec<_> = words.iter().map(|word| shlex::try_quote(word).unwrap_or_default()).collect();
            ui::status("Running", format_args!("`{}`", words.join(" ")));
        }
        self.heard(Event::Run { command: words.into_iter().map(Into::into).collect() });
    }

    fn warns(&mut self, source: &Path, said: &str) {
        if !self.json {
            // If standard error cannot be written, there is no other place for the warning.
            let _ = write!(ui::err(), "{said}");
        }
        let (source, said) = (self.shown(source), strip_str(said).to_string());
        self.heard(Event::Warning { source: &source, message: &said });
    }
}
