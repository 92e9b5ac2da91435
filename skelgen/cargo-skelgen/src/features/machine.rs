//! The running kernel, and the rights of this process.

use std::collections::BTreeMap;
use std::fs::{self, File};

use serde::Serialize;
use skelgen_runtime::kernel::{Feature, FeatureKind, KernelVersion, Names, Probe};
use skelgen_runtime::{cpus, features, kernel};

use super::{kernel_btf, loader};
use crate::ui::{self, Align, Cell, Table, style};

/// The facts; an unknown fact is `None`.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    kernel: Kernel,
    pub(super) loader: Loader,
    pub(super) all_cpus: Option<bool>,
    pub(super) direct: Option<bool>,
    pub(super) btf: Option<u64>,
    possible_cpus: Option<Cpus>,
    jit: Option<bool>,
    bpf_fs: Vec<String>,
    unprivileged: Option<bool>,
    lockdown: Option<String>,
    capabilities: BTreeMap<&'static str, bool>,
    pub(super) kernel_config: Option<String>,
    features: Vec<Asked>,
}

/// A feature of the runtime's table.
#[derive(Debug, Serialize)]
struct Asked {
    name: &'static str,
    kind: &'static str,
    since: String,
    here: Option<bool>,
    #[serde(skip)]
    has_probe: bool,
}

/// The name in the table of what [`Machine::all_cpus`] is about.
pub(super) const CPU_FLAGS: &str = "BPF_F_CPU, BPF_F_ALL_CPUS";
/// The name in the table of what [`Machine::direct`] is about.
pub(super) const DIRECT: &str = ".percpu addressed directly";

#[derive(Debug, Serialize)]
struct Kernel {
    release: Option<String>,
    architecture: &'static str,
}

/// Whether a loader program runs.
#[derive(Debug, Serialize)]
pub(super) struct Loader {
    pub(super) ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Cpus {
    list: String,
    count: usize,
}

impl Machine {
    /// Reads files and probes the kernel.
    pub(super) fn look() -> Self {
        let release = line("/proc/sys/kernel/osrelease");
        let tried = loader::try_it();
        let features = features::probe().ok();
        Machine {
            loader: Loader { ok: tried.is_ok(), error: tried.err().map(|error| loader::reason(&error)) },
            all_cpus: features.map(|features| features.all_cpus),
            direct: features.map(|features| features.direct),
            btf: fs::metadata(kernel_btf::PATH).ok().map(|file| file.len()),
            possible_cpus: cpus::possible().ok().map(|cpus| Cpus { list: format!("{cpus:?}"), count: cpus.count() }),
            jit: line("/proc/sys/net/core/bpf_jit_enable").map(|enabled| enabled != "0"),
            bpf_fs: mounts("bpf"),
            unprivileged: line("/proc/sys/kernel/unprivileged_bpf_disabled").map(|disabled| disabled == "0"),
            lockdown: line("/sys/kernel/security/lockdown").and_then(|modes| chosen(&modes)),
            capabilities: capabilities(),
            kernel_config: config(release.as_deref()),
            features: asked(),
            kernel: Kernel { release, architecture: std::env::consts::ARCH },
        }
    }

    /// The kernel's version.
    pub(super) fn version(&self) -> Option<KernelVersion> {
        self.kernel.release.as_deref().and_then(KernelVersion::of_release)
    }

    /// `Linux 6.18.5 x86_64`.
    pub(super) fn name(&self) -> String {
        format!("Linux {} {}", self.kernel.release.as_deref().unwrap_or("(unknown)"), self.kernel.architecture)
    }

    /// The requirements of skeletons, and other facts.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&[("FEATURE", Align::Left), ("HERE", Align::Left), ("MORE", Align::Left)]);
        let mut row = |feature: &str, here: Cell, more: String| table.row([feature.into(), here, more.into()]);

