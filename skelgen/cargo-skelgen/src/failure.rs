//! Failures of an object: one sentence, and details.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use skelgen::plan::Step;
use skelgen::{Skeleton, SourceLine, printable};
use skelgen_runtime::{Errno, Error};

use crate::path::{file_name, shown};
use crate::ui::style::{BAD, DIM, NOTE, SOURCE};
use crate::ui::{count, fold, plain};
use crate::verifier;

/// The indentation of the second line of a hint or note.
const BELOW: &str = "        ";

/// Why an object failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    pub(crate) cause: Cause,
    pub(crate) place: Option<Box<Place>>,
    pub(crate) notes: Vec<String>,
}

/// The error, by the stage that failed.
#[derive(Debug)]
pub(crate) enum Cause {
    Read(io::Error),
    Generate(skelgen::Error),
    Load(Error),
    /// The object lacks what the command line names.
    Asked(String),
}

/// The source line of a failure.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) source: SourceLine,
    /// The instruction's slot in the program, or in the function if the generator refuses the object.
    pub(crate) insn: usize,
}

impl Failure {
    pub(crate) fn new(path: &Path, cause: Cause) -> Self {
        let place = match &cause {
            Cause::Generate(error) => error.source_line().cloned().zip(error.insn()),
            _ => None,
        };
        let place = place.map(|(source, insn)| Place { source, insn }.into());
        Failure { path: path.to_owned(), cause, place, notes: Vec::new() }
    }

    /// A failure of the load of `skeleton`.
    pub(crate) fn load(path: &Path, error: Error, skeleton: &Skeleton) -> Self {
        let place = rejected(&error, skeleton).map(Box::new);
        Failure { place, ..Failure::new(path, Cause::Load(error)) }
    }

    /// Notes about the object, related to the failure or not.
    pub(crate) fn with_notes(self, notes: Vec<String>) -> Self {
        Failure { notes, ..self }
    }

    /// What failed and why, in one line.
    pub(crate) fn sentence(&self) -> String {
        let error = match &self.cause {
            Cause::Read(error) => return format!("cannot read it: {error}"),
            Cause::Generate(error) => error.to_string(),
            Cause::Load(error) => for_command(error.to_string().lines().next().unwrap_or_default()),
            Cause::Asked(why) => return why.clone(),
        };
        // Both begin with the object's name. The line already begins with the path that the user wrote.
        let line = error.lines().next().unwrap_or_default();
        let name = file_name(&self.path);
        // In the generator's errors the name is already printable.
        let line =
            line.strip_prefix(&*printable(&name)).filter(|rest| rest.starts_with(": ")).map_or(line, |rest| &rest[2..]);
        line.strip_prefix(&*name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(line).to_owned()
    }

    /// Writes `FAIL x.bpf.o: sentence`, in lines of so many `columns`.
    pub(crate) fn tell_sentence(&self, out: &mut impl Write, columns: Option<usize>) -> io::Result<()> {
        writeln!(out, "{BAD}FAIL{BAD:#} {}", fold(&plain(&self.to_string()), 5, "     ", columns))
    }

    /// Writes the details below the sentence, in lines of so many `columns`: the source line, the verifier log or its end, a hint
    /// and notes.
    pub(crate) fn tell_details(&self, out: &mut impl Write, whole_log: bool, columns: Option<usize>) -> io::Result<()> {
        if let Some(Place { source, insn }) = self.place.as_deref() {
            writeln!(out, "  {NOTE}-->{NOTE:#} {source} (insn {insn})")?;
            if !source.text.is_empty() {
                writeln!(out, "      {SOURCE}{}{SOURCE:#}", source.text)?;
            }
        }
        let Cause::Load(error) = &self.cause else { return self.tell_notes(out, columns) };
        if let Some(log) = error.verifier_log() {
            let lines = if whole_log { log.lines().collect() } else { verifier::end(log) };
            let all = log.lines().count();
            let reason = verifier::reason(&lines);
            for (index, line) in lines.iter().enumerate() {
                let style = match () {
                    () if verifier::is_source(line) => SOURCE,
                    () if reason == Some(index) => BAD,
                    () => DIM,
                };
                // Register states are one long word.
                let columns = columns.filter(|_| reason == Some(index)).map(|columns| columns.saturating_sub(4));
                let line = fold(line, 0, "    ", columns);
                line.lines().try_for_each(|line| writeln!(out, "  | {style}{line}{style:#}"))?;
            }
            if lines.len() < all {
                writeln!(out, "  | {DIM}(the end of {}; -v shows them all){DIM:#}", count(all, "line"))?;
            }
        }
        if let Some(hint) = error.hint_text().map(for_command) {
            writeln!(out, "  {NOTE}hint:{NOTE:#} {}", fold(&plain(&hint), 8, BELOW, columns))?;
        }
        self.tell_notes(out, columns)
    }

    fn tell_notes(&self, out: &mut impl Write, columns: Option<usize>) -> io::Result<()> {
        let tell = |note: &String| writeln!(out, "  {NOTE}note:{NOTE:#} {}", fold(&plain(note), 8, BELOW, columns));
        self.notes.iter().try_for_each(tell)
    }

    /// The reason why no object can be loaded, if the kernel rejected the loader itself.
    pub(crate) fn forbids_all(&self) -> Option<&str> {
        let Cause::Load(error) = &self.cause else { return None };
        if error.subject_name() != Some("of the loader") {
            return None;
        }
        let refused = matches!(error.errno(), Some(Errno::EPERM | Errno::EACCES | Errno::ENOSYS));
        error.reason().or(error.hint_text().filter(|_| refused))
    }
}

/// Rewrites a message of the runtime for the command line: it names the command's options instead of the runtime's
/// methods.
pub(crate) fn for_command(text: &str) -> String {
    /// Phrases of the runtime, and the options that do the same. The first match counts: `set_kconfig()` takes a whole
    /// configuration or one option.
    const OPTIONS: [(&str, &str); 5] = [
        ("set_kconfig() says what", "--kconfig FILE says what"),
        ("what set_kconfig() was given", "what --kconfig or --set-kconfig was given"),
        ("set_kconfig()", "--set-kconfig"),
        ("set_autoload(false)", "--no-autoload"),
        ("set_autoload(true)", "--autoload"),
    ];
    /// Methods without an option.
    const METHODS: [&str; 3] = ["set_prog_type", "set_attach_target", "set_inner_map"];
    let mut text = OPTIONS.iter().fold(text.to_owned(), |text, (method, option)| text.replace(method, option));
    if METHODS.iter().any(|method| text.contains(method)) {
        text.push_str(" (a method for code; this command has no option for it)");
    }
    text
}

/// The source line of a program that the verifier rejected.
fn rejected(error: &Error, skeleton: &Skeleton) -> Option<Place> {
    let insn = verifier::insn(error.verifier_log()?)?;
    let step = skeleton.plan.steps.get(error.step()?)?;
    let Step::LoadProgram { program, image, .. } = step else { return None };
    let program = skeleton.plan.program(*program).image(*image);
    let line = program.line_info.iter().take_while(|line| line.insn <= insn).last()?;
    let source = SourceLine::new(&skeleton.object.btf, line.file, line.line, line.line_col);
    Some(Place { source, insn })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown(&self.path), self.sentence())
    }
}
