//! Links between the repository's Markdown files, and from them to files and headings; files and functions that they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use skelgen_tests::markdown;

use crate::root;

/// Folders that hold no documents of this repository.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// All Markdown files.
fn documents() -> Vec<PathBuf> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            // A cache or a mirror may be linked here.
            if entry.file_type().unwrap().is_dir() {
                if !SKIPPED.iter().any(|name| *name == entry.file_name()) {
                    collect(&path, files);
                }
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    collect(&root(), &mut files);
    files.sort();
    files
}

/// The lines of a document outside its blocks of code, without code spans.
fn prose(document: &str) -> String {
    let mut in_code = false;
    let mut text = String::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            text.extend(line.split('`').step_by(2));
            text.push('\n');
        }
    }
    text
}

/// The targets of links and images.
fn targets(document: &str) -> Vec<String> {
    let prose = prose(document);
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(ToOwned::to_owned).collect()
}

/// The anchors of a document's headings, as code hosts make them.
fn anchors(document: &str) -> BTreeSet<String> {
    let mut in_code = false;
    let headings = document.lines().filter(|line| {
        in_code ^= line.starts_with("```");
        !in_code && line.starts_with('#')
    });
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}

/// What is wrong with a link of the document at `path`, if anything.
fn fault(path: &Path, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let linked = if file.is_empty() { path.to_owned() } else { path.parent().unwrap().join(file) };
    if !linked.exists() {
        return Some(format!("{target}: no such file"));
    }
    let anchor = anchor?;
    let known = fs::read_to_string(&linked).is_ok_and(|text| anchors(&text).contains(anchor));
    (!known).then(|| format!("{target}: no such heading"))
}

/// Chapters of rustdoc link to items and modules, which rustdoc checks.
fn is_for_rustdoc(path: &Path) -> bool {
    ["runtime/guide", "skelgen-macros/docs"].iter().any(|folder| path.starts_with(root().join(folder)))
}

#[test]
fn links_resolve() {
    let (mut faults, mut checked) = (Vec::new(), 0);
    for path in documents().into_iter().filter(|path| !is_for_rustdoc(path)) {
        for target in targets(&fs::read_to_string(&path).unwrap()) {
            checked += 1;
            faults.extend(fault(&path, &target).map(|fault| format!("{}: {fault}", path.display())));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked > 40, "{checked}");
}

/// Words in code spans that look like paths are files or folders of the repository.
#[test]
fn files_that_documents_name_exist() {
    let mut checked = 0;
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let spans = text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2));
        let blocks = text.split("```").skip(1).step_by(2);
        for word in spans.chain(blocks).flat_map(str::split_whitespace) {
            let path = word.trim_end_matches([',', ':', ';', '.']).trim_end_matches('/');
            let top = path.split('/').next().unwrap();
            let is_path = path.contains('/')
                && root().join(top).is_dir()
                && !path.contains(['*', '<', '='])
                && !path.contains("NAME");
            if is_path {
                assert!(root().join(path).exists(), "{name} names {path}, which does not exist");
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked}");
}

/// The functions that ARCHITECTURE.md names are in the files that it names beside them.
#[test]
fn functions_that_architecture_names_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = markdown::section(&text, "## The path of one `.percpu` variable");
    let mut checked = 0;
    for row in markdown::rows(section) {
        let [file, function] = [row[0], row[1]].map(|cell| markdown::code(cell).next().unwrap());
        let source = fs::read_to_string(root().join(file)).unwrap();
        let is_there = ["(", "<"].iter().any(|next| source.contains(&format!("fn {function}{next}")));
        assert!(is_there, "{file} has no function {function}");
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}

#[test]
fn faulty_links_are_found() {
    let path = root().join("README.md");
    assert_eq!(targets("[a](b.md) `[c](d)`\n```\n[e](f)\n```\n![g](h#i)\n"), ["b.md", "h#i"]);
    assert!(fault(&path, "no/such/file.md").is_some());
    assert!(fault(&path, "README.md#no-such-heading").is_some());
    assert_eq!(fault(&path, "#two-commands"), None);
    assert!(anchors("# `get`, and [set](x)\n").contains("get-and-setx"));
}
