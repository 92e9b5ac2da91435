//! `[package.metadata.skelgen]`, as builders of the library.
//!
//! Each table is a builder, and each key one of its methods. All mistakes are reported together, each with its line.

use std::fs;
use std::ops::Range;

use skelgen::Builder;
use skelgen::emit::{Recipe, Spelling, Unmatched};
use toml::de::{DeTable, DeValue};

use super::manifest::{Manifest, Mistake};
use super::packages::Package;
use super::values::{Value, boolean, by_type, checked, defines, each_file, files, min_kernel, text, texts};

/// The default sources.
const SOURCES: &str = "src/bpf/*.bpf.c";

/// All keys.
const KEYS: [&str; 19] = [
    "sources",
    "objects",
    "out-dir",
    "keep-objects",
    "includes",
    "defines",
    "flags",
    "clang",
    "target-cpu",
    "vmlinux-h",
    "name",
    "visibility",
    "runtime-path",
    "min-kernel",
    "license",
    "type-derive",
    "type-attribute",
    "add-type",
    "opaque-type",
];

/// A table of the manifest.
pub(super) struct Table {
    pub(super) builder: Builder,
    /// Where options stand that name something: as mistakes, whose words are still to be found.
    places: Vec<(&'static str, String, Mistake)>,
}

impl Table {
    fn new(builder: Builder) -> Table {
        Table { builder, places: Vec::new() }
    }

    /// What is wrong about an option, and where it stands.
    pub(super) fn mistake(&self, unmatched: &Unmatched, what: String) -> Option<Mistake> {
        let found = self.places.iter().find(|(option, name, _)| *option == unmatched.option && *name == unmatched.name);
        found.map(|(.., place)| Mistake { what, ..place.clone() })
    }

    fn map(self, change: impl FnOnce(Builder) -> Builder) -> Table {
        Table { builder: change(self.builder), ..self }
    }
}

/// The package's tables, or its sources as one if it has no table; none if it has neither. Paths are from the package's
/// folder, which the current one has to be.
pub(super) fn tables(package: &Package) -> Result<Vec<Table>, Vec<Mistake>> {
    let path = package.shown.join("Cargo.toml");
    let text = fs::read_to_string(&package.manifest).map_err(|error| {
        let what = format!("cannot read it: {error}");
        vec![Mistake { what, path: path.clone(), line: 0, column: 0, text: String::new() }]
    })?;
    let tables = of_text(Manifest::new(path, text))?;
    let Some(runtime) = &package.runtime else { return Ok(tables) };
    let renamed = |table: Table| {
        if table.places.iter().any(|(option, ..)| *option == "runtime_path") {
            return table;
        }
        table.map(|builder| builder.runtime_path(runtime))
    };
    Ok(tables.into_iter().map(renamed).collect())
}

fn of_text(mut manifest: Manifest) -> Result<Vec<Table>, Vec<Mistake>> {
    let text = manifest.text.clone();
    let parsed = DeTable::parse(&text);
    let document = match &parsed {
        Ok(document) => document.get_ref(),
        Err(error) => {
            manifest.mistake(error.span().unwrap_or_default(), error.message());
            return Err(manifest.mistakes);
        }
    };
    let found = document
        .get("package")
        .and_then(|package| package.get_ref().as_table()?.get("metadata"))
        .and_then(|metadata| metadata.get_ref().as_table()?.get("skelgen"));
    let builders = match found.map(|found| (found.get_ref(), found.span())) {
        None => without_table(),
        Some((DeValue::Table(table), span)) => vec![builder(&mut manifest, table, span)],
        Some((DeValue::Array(tables), _)) => {
            let each = |value: &Value<'_>| match value.get_ref() {
                DeValue::Table(table) => Some(builder(&mut manifest, table, value.span())),
                _ => {
                    manifest.mistake(value.span(), "package.metadata.skelgen must be a table or an array of tables");
                    None
                }
            };
            tables.iter().filter_map(each).collect()
        }
        Some((_, span)) => {
            manifest.mistake(span, "package.metadata.skelgen must be a table or an array of tables");
            Vec::new()
        }
    };
    // Keys come in alphabetical order.
    manifest.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    if manifest.mistakes.is_empty() { Ok(builders) } else { Err(manifest.mistakes) }
}

fn without_table() -> Vec<Table> {
    let sources = files(SOURCES).unwrap_or_default();
    if sources.is_empty() {
        Vec::new()
    } else {
        vec![Table::new(sources.into_iter().fold(fresh(true), Builder::source))]
    }
}

/// A builder that keeps its files in the package. clang prints colours; they are removed if the output is not a terminal.
fn fresh(keep_objects: bool) -> Builder {
    let builder = Builder::new().beside().spelling(Spelling::Manifest).flag("-fcolor-diagnostics");
    if keep_objects { builder.keep_objects() } else { builder }
}

