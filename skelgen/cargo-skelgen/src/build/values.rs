//! Converts the values of a manifest's keys; a value of the wrong type is a mistake at its place.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use skelgen::KernelVersion;
use skelgen::emit::Recipe;
use toml::Spanned;
use toml::de::DeValue;

use super::manifest::Manifest;

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

pub(super) fn text(manifest: &mut Manifest, value: &Value<'_>) -> Option<String> {
    let text = value.get_ref().as_str().map(ToOwned::to_owned);
    if text.is_none() {
        manifest.mistake(value.span(), "this must be a string");
    }
    text
}

pub(super) fn boolean(manifest: &mut Manifest, value: &Value<'_>) -> Option<bool> {
    let boolean = value.get_ref().as_bool();
    if boolean.is_none() {
        manifest.mistake(value.span(), "this must be true or false");
    }
    boolean
}

/// A string, or an array of strings.
pub(super) fn texts(manifest: &mut Manifest, value: &Value<'_>) -> Vec<String> {
    match value.get_ref() {
        DeValue::Array(values) => values.iter().filter_map(|value| text(manifest, value)).collect(),
        DeValue::String(text) => vec![text.clone().into_owned()],
        _ => {
            manifest.mistake(value.span(), "this must be a string or an array of strings");
            Vec::new()
        }
    }
}

/// The files of one or several paths; `*` and `?` are wildcards.
pub(super) fn each_file(manifest: &mut Manifest, value: &Value<'_>) -> Vec<PathBuf> {
    let one = std::slice::from_ref(value);
    let values = value.get_ref().as_array().map_or(one, |values| &**values);
    let mut all = Vec::new();
    for value in values {
        let Some(pattern) = text(manifest, value) else { continue };
        match files(&pattern) {
            Ok(found) if found.is_empty() => manifest.mistake(value.span(), format!("no file matches {pattern}")),
            Ok(found) => all.extend(found),
            Err(error) => manifest.mistake(value.span(), error),
        }
    }
    let mut seen = BTreeSet::new();
    all.retain(|path| seen.insert(path.clone()));
    all
}

/// The files that match this name or pattern, sorted by name.
pub(super) fn files(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let found = glob::glob(pattern).map_err(|error| error.msg.to_owned())?;
    Ok(found.filter_map(Result::ok).filter(|path| path.is_file()).collect())
}

/// `{ DEBUG = true, MAX_CPUS = 64 }`, or `["DEBUG", "MAX_CPUS=64"]`.
pub(super) fn defines(manifest: &mut Manifest, value: &Value<'_>) -> Vec<(String, Option<String>)> {
    let DeValue::Table(table) = value.get_ref() else {
        let split = |define: String| match define.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (define, None),
        };
        return texts(manifest, value).into_iter().map(split).collect();
    };
    let mut defines = Vec::new();
    for (name, value) in table {
        let name = name.get_ref().clone().into_owned();
        match value.get_ref() {
            DeValue::Boolean(true) => defines.push((name, None)),
            DeValue::Boolean(false) => {}
            DeValue::Integer(number) => defines.push((name, Some(number.to_string()))),
            DeValue::String(text) => defines.push((name, Some(text.clone().into_owned()))),
            _ => manifest.mistake(value.span(), "a macro must be a number, a string, true or false"),
        }
    }
    defines
}

pub(super) fn min_kernel(manifest: &mut Manifest, value: &Value<'_>) -> Option<KernelVersion> {
    let text = text(manifest, value)?;
    KernelVersion::parse_min_kernel(&text).map_err(|error| manifest.mistake(value.span(), error.to_string())).ok()
}

/// A string that the library parses with `recipe`.
pub(super) fn checked(
    manifest: &mut Manifest,
    value: &Value<'_>,
    recipe: impl FnOnce(String) -> Recipe,
) -> Option<String> {
    let text = text(manifest, value)?;
    can_be_read(manifest, value.span(), &recipe(text.clone())).then_some(text)
}

fn can_be_read(manifest: &mut Manifest, span: Range<usize>, recipe: &Recipe) -> bool {
    let mistakes = recipe.options().err().unwrap_or_default();
    mistakes.iter().for_each(|error| manifest.mistake(span.clone(), error.to_string()));
    mistakes.is_empty()
}

/// `{ flow_key = "Eq, Hash" }`; a string can also be an array of its parts.
pub(super) fn by_type(
    manifest: &mut Manifest,
    value: &Value<'_>,
    between: &str,
    recipe: impl Fn((String, String)) -> Recipe,
) -> Vec<(String, String)> {
    let DeValue::Table(table) = value.get_ref() else {
        manifest.mistake(value.span(), "this must be a table with type names as keys: { flow_key = \"...\" }");
        return Vec::new();
    };
    let mut pairs = Vec::new();
    for (types, value) in table {
        let pair = (types.get_ref().clone().into_owned(), texts(manifest, value).join(between));
        if can_be_read(manifest, value.span(), &recipe(pair.clone())) {
            pairs.push(pair);
        }
    }
    pairs
}
