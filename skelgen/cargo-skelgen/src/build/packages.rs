//! Asks cargo which packages of the workspace to build.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand};

use crate::stop::Stop;

/// The options that choose packages.
#[derive(Debug, clap::Args)]
pub(crate) struct Select {
    /// Build this package instead of the current folder's
    #[arg(short, long, value_name = "NAME")]
    package: Vec<String>,
    /// Build all packages of the workspace
    #[arg(long, conflicts_with = "package")]
    workspace: bool,
    /// Path to Cargo.toml [default: the nearest in this folder or above]
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

/// A package.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) root: PathBuf,
    pub(super) manifest: PathBuf,
    /// The path of the runtime's crate, if the package renames its dependency on it.
    pub(super) runtime: Option<String>,
    /// Its folder, relative to the folder where the command was called.
    pub(super) shown: PathBuf,
}

impl Package {
    /// The package's folder below the target directory. Workspaces can share a target directory and have packages of the
    /// same name, so the folder's name contains the manifest's path.
    pub(super) fn folder(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.manifest.hash(&mut hasher);
        format!("{}-{:016x}", self.name, hasher.finish())
    }
}

/// The chosen packages, and the workspace's target folder.
pub(super) struct Selected {
    pub(super) packages: Vec<Package>,
    pub(super) target: PathBuf,
}

/// Asks cargo.
pub(super) fn selected(select: &Select) -> Result<Selected, Stop> {
    let mut command = MetadataCommand::new();
    command.no_deps();
    if let Some(path) = &select.manifest_path {
        command.manifest_path(path);
    }
    let metadata = command.exec().map_err(|error| Stop::Cargo(said(error)))?;
    let packages = if select.package.is_empty() { unnamed(&metadata, select)? } else { named(&metadata, select)? };
    Ok(Selected { packages, target: metadata.target_directory.into() })
}

/// Cargo's error message, if it printed one.
fn said(error: cargo_metadata::Error) -> String {
    match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            stderr.trim_end().strip_prefix("error: ").unwrap_or(&stderr).to_owned()
        }
        error => format!("cargo metadata: {error}"),
    }
}

fn package(package: &cargo_metadata::Package) -> Package {
    let manifest: PathBuf = package.manifest_path.clone().into();
    let root = manifest.parent().map(Path::to_owned).unwrap_or_default();
    let below = env::current_dir().ok().and_then(|here| root.strip_prefix(here).map(Path::to_owned).ok());
    let shown = below.unwrap_or_else(|| root.clone());
    Package { name: package.name.to_string(), runtime: runtime_path(&package.dependencies), shown, root, manifest }
}

/// As `Builder` finds it for a build script: at the first other name of the dependency, unless it has its own as well.
fn runtime_path(dependencies: &[Dependency]) -> Option<String> {
    let is_runtime =
        |dependency: &&Dependency| dependency.name == "skelgen-runtime" && dependency.kind == DependencyKind::Normal;
    let mut names = dependencies.iter().filter(is_runtime).map(|dependency| &dependency.rename);
    if names.clone().any(Option::is_none) {
        return None;
    }
    names.next()?.as_ref().map(|name| format!("::{}", name.replace('-', "_")))
}

fn named(metadata: &Metadata, select: &Select) -> Result<Vec<Package>, Stop> {
    let members = metadata.workspace_packages();
    let find = |name: &String| {
        let found = members.iter().find(|package| package.name.as_str() == name);
        let missing = || Stop::Usage(format!("the workspace has no package `{name}`"));
        found.map(|found| package(found)).ok_or_else(missing)
    };
    select.package.iter().map(find).collect()
}

/// The same default as cargo's: the current folder's package, or the default members of a virtual workspace.
fn unnamed(metadata: &Metadata, select: &Select) -> Result<Vec<Package>, Stop> {
    if select.workspace {
        return Ok(metadata.workspace_packages().into_iter().map(package).collect());
    }
    let manifest = match &select.manifest_path {
        Some(path) => path.canonicalize().map_err(|error| Stop::Read(path.clone(), error))?,
        None => {
            let here = env::current_dir().map_err(|error| Stop::Read(PathBuf::from("."), error))?;
            here.ancestors().map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file()).unwrap_or_default()
        }
    };
    let is_it = |package: &&&cargo_metadata::Package| {
        let path = package.manifest_path.as_std_path();
        path.canonicalize().ok() == manifest.canonicalize().ok()
    };
    Ok(match metadata.workspace_packages().iter().find(is_it) {
        Some(found) => vec![package(found)],
        None => metadata.workspace_default_packages().into_iter().map(package).collect(),
    })
}