fn builder(manifest: &mut Manifest, table: &DeTable<'_>, span: Range<usize>) -> Table {
    let mut places = Vec::new();
    for option in ["license", "runtime_path", "type_derive", "type_attribute", "add_type", "opaque_type"] {
        let Some(value) = table.get(option.replace('_', "-").as_str()) else { continue };
        places.extend(names_in(value).into_iter().map(|(name, span)| (option, name, manifest.at(span, ""))));
    }
    Table { builder: with_keys(manifest, table, span), places }
}

/// The names in a value, each where it stands: a text, the texts of an array, or the keys of a table.
fn names_in(value: &Value<'_>) -> Vec<(String, Range<usize>)> {
    match value.get_ref() {
        DeValue::Array(values) => values.iter().flat_map(names_in).collect(),
        DeValue::Table(table) => table.keys().map(|key| (key.get_ref().to_string(), key.span())).collect(),
        DeValue::String(text) => vec![(text.to_string(), value.span())],
        _ => Vec::new(),
    }
}

fn with_keys(manifest: &mut Manifest, table: &DeTable<'_>, span: Range<usize>) -> Builder {
    let keep = table.get("keep-objects").is_none_or(|keep| boolean(manifest, keep).unwrap_or(true));
    let mut builder = fresh(keep);
    if !table.contains_key("sources") && !table.contains_key("objects") {
        let sources = files(SOURCES).unwrap_or_default();
        if sources.is_empty() {
            manifest.mistake(span, format!("neither `sources` nor `objects` is set, and no file matches {SOURCES}"));
        }
        builder = sources.into_iter().fold(builder, Builder::source);
    }
    for (key, value) in table {
        builder = match &**key.get_ref() {
            "keep-objects" => builder,
            "sources" => each_file(manifest, value).into_iter().fold(builder, Builder::source),
            "objects" => each_file(manifest, value).into_iter().fold(builder, Builder::object),
            "out-dir" => with(builder, text(manifest, value), Builder::out_dir),
            "includes" => texts(manifest, value).into_iter().fold(builder, Builder::include),
            "flags" => texts(manifest, value).into_iter().fold(builder, Builder::flag),
            "defines" => {
                let define =
                    |builder: Builder, (name, value): (String, Option<String>)| builder.define(name, value.as_deref());
                defines(manifest, value).into_iter().fold(builder, define)
            }
            "clang" => with(builder, text(manifest, value), Builder::clang),
            "target-cpu" => with(builder, text(manifest, value), Builder::target_cpu),
            "vmlinux-h" => with(builder, text(manifest, value), Builder::vmlinux_h),
            "name" => with(builder, text(manifest, value), Builder::name),
            "visibility" => {
                let visible = |text| Recipe { visibility: Some(text), ..recipe() };
                with(builder, checked(manifest, value, visible), Builder::visibility)
            }
            "runtime-path" => {
                let at = |text| Recipe { runtime_path: Some(text), ..recipe() };
                with(builder, checked(manifest, value, at), Builder::runtime_path)
            }
            "min-kernel" => with(builder, min_kernel(manifest, value), |builder, kernel| {
                builder.min_kernel(kernel.major, kernel.minor)
            }),
            "license" => with(builder, text(manifest, value), Builder::license),
            "type-derive" => {
                let derives =
                    |pair: (String, String)| Recipe { type_derive: vec![(pair.0.into(), pair.1)], ..recipe() };
                let pairs = by_type(manifest, value, ", ", derives).into_iter();
                pairs.fold(builder, |builder, (types, derives)| builder.type_derive(types, derives))
            }
            "type-attribute" => {
                let attributes =
                    |pair: (String, String)| Recipe { type_attribute: vec![(pair.0.into(), pair.1)], ..recipe() };
                let pairs = by_type(manifest, value, " ", attributes).into_iter();
                pairs.fold(builder, |builder, (types, attributes)| builder.type_attribute(types, attributes))
            }
            "add-type" => texts(manifest, value).into_iter().fold(builder, Builder::add_type),
            "opaque-type" => texts(manifest, value).into_iter().fold(builder, Builder::opaque_type),
            unknown => {
                let meant = nearest(unknown).map(|key| format!("; did you mean `{key}`?")).unwrap_or_default();
                manifest.mistake(key.span(), format!("package.metadata.skelgen has no key `{unknown}`{meant}"));
                builder
            }
        };
    }
    builder
}

/// Nothing yet, and errors as in a manifest.
fn recipe() -> Recipe {
    Recipe { spelling: Spelling::Manifest, ..Recipe::default() }
}

fn with<T>(builder: Builder, value: Option<T>, set: impl FnOnce(Builder, T) -> Builder) -> Builder {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}

/// The most similar key, if it is similar enough.
fn nearest(unknown: &str) -> Option<&'static str> {
    let far = |key: &str| strsim::damerau_levenshtein(key, unknown);
    KEYS.into_iter().min_by_key(|key| far(key)).filter(|key| far(key) <= unknown.len().max(3) / 3)
}
