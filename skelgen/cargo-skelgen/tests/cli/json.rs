//! The JSON is what `JSON.md` says it is.

use std::collections::BTreeSet;

use serde_json::Value;

/// The document that describes it.
const DOCUMENT: &str = include_str!("../../JSON.md");

/// Asserts that the section of `command` names every key of `value`.
pub(crate) fn is_documented(command: &str, value: &Value) {
    let mut keys = BTreeSet::new();
    collect(value, &mut keys);
    let known = documented(command);
    let unknown: Vec<_> = keys.difference(&known).collect();
    assert!(unknown.is_empty(), "JSON.md does not tell of {unknown:?} in `{command}`");
}

/// All keys in `value`, at any depth.
fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, keys)),
        Value::Object(fields) => {
            for (key, value) in fields {
                keys.insert(key.clone());
                // Its keys are names of the object's C source.
                if key != "initial" {
                    collect(value, keys);
                }
            }
        }
        _ => {}
    }
}

/// The keys that the document has in the section of `command`: each part of the paths that stand in back quotes.
fn documented(command: &str) -> BTreeSet<String> {
    let section = DOCUMENT.split("\n## ").find(|section| section.starts_with(&format!("`{command}`")));
    let quoted = section.expect("the command has a section").split('`').skip(1).step_by(2);
    quoted.flat_map(|path| path.split('.')).map(|key| key.trim_end_matches("[]").to_owned()).collect()
}

/// What one run printed, as JSON.
pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