        let error = self.loader.error.clone().unwrap_or_default();
        row("loader programs", yes_or_no(Some(self.loader.ok)), error);
        let abilities =
            self.features.iter().filter(|asked| asked.has_probe && asked.kind == FeatureKind::Ability.name());
        for asked in abilities {
            row(asked.name, known(asked.here), format!("since Linux {}", asked.since));
        }
        let size = |bytes| {
            format!("{}, {}", kernel_btf::PATH, ui::count(usize::try_from(bytes).unwrap_or(usize::MAX), "byte"))
        };
        row("kernel BTF", yes_or_no(Some(self.btf.is_some())), self.btf.map(size).unwrap_or_default());
        let cpus = self.possible_cpus.as_ref();
        row(
            "possible CPUs",
            cpus.map(|cpus| cpus.count).into(),
            cpus.map(|cpus| cpus.list.clone()).unwrap_or_default(),
        );
        row("JIT", known(self.jit), String::new());
        row("BPF file system", known(Some(!self.bpf_fs.is_empty())), self.bpf_fs.join(", "));
        let config = self.kernel_config.clone().unwrap_or_default();
        row("kernel configuration", known(Some(self.kernel_config.is_some())), config);
        row("BPF without privilege", known(self.unprivileged), String::new());
        if let Some(lockdown) = &self.lockdown {
            row("lockdown", lockdown.as_str().into(), String::new());
        }
        for (name, has) in &self.capabilities {
            row(name, known(Some(*has)), String::new());
        }
        table
    }
}

/// Asks the kernel for each feature of the runtime's table.
fn asked() -> Vec<Asked> {
    let names = Names::read();
    let ask = |feature: &Feature| {
        let &Feature { name, kind, since, probe, .. } = feature;
        let has_probe = !matches!(probe, Probe::None(_));
        Asked { name, kind: kind.name(), since: since.to_string(), here: names.has(feature).ok().flatten(), has_probe }
    };
    kernel::features().map(ask).collect()
}

/// A fact, neither good nor bad.
pub(super) fn known(fact: Option<bool>) -> Cell {
    match fact {
        Some(true) => Cell::styled("yes", style::GOOD),
        Some(false) => "no".into(),
        None => Cell::styled("?", style::UNSURE),
    }
}

/// A requirement.
pub(super) fn yes_or_no(fact: Option<bool>) -> Cell {
    if fact == Some(false) { Cell::styled("no", style::BAD) } else { known(fact) }
}

/// The content of a file with one line.
fn line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The mount points of file systems of this type.
fn mounts(file_system: &str) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let place = |line: &str| {
        let mut words = line.split(' ');
        let (place, kind) = (words.nth(1)?, words.next()?);
        (kind == file_system).then(|| place.to_owned())
    };
    mounts.lines().filter_map(place).collect()
}

/// `none [integrity] confidentiality` is `integrity`.
fn chosen(modes: &str) -> Option<String> {
    let (_, rest) = modes.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// The capabilities for BPF, and whether this process has each.
fn capabilities() -> BTreeMap<&'static str, bool> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(set) = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()) else { return BTreeMap::new() };
    let all = [("CAP_NET_ADMIN", 12), ("CAP_SYS_ADMIN", 21), ("CAP_PERFMON", 38), ("CAP_BPF", 39)];
    all.into_iter().map(|(name, bit)| (name, set >> bit & 1 == 1)).collect()
}

/// The file with the kernel's configuration, if this process can read one.
fn config(release: Option<&str>) -> Option<String> {
    let in_boot = release.map(|release| format!("/boot/config-{release}"));
    let mut files = in_boot.into_iter().chain(["/proc/config.gz".to_owned()]);
    files.find(|path| File::open(path).is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::since::feature;
    use super::*;

    #[test]
    fn the_tables_names_are_known() {
        assert!(feature(CPU_FLAGS).is_some() && feature(DIRECT).is_some());
    }

    #[test]
    fn the_mode_in_brackets_is_the_one() {
        assert_eq!(chosen("none [integrity] confidentiality").as_deref(), Some("integrity"));
        assert_eq!(chosen("none"), None);
    }
}
