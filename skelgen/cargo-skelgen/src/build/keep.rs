//! Compares generated files with the files in the package.

use std::fs;
use std::io::ErrorKind;

use skelgen::object::outline::Outline;
use skelgen::{Output, OutputKind};

use crate::check::diff;

/// The result of a comparison.
pub(super) enum Kept {
    Same,
    /// The file does not exist.
    Missing,
    /// The difference.
    Different(String),
    Unreadable(std::io::Error),
}

pub(super) fn compare(output: &Output) -> Kept {
    match fs::read(&output.path) {
        Ok(kept) if kept == output.content => Kept::Same,
        Ok(kept) => Kept::Different(difference(&kept, output)),
        Err(error) if error.kind() == ErrorKind::NotFound => Kept::Missing,
        Err(error) => Kept::Unreadable(error),
    }
}

fn difference(kept: &[u8], output: &Output) -> String {
    let path = output.path.to_string_lossy();
    let from = output.from.as_ref().map_or_else(String::new, |from| from.display().to_string());
    match output.kind {
        OutputKind::Object => sections(kept, &output.content),
        OutputKind::Skeleton | OutputKind::Includes => {
            let [kept, made] = [kept, &output.content].map(String::from_utf8_lossy);
            diff::text(&kept, &made, (&path, &format!("generated from {from}")))
        }
        _ => diff::binary(&path, &format!("generated from {from}")),
    }
}

/// The sections that differ between two objects.
fn sections(kept: &[u8], made: &[u8]) -> String {
    let Ok(kept) = Outline::parse(kept) else { return "it is not a BPF object\n".to_owned() };
    let Ok(made) = Outline::parse(made) else { return String::new() };
    let is_same = |name: &str| {
        let [kept, made] =
            [&kept, &made].map(|outline| outline.section(name).map(|section| (section.size, section.data)));
        kept == made
    };
    let mut names: Vec<&str> = Vec::new();
    for section in made.sections.iter().chain(&kept.sections) {
        if !section.name.is_empty() && !names.contains(&&*section.name) && !is_same(&section.name) {
            names.push(&section.name);
        }
    }
    match names.as_slice() {
        [] => "its sections are at other offsets\n".to_owned(),
        [one] => format!("section {one} differs\n"),
        names => format!("sections {} differ\n", names.join(", ")),
    }
}
