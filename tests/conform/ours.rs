//! skelgen: the generator and the runtime, as `cargo skelgen load` puts them together.

use std::os::fd::AsFd;
use std::path::Path;
use std::{fs, io};

use skelgen::Skeleton;
use skelgen::describe::Description;
use skelgen_runtime::{Loaded, Map, ObjectDesc, Opened, Program, Result, StructOps};

use crate::libbpf::{LACKING, last_words};
use crate::outcome::{Outcome, Refusal, Stage};
use crate::snapshot::{Registered, SCHEDULER, Snapshot};

/// The object's skeleton.
pub(crate) fn open(path: &Path) -> std::result::Result<Skeleton, Refusal> {
    let refused =
        |words: String| Refusal { stage: Stage::Open, subject: String::new(), errno: 0, verified: false, words };
    let bytes = fs::read(path).map_err(|error| refused(error.to_string()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Skeleton::new(&name, &bytes).map_err(|error| refused(error.to_string()))
}

/// The programs' names.
pub(crate) fn program_names(skeleton: &Skeleton) -> Vec<String> {
    skeleton.plan.programs.iter().map(|program| program.native.name.clone()).collect()
}

/// Loads it, or of its programs only the one of this number; and, if that is asked for, registers its struct_ops maps one
/// after the other.
pub(crate) fn load(skeleton: &Skeleton, only: Option<usize>, register: bool) -> Outcome {
    let description = Description::of(&skeleton.plan, &skeleton.loader);
    match try_load(&ObjectDesc { name: &skeleton.file_name, ..description.object() }, only) {
        Ok(Loads { _loaded, maps, struct_ops, programs }) => {
            let maps = maps.iter().chain(struct_ops.iter().filter_map(|(_, ops)| ops.map().ok()));
            let maps: Vec<_> = maps.map(|map| (map.name().to_owned(), map.as_fd())).collect();
            let programs: Vec<_> =
                programs.iter().map(|program| (program.name().to_owned(), program.fd().ok())).collect();
            let mut snapshot = Snapshot::take(&maps, &programs);
            if let (Ok(snapshot), true) = (&mut snapshot, register) {
                let created = struct_ops.iter().filter(|(_, ops)| ops.is_created());
                created.for_each(|(type_name, ops)| snapshot.registered(ops.name(), &registered(type_name, ops)));
            }
            Outcome::of_snapshot(snapshot)
        }
        Err(error) => {
            let name = error.subject_name().unwrap_or_default();
            let lacking = matches!(
                error.operation(),
                "find kfunc" | "find ksym" | "lay out struct_ops map" | "read kernel option"
            );
            let own = lacking || error.operation() == "find the attach target of program";
            let subject = match error.operation() {
                _ if lacking => LACKING.to_owned(),
                operation if operation.contains("program") => format!("prog {name}"),
                operation if operation.contains("map") => format!("map {name}"),
                operation => operation.to_owned(),
            };
            let words =
                error.verifier_log().filter(|log| !log.trim().is_empty()).map_or_else(|| error.to_string(), last_words);
            Outcome::Refused(Refusal {
                stage: Stage::Load,
                subject,
                errno: error.errno().filter(|_| !own).map_or(0, |errno| errno.number()),
                verified: error.verifier_log().is_some_and(|log| !log.trim().is_empty()),
                words,
            })
        }
    }
}

/// Registers a struct_ops map, and takes that back.
fn registered(type_name: &str, ops: &StructOps<()>) -> Registered {
    if type_name == SCHEDULER {
        return Registered::NotTried;
    }
    match ops.attach() {
        Ok(_link) => Registered::Yes,
        Err(error) => match error.errno() {
            Some(errno) => Registered::Refused(io::Error::from_raw_os_error(errno.number())),
            None => Registered::Refused(io::Error::other(error)),
        },
    }
}

/// What a load has made.
struct Loads<'a> {
    /// What is left keeps arenas in memory.
    _loaded: Loaded,
    /// All but struct_ops maps.
    maps: Vec<Map>,
    /// With the names of their structs.
    struct_ops: Vec<(&'a str, StructOps<()>)>,
    programs: Vec<Program>,
}

fn try_load<'a>(desc: &ObjectDesc<'a>, only: Option<usize>) -> Result<Loads<'a>> {
    let opened = Opened::new(desc)?;
    let mut programs = Vec::new();
    if let Some(only) = only {
        for index in 0..desc.progs.len() {
            let mut program = opened.program(index)?;
            program.set_autoload(index == only);
            programs.push(program);
        }
    }
    let mut loaded: Loaded = opened.load([], programs, &[])?;
    let (mut maps, mut struct_ops) = (Vec::new(), Vec::new());
    for (index, map) in desc.maps.iter().enumerate() {
        match &map.struct_ops {
            Some(ops) => struct_ops.push((ops.type_name, loaded.untyped_struct_ops(index)?)),
            // Maps that no loader makes are left out on both sides.
            None => maps.extend(loaded.map(index)),
        }
    }
    let programs = (0..desc.progs.len()).map(|index| loaded.program(index)).collect::<Result<_>>()?;
    Ok(Loads { _loaded: loaded, maps, struct_ops, programs })
}
