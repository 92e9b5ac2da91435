//! Lists of what is not as one would expect, and why: each is to be needed, and nothing else to be there.
//!
//! A line has fields with `|` between them; a pattern's `*` stands for any text. Lines that begin with `#` say more.

use std::cell::Cell;
use std::fs;
use std::path::Path;

/// What is expected, and whether it was seen.
#[derive(Debug)]
pub struct Entry {
    /// All but pattern and reason.
    pub keys: Vec<String>,
    pattern: String,
    /// Why it is so.
    pub reason: String,
    seen: Cell<usize>,
}

impl Entry {
    /// Whether it is about `text`, which then is one more that it was needed for.
    pub fn explains(&self, text: &str) -> bool {
        let explains = matches(&self.pattern, text);
        self.seen.set(self.seen.get() + usize::from(explains));
        explains
    }

    /// For how much it was needed.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen.get()
    }

    /// As it stands in the list.
    #[must_use]
    pub fn line(&self) -> String {
        [&self.keys[..], &[self.pattern.clone(), self.reason.clone()]].concat().join(" | ")
    }
}

/// The list that is so named, as in `selftests/refused.txt`, whose lines have `keys` fields before pattern and reason.
///
/// # Panics
///
/// It is not there, or a line has another number of fields.
#[must_use]
pub fn read(name: &str, keys: usize) -> Vec<Entry> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(&path).expect("the list is checked in");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries = lines.map(|line| {
        let mut fields: Vec<String> = line.split('|').map(|field| field.trim().to_owned()).collect();
        assert_eq!(fields.len(), keys + 2, "{name}: {line}");
        let (reason, pattern) = (fields.pop().expect("there are two"), fields.pop().expect("there are two"));
        Entry { keys: fields, pattern, reason, seen: Cell::new(0) }
    });
    entries.collect()
}

/// Whether `text` is as the pattern says, in which `*` stands for any text.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => {
            text.strip_prefix(start).is_some_and(|text| {
                // Each place where the rest could begin.
                text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
            })
        }
    }
}

#[test]
fn patterns_match() {
    assert!(matches("a*c", "abc") && matches("a*c", "ac") && matches("*", "") && matches("*b*", "abc"));
    assert!(!matches("a*c", "abd") && !matches("a", "ab") && !matches("*b", "abc"));
}
