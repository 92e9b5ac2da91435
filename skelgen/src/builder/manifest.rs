//! Under which name the package of a build script depends on the runtime.
//!
//! In: the text of the package's `Cargo.toml`, and of its workspace's. Out: the name. Nothing here checks TOML, which cargo did
//! before it ran the build script; the lines of tables that name dependencies are enough.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The package of the runtime.
const RUNTIME: &str = "skelgen-runtime";

/// The path of the runtime's crate, if the package depends on it by another name than its own.
pub(super) fn runtime_path(manifest: &Path) -> Option<String> {
    let text = fs::read_to_string(manifest).ok()?;
    let folders = manifest.parent()?.ancestors();
    // The package may be the workspace's root itself.
    let workspace = folders.map(|folder| folder.join("Cargo.toml")).filter_map(|path| fs::read_to_string(path).ok());
    let workspace =
        workspace.into_iter().find(|text| lines(text).any(|(table, _)| table.first() == Some(&"workspace")));
    let name = renamed(&text, workspace.as_deref().unwrap_or_default())?;
    Some(format!("::{}", name.replace('-', "_")))
}

/// The manifest of the package whose build script this is.
pub(super) fn manifest() -> Option<PathBuf> {
    Some(Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
}

/// The name of the dependency that is the runtime, unless that is its own.
fn renamed(package: &str, workspace: &str) -> Option<String> {
    let inherited: Vec<_> = dependencies(workspace, &["workspace", "dependencies"]);
    let is_inherited = |name: &str| inherited.iter().any(|other| other.name == name && other.is_runtime);
    let own = dependencies(package, &["dependencies"]);
    let is_runtime = |own: &&Dependency<'_>| own.is_runtime || own.of_workspace && is_inherited(own.name);
    let mut names = own.iter().filter(is_runtime).map(|own| own.name);
    let own_name = |name: &&str| name.replace('_', "-") == RUNTIME;
    match names.clone().find(own_name) {
        Some(_) => None,
        None => names.next().map(ToOwned::to_owned),
    }
}

struct Dependency<'a> {
    name: &'a str,
    is_runtime: bool,
    of_workspace: bool,
}

/// The dependencies in the tables whose path ends with `path`: those for some targets only are in tables of their own.
fn dependencies<'a>(text: &'a str, path: &[&str]) -> Vec<Dependency<'a>> {
    let mut found: Vec<Dependency<'a>> = Vec::new();
    for (table, line) in lines(text) {
        // `[dependencies.bpf]`, and in it `package = "skelgen-runtime"`; or `[dependencies]`, and in it
        // `bpf = { package = "skelgen-runtime" }` or `bpf.package = "skelgen-runtime"`.
        let (name, rest) = match table.as_slice() {
            [.., name] if table.len() > path.len() && table[..table.len() - 1].ends_with(path) => (*name, line),
            _ if table.ends_with(path) => {
                let Some((name, rest)) = line.split_once(['=', '.']) else { continue };
                (unquoted(name), rest)
            }
            _ => continue,
        };
        let is_runtime = value_of(rest, "package") == Some(RUNTIME) || name.replace('_', "-") == RUNTIME;
        let of_workspace = value_of(rest, "workspace") == Some("true");
        match found.iter_mut().find(|dependency| dependency.name == name) {
            Some(known) => {
                known.is_runtime |= is_runtime;
                known.of_workspace |= of_workspace;
            }
            None => found.push(Dependency { name, is_runtime, of_workspace }),
        }
    }
    found
}

/// The value of `key` in `{ key = "value", ... }` or `key = value`.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(key).find_map(|(at, _)| {
        let is_whole = !text[..at].ends_with(is_part);
        let value = text[at + key.len()..].trim_start().strip_prefix('=').filter(|_| is_whole)?.trim_start();
        match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next(),
            _ => value.split(|c: char| !is_part(c)).next(),
        }
    })
}

/// The lines that say something, each with the path of its table.
fn lines(text: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
    let mut table = Vec::new();
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(move |line| {
        if let Some(header) = line.strip_prefix('[').and_then(|header| header.split_once(']')) {
            table = path_of(header.0.trim_start_matches('['));
            // An empty table is one, too.
            return (table.clone(), "");
        }
        (table.clone(), line)
    })
}

/// The parts of `target.'cfg(unix)'.dependencies`; those in quotes may have dots.
fn path_of(header: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in header.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None, '.') => {
                parts.push(unquoted(&header[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(unquoted(&header[start..]));
    parts
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_dependency_is_found_however_it_is_written() {
        let workspace =
            "[workspace.dependencies]\nrt = { package = \"skelgen-runtime\", version = \"0.1\" }\nlibc = \"0.2\"\n";
        for (package, expected) in [
            ("[dependencies]\nbpf = { package = \"skelgen-runtime\", version = \"0.1\" }\n", Some("bpf")),
            ("[dependencies]\n# a comment\nbpf-rt = { version=\"0.1\",package='skelgen-runtime' }\n", Some("bpf-rt")),
            ("[dependencies.bpf]\nversion = \"0.1\"\npackage = \"skelgen-runtime\"\n", Some("bpf")),
            ("[dependencies]\nbpf.package = \"skelgen-runtime\"\nbpf.version = \"0.1\"\n", Some("bpf")),
            (
                "[target.'cfg(target_os = \"linux\")'.dependencies]\nbpf = { package = \"skelgen-runtime\" }\n",
                Some("bpf"),
            ),
            ("[target.\"cfg(any(unix, a.b))\".dependencies.bpf]\npackage = \"skelgen-runtime\"\n", Some("bpf")),
            ("[dependencies]\nrt.workspace = true\n", Some("rt")),
            ("[dependencies]\nrt = { workspace = true }\n", Some("rt")),
            ("[dependencies]\nlibc.workspace = true\n", None),
            ("[dependencies]\nskelgen-runtime = \"0.1\"\n", None),
            ("[dependencies]\nskelgen_runtime = { path = \"x\" }\nbpf = { package = \"skelgen-runtime\" }\n", None),
            ("[build-dependencies]\nbpf = { package = \"skelgen-runtime\" }\n", None),
            ("[dev-dependencies]\nbpf = { package = \"skelgen-runtime\" }\n", None),
            ("[dependencies]\nbpf = { package = \"skelgen-runtime-more\" }\n", None),
            ("[package]\nname = \"skelgen-runtime\"\n", None),
            ("", None),
        ] {
            assert_eq!(renamed(package, workspace).as_deref(), expected, "{package}");
        }
    }
}
