//! skelgen: the generator and the runtime, as `cargo skelgen load` puts them together.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use skelgen::Skeleton;
use skelgen_runtime::{Loaded, Map, ObjectDesc, Opened, Program, Result};

use crate::desc::described;
use crate::libbpf::{LACKING, last_words};
use crate::outcome::{Outcome, Refusal, Stage};
use crate::snapshot::Snapshot;

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

/// Loads it, or of its programs only the one of this number.
pub(crate) fn load(skeleton: &Skeleton, only: Option<usize>) -> Outcome {
    described(&skeleton.plan, &skeleton.loader, &skeleton.file_name, |desc| match try_load(desc, only) {
        // What is left of the load keeps arenas in memory.
        Ok((_loaded, maps, programs)) => {
            let maps: Vec<_> = maps.iter().map(|map| (map.name().to_owned(), map.as_fd())).collect();
            let programs: Vec<_> =
                programs.iter().map(|program| (program.name().to_owned(), program.fd().ok())).collect();
            Outcome::of_snapshot(Snapshot::take(&maps, &programs))
        }
        Err(error) => {
            let name = error.subject_name().unwrap_or_default();
            let subject = match error.operation() {
                "find kfunc" | "find ksym" | "lay out struct_ops map" => LACKING.to_owned(),
                operation if operation.contains("program") => format!("prog {name}"),
                operation if operation.contains("map") => format!("map {name}"),
                operation => operation.to_owned(),
            };
            let words =
                error.verifier_log().filter(|log| !log.trim().is_empty()).map_or_else(|| error.to_string(), last_words);
            Outcome::Refused(Refusal {
                stage: Stage::Load,
                subject,
                errno: error.errno().map_or(0, |errno| errno.number()),
                verified: error.verifier_log().is_some_and(|log| !log.trim().is_empty()),
                words,
            })
        }
    })
}

fn try_load(desc: &ObjectDesc<'_>, only: Option<usize>) -> Result<(Loaded, Vec<Map>, Vec<Program>)> {
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
    // Maps that no loader makes are left out on both sides.
    let maps = (0..desc.maps.len()).filter_map(|index| loaded.map(index).ok()).collect();
    let programs = (0..desc.progs.len()).map(|index| loaded.program(index)).collect::<Result<_>>()?;
    Ok((loaded, maps, programs))
}
