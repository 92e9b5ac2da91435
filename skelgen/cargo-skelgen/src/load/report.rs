//! The output of `load` for each object: a line of text, or of JSON.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::steps::Carried;
use crate::failure::{Cause, Failure, for_command};
use crate::path::shown;
use crate::ui::style::GOOD;
use crate::ui::{self, count};

/// The loaded parts of an object.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    /// The number of created maps, with data sections.
    pub(super) maps: usize,
    /// The number of loaded programs.
    pub(super) programs: usize,
    /// The number of programs that were left out.
    pub(super) autoload_off: usize,
    /// The form of programs, if there are per-CPU variables.
    pub(super) percpu: Option<&'static str>,
}

/// Lines on standard output, in colour on a terminal.
pub(super) struct Report {
    out: ui::Out,
    json: bool,
    /// With the steps, and the whole verifier log.
    verbose: bool,
}

impl Report {
    pub(super) fn new(json: bool, verbose: bool) -> Self {
        Report { out: ui::out(), json, verbose }
    }

    /// `OK   counters.bpf.o  (5 maps, 3 programs, lowered)`, and the steps below.
    pub(super) fn ok(&mut self, path: &Path, summary: &Summary, plan: &[Carried]) -> io::Result<()> {
        let plan = if self.verbose { plan } else { &[] };
        if self.json {
            return self.line(&OkLine { schema: SCHEMA, object: &path.to_string_lossy(), ok: true, summary, plan });
        }
        let Summary { maps, programs, autoload_off, percpu } = summary;
        let (maps, programs) = (count(*maps, "map"), count(*programs, "program"));
        write!(self.out, "{GOOD}OK{GOOD:#}   {}  ({maps}, {programs}", shown(path))?;
        if *autoload_off > 0 {
            write!(self.out, ", {autoload_off} with autoload off")?;
        }
        if let Some(how) = percpu {
            write!(self.out, ", {how}")?;
        }
        writeln!(self.out, ")")?;
        self.steps(plan)
    }

    /// `FAIL x.bpf.o: load program on_exec: EACCES: Permission denied`, the steps and details below.
    pub(super) fn failed(&mut self, failure: &Failure, plan: &[Carried]) -> io::Result<()> {
        let plan = if self.verbose { plan } else { &[] };
        if self.json {
            return self.line(&FailLine { plan, ..FailLine::of(failure) });
        }
        let columns = ui::columns(io::stdout());
        failure.tell_sentence(&mut self.out, columns)?;
        self.steps(plan)?;
        failure.tell_details(&mut self.out, self.verbose, columns)
    }

    fn steps(&mut self, plan: &[Carried]) -> io::Result<()> {
        let columns = ui::columns(io::stdout());
        plan.iter().try_for_each(|step| writeln!(self.out, "{}", step.line(columns)))
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        writeln!(self.out)
    }
}

/// The version of the JSON.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct OkLine<'a> {
    schema: u32,
    object: &'a str,
    ok: bool,
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    plan: &'a [Carried],
}

/// Unknown facts of a failure are left out.
#[derive(Default, Serialize)]
struct FailLine<'a> {
    schema: u32,
    object: String,
    ok: bool,
    /// `read`, `generate` or `load`.
    stage: &'static str,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    /// The map, program, function or variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    plan: &'a [Carried],
}

/// A line of the source.
#[derive(Serialize)]
struct Source<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    text: &'a str,
}

impl<'a> FailLine<'a> {
    fn of(failure: &'a Failure) -> Self {
        let source = failure.place.as_ref().map(|place| &place.source);
        let line = FailLine {
            schema: SCHEMA,
            object: failure.path.to_string_lossy().into_owned(),
            error: failure.sentence(),
            instruction: failure.place.as_ref().map(|place| place.insn),
            source: source.map(|line| Source {
                file: &line.file,
                line: line.line,
                column: line.column,
                text: &line.text,
            }),
            notes: &failure.notes,
            ..FailLine::default()
        };
        match &failure.cause {
            Cause::Read(error) => FailLine { stage: "read", errno: error.raw_os_error(), ..line },
            Cause::Generate(error) => {
                FailLine { stage: "generate", section: error.section(), subject: error.symbol(), ..line }
            }
            Cause::Asked(_) => FailLine { stage: "ask", ..line },
            Cause::Load(error) => FailLine {
                stage: "load",
                step: Some(error.operation()),
                subject: error.subject_name(),
                errno: error.errno().map(|errno| errno.number()),
                log: error.verifier_log(),
                hint: error.hint_text().map(for_command),
                ..line
            },
        }
    }
}
