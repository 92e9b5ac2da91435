//! What `load` says of each object: a line for people, or one of JSON.

use std::io::{self, StdoutLock, Write};
use std::path::Path;

use anstream::AutoStream;
use serde::Serialize;

use crate::failure::{Cause, Failure};
use crate::ui;
use crate::ui::style::{BAD, GOOD};

/// What was loaded of an object.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    /// Maps, data sections among them.
    pub(crate) maps: usize,
    /// Programs that were loaded.
    pub(crate) programs: usize,
    /// Programs that were not, as nobody asked for them.
    pub(crate) autoload_off: usize,
    /// How programs get at per-CPU variables, if there are any.
    pub(crate) percpu: Option<&'static str>,
}

/// Lines on standard output, coloured where that is a terminal.
pub(crate) struct Report {
    out: AutoStream<StdoutLock<'static>>,
    json: bool,
    whole_log: bool,
}

impl Report {
    pub(crate) fn new(json: bool, whole_log: bool) -> Self {
        Report { out: ui::out(), json, whole_log }
    }

    /// `OK   counters.bpf.o  (5 maps, 3 programs, lowered)`
    pub(crate) fn ok(&mut self, path: &Path, summary: &Summary) -> io::Result<()> {
        if self.json {
            return self.line(&OkLine { object: &path.to_string_lossy(), ok: true, summary });
        }
        let Summary { maps, programs, autoload_off, percpu } = summary;
        let (s_maps, s_programs) = (plural(*maps), plural(*programs));
        write!(self.out, "{GOOD}OK{GOOD:#}   {}  ({maps} map{s_maps}, {programs} program{s_programs}", path.display())?;
        if *autoload_off > 0 {
            write!(self.out, ", {autoload_off} with autoload off")?;
        }
        if let Some(how) = percpu {
            write!(self.out, ", {how}")?;
        }
        writeln!(self.out, ")")
    }

    /// `FAIL x.bpf.o: load program on_exec: EACCES: Permission denied`, and details below.
    pub(crate) fn failed(&mut self, failure: &Failure) -> io::Result<()> {
        if self.json {
            return self.line(&FailLine::of(failure));
        }
        writeln!(self.out, "{BAD}FAIL{BAD:#} {failure}")?;
        failure.details(self.whole_log).iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        writeln!(self.out)
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[derive(Serialize)]
struct OkLine<'a> {
    object: &'a str,
    ok: bool,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// What is not known of a failure is not there.
#[derive(Default, Serialize)]
struct FailLine<'a> {
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
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl<'a> FailLine<'a> {
    fn of(failure: &'a Failure) -> Self {
        let line = FailLine {
            object: failure.path.to_string_lossy().into_owned(),
            error: failure.sentence(),
            ..FailLine::default()
        };
        match &failure.cause {
            Cause::Read(error) => FailLine { stage: "read", errno: error.raw_os_error(), ..line },
            Cause::Generate(error) => {
                FailLine { stage: "generate", section: error.section(), subject: error.symbol(), ..line }
            }
            Cause::Asked(_) => line,
            Cause::Load(error) => FailLine {
                stage: "load",
                step: Some(error.operation()),
                subject: error.subject_name(),
                errno: error.errno().map(|errno| errno.number()),
                log: error.verifier_log(),
                hint: error.hint_text(),
                ..line
            },
        }
    }
}
