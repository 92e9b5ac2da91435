//! What can be wrong with an object: one sentence, and what there is to say besides.

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

/// What stands before the second line of a hint or a note.
const BELOW: &str = "        ";

/// Why nothing can be made of an object.
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
    /// It has not what the user asked for.
    Asked(String),
}

/// Where in the source it failed.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) source: SourceLine,
    /// The instruction, counted from the start of the program, or of the function if the generator refuses it.
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

    /// What there is to know of the object, whether or not it explains this.
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
        // Both begin with the object's name, which stands before the sentence already, as the user wrote it.
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

    /// Writes what stands below the sentence: the line of source, the end of the verifier's log or all of it, a hint,
    /// and notes, in lines of so many `columns`.
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
                // What is shown of registers is one long word.
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

    /// Why no object at all can be loaded, if that is what this failure says: the kernel refused the loader itself.
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
    /// Words of the runtime, and the options that do the same. The first match counts: `set_kconfig()` takes the text of a
    /// whole configuration, or one option of it.
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
        text.push_str(" (methods are for code; this command has no option for them)");
    }
    text
}

/// Where in its source the program is that the verifier has rejected.
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
