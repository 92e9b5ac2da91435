//! `docs/guide`: the guide's chapters for readers on a code host. Rustdoc reads `runtime/guide`, whose hidden lines and links to
//! items a code host would show as they are.
//!
//! ```text
//! runtime/guide                              docs/guide
//! First words: the rest.                     # First words
//!                                            The rest.
//! # Heading                                  ## Heading
//! ```rust,no_run                             ```rust
//! # hidden                                   (left out)
//! [`percpu`](super::percpu)                  [`percpu`](percpu.md)
//! [`get`](crate::PerCpu::get)                `get`
//! ```

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use skelgen_tests::markdown;

use crate::{is_up_to_date, root};

/// A chapter as a code host shows it.
fn rendered(name: &str, chapter: &str) -> String {
    let (first, rest) = chapter.split_once('\n').expect("a chapter has lines");
    let (title, summary) = first.split_once(": ").expect("a chapter begins with `Title: summary.`");
    let mut text =
        format!("<!-- Generated from runtime/guide/{name}.md: edit that file. tests/docs has the command. -->\n");
    writeln!(text, "# {title}\n\n{}", capitalised(summary)).unwrap();
    let mut code = None;
    for line in rest.lines() {
        match (line.strip_prefix("```"), code) {
            (Some(language), None) => {
                let (language, _) = language.split_once(',').unwrap_or((language, ""));
                code = Some(language == "rust");
                writeln!(text, "```{language}").unwrap();
            }
            (Some(_), Some(_)) => {
                code = None;
                text += "```\n";
            }
            // What rustdoc hides.
            (None, Some(true)) if line == "#" || line.starts_with("# ") => {}
            (None, Some(_)) => writeln!(text, "{line}").unwrap(),
            (None, None) if line.starts_with('#') => writeln!(text, "#{line}").unwrap(),
            (None, None) => writeln!(text, "{}", with_links(line)).unwrap(),
        }
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A line whose links lead to files, or are gone if they lead to items.
fn with_links(line: &str) -> String {
    let mut rest = line;
    let mut text = String::new();
    while let Some((before, target)) = rest.split_once("](") {
        let (target, after) = target.split_once(')').expect("a link ends in its line");
        if let Some(chapter) = target.strip_prefix("super::") {
            write!(text, "{before}]({chapter}.md)").unwrap();
        } else if target.trim_start_matches("macro@").starts_with("crate::") {
            let (before, item) = before.rsplit_once('[').expect("a link has a text");
            write!(text, "{before}{item}").unwrap();
        } else {
            write!(text, "{before}]({target})").unwrap();
        }
        rest = after;
    }
    text + rest
}

/// The page that lists the chapters, from the module's docs.
fn contents() -> String {
    let docs = fs::read_to_string(root().join("runtime/src/guide.rs")).unwrap();
    let mut text =
        "<!-- Generated from runtime/src/guide.rs: edit that file. tests/docs has the command. -->\n".to_owned();
    for line in docs.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        match line.strip_prefix("| [`").and_then(|line| line.split_once("`]")) {
            Some((chapter, rest)) => writeln!(text, "| [{chapter}]({chapter}.md){rest}").unwrap(),
            None if text.lines().count() == 1 => {
                let (title, summary) = line.split_once(": ").expect("the docs begin with `Title: summary.`");
                writeln!(text, "# {title}\n\n{}", capitalised(summary)).unwrap();
            }
            None => writeln!(text, "{line}").unwrap(),
        }
    }
    text
}

#[test]
fn rendered_guide_is_up_to_date() {
    let folder = root().join("docs/guide");
    let mut files = BTreeSet::from(["README.md".to_owned()]);
    let mut stale = Vec::new();
    if !is_up_to_date(&folder.join("README.md"), &contents()) {
        stale.push("README.md".to_owned());
    }
    for (name, chapter) in markdown::guide() {
        let file = format!("{name}.md");
        if !is_up_to_date(&folder.join(&file), &rendered(&name, &chapter)) {
            stale.push(file.clone());
        }
        files.insert(file);
    }
    assert!(stale.is_empty(), "run SKELGEN_BLESS=1 cargo test -p skelgen-tests --test docs: {stale:?} are out of date");
    let found = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), files, "docs/guide has files that no chapter makes");
}

#[test]
fn rendered_guide_has_no_rustdoc_syntax() {
    for (name, chapter) in markdown::guide() {
        let text = rendered(&name, &chapter);
        for syntax in ["super::", "](crate::", "](macro@", "no_run", ",ignore"] {
            assert!(!text.contains(syntax), "{name}: {syntax}");
        }
        for block in markdown::blocks(&text).into_iter().filter(|block| block.language == "rust") {
            assert!(block.text.lines().all(|line| !line.starts_with("# ")), "{name}: {}", block.text);
        }
    }
}

/// Each chapter has a line in the table, and each line a chapter.
#[test]
fn contents_list_all_chapters() {
    let contents = contents();
    let listed: BTreeSet<_> = contents.lines().filter_map(|line| line.strip_prefix("| [")?.split(']').next()).collect();
    let chapters = markdown::guide();
    assert_eq!(listed, chapters.iter().map(|(name, _)| name.as_str()).collect());
}
