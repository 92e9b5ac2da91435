//! Blocks of code in documents, and tables.

use std::fs;
use std::path::Path;

/// A block of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the opening backticks: `rust,no_run`, or nothing.
    pub language: String,
    /// Its lines.
    pub text: String,
}

/// The blocks of code in a document, in their order.
#[must_use]
pub fn blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut lines) = (Vec::new(), document.lines());
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        blocks.push(Block { language: language.to_owned(), text });
    }
    blocks
}

/// What stands below a heading, with its `#`, up to the next of its level.
///
/// # Panics
///
/// There is no such heading.
#[must_use]
pub fn section<'d>(document: &'d str, heading: &str) -> &'d str {
    let (_, rest) = document.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let level = heading.split_inclusive(' ').next().unwrap_or_default();
    // In code, such a line is a comment, or hidden by rustdoc.
    let (mut in_code, mut end) = (false, 0);
    for line in rest.split_inclusive('\n') {
        in_code ^= line.starts_with("```");
        if !in_code && line.starts_with(level) {
            break;
        }
        end += line.len();
    }
    &rest[..end]
}

/// The rows of the table in a section, behind its head: their cells.
pub fn rows(section: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = section.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.skip(2).map(|row| row.split('|').collect())
}

/// The code in a table's cell.
pub fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Code without white space, which a cell and a program need not have in common.
#[must_use]
pub fn packed(code: &str) -> String {
    code.split_whitespace().collect()
}

/// The guide's chapters, by name.
///
/// # Panics
///
/// They cannot be read.
#[must_use]
pub fn guide() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/guide");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("it is checked in").map(|file| file.unwrap().path()).collect();
    paths.sort();
    let chapter = |path: &std::path::PathBuf| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("it is text"))
    };
    paths.iter().map(chapter).collect()
}
