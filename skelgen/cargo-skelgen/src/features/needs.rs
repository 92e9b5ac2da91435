//! The features that an object needs.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;
use skelgen::Skeleton;
use skelgen::btf::Kind;
use skelgen::object::outline::Outline;
use skelgen::object::{KsymIdx, KsymKind};
use skelgen::plan::Step;
use skelgen::uapi::{AttachType, BPF_MAP_TYPE_INSN_ARRAY, BPF_PROG_TYPE_UNSPEC, MapType, ProgType};
use skelgen_runtime::kernel::{KernelVersion, OLDEST_TESTED};

use super::kernel_btf::{KernelBtf, Place};
use super::machine::{CPU_FLAGS, DIRECT, Machine, known, yes_or_no};
use super::since::{self, since};
use crate::inspect::externs;
use crate::native;
use crate::ui::{Align, Table};

/// A feature that an object needs.
#[derive(Debug, Serialize)]
pub(super) struct Need {
    what: &'static str,
    name: Option<String>,
    /// The first kernel with it, if later than the oldest supported kernel.
    #[serde(serialize_with = "as_text")]
    pub(super) since: Option<KernelVersion>,
    /// Whether the running kernel has it; `None` if unknown.
    pub(super) here: Option<bool>,
    /// Whether the load fails without it.
    pub(super) required: bool,
    /// The maps, sections or programs that need it.
    #[serde(rename = "for")]
    users: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

fn as_text<S: serde::Serializer>(version: &Option<KernelVersion>, out: S) -> Result<S::Ok, S::Error> {
    version.map(|version| version.to_string()).serialize(out)
}

impl Need {
    fn new(what: &'static str, here: Option<bool>) -> Self {
        Need { what, name: None, since: None, here, required: true, users: Vec::new(), note: None }
    }

    /// Records that the kernel has a required feature, because the object was loaded, whatever the tables say.
    pub(super) fn prove(&mut self) {
        if self.required {
            self.here = Some(true);
        }
    }

    fn named(self, name: impl std::fmt::Display) -> Self {
        Need { name: Some(name.to_string()), ..self }
    }
}

/// The needs of an object's skeleton, and whether the running kernel meets them.
pub(super) fn needs(outline: &Outline<'_>, skeleton: &Skeleton, machine: &Machine) -> Vec<Need> {
    let asked = Asked { outline, skeleton, machine, btf: KernelBtf::read() };
    let mut needs = vec![Need::new("loader programs", Some(machine.loader.ok))];
    if outline.endian != native::ENDIAN {
        needs.push(Need::new("the other byte order", Some(false)));
    }
    asked.maps(&mut needs);
    asked.programs(&mut needs);
    asked.percpu(&mut needs);
    asked.types(&mut needs);
    asked.targets(&mut needs);
    asked.ksyms(&mut needs);
    asked.kconfig(&mut needs);
    needs
}

struct Asked<'a> {
    outline: &'a Outline<'a>,
    skeleton: &'a Skeleton,
    machine: &'a Machine,
    btf: Option<KernelBtf>,
}

impl Asked<'_> {
    /// Whether an enum of the kernel's BTF has the number; without BTF, the kernel's version decides.
    fn has(&self, name: &str, number: u32, since: Option<KernelVersion>) -> Option<bool> {
        let says = self.btf.as_ref().and_then(|btf| btf.has(name, number));
        says.or_else(|| self.is_from(since))
    }

    /// Whether the kernel is as new, or newer. What `since` does not tell is at least as old as [`OLDEST_TESTED`].
    fn is_from(&self, since: Option<KernelVersion>) -> Option<bool> {
        let here = self.machine.version()?;
        match since {
            Some(since) => Some(here >= since),
            None => (here >= OLDEST_TESTED).then_some(true),
        }
    }

    fn maps(&self, needs: &mut Vec<Need>) {
        let mut types = BTreeMap::<MapType, Vec<String>>::new();
        for map in &self.skeleton.plan.maps {
            types.entry(map.def.map_type).or_default().push(map.name.clone());
        }
        for (ty, users) in types {
            let since = ty.name().and_then(since);
            let need = Need::new("map type", self.has("bpf_map_type", ty.0, since)).named(ty.short());
            needs.push(Need { since, users, ..need });
        }
        self.jump_tables(needs);
        for (flag, name, version) in since::map_flags() {
            let with = self.skeleton.plan.maps.iter().filter(|map| map.def.map_flags.has(flag));
            let users: Vec<String> = with.map(|map| map.name.clone()).collect();
            if !users.is_empty() {
                let need = Need::new("map flag", self.is_from(Some(version))).named(name);
                needs.push(Need { since: Some(version), users, ..need });
            }
        }
    }

    /// Jump tables: the loader creates an instruction array for each.
    fn jump_tables(&self, needs: &mut Vec<Need>) {
        let programs = self.skeleton.plan.programs.iter();
        let with: Vec<_> = programs.filter(|program| !program.native.jump_tables.is_empty()).collect();
        if with.is_empty() {
            return;
        }
        let ty = BPF_MAP_TYPE_INSN_ARRAY;
        let since = ty.name().and_then(since);
        let need = Need::new("map type", self.has("bpf_map_type", ty.0, since)).named(ty.short());
        let required = with.iter().any(|program| program.autoload());
        let users = with.iter().map(|program| program.native.name.clone()).collect();
        needs.push(Need { since, required, users, note: Some("for jump tables".to_owned()), ..need });
    }

    fn programs(&self, needs: &mut Vec<Need>) {
        // A type is required if a program with autoload has it.
        let mut types = BTreeMap::<ProgType, (bool, Vec<String>)>::new();
        let mut attach = BTreeMap::<AttachType, (bool, Vec<String>)>::new();
        for program in &self.skeleton.plan.programs {
            let sec = &program.sec;
            let add = |(required, users): &mut (bool, Vec<String>)| {
                *required |= program.autoload();
                users.push(program.native.name.clone());
            };
            add(types.entry(sec.prog_type).or_default());
            if sec.expected_attach_type != AttachType(0) {
                add(attach.entry(sec.expected_attach_type).or_default());
            }
        }
        for (ty, (required, users)) in types {
            let since = ty.name().and_then(since);
            let mut need = Need::new("program type", self.has("bpf_prog_type", ty.0, since));
            if ty == BPF_PROG_TYPE_UNSPEC {
                // The kernel's enum has this value too, but no program of this type loads.
                (need.here, need.note) = (Some(false), Some("the section name has none; code must set it".to_owned()));
            }
            needs.push(Need { since, required, users, ..need.named(ty.short()) });
        }
        for (ty, (required, users)) in attach {
            let since = ty.name().and_then(since);
            let need = Need::new("attach type", self.has("bpf_attach_type", ty.0, since));
            needs.push(Need { since, required, users, ..need.named(ty.short()) });
        }
    }

    fn percpu(&self, needs: &mut Vec<Need>) {
        if !self.skeleton.plan.has_percpu() {
            return;
        }
        let filled = self.skeleton.plan.steps.iter().filter_map(|step| match step {
            Step::InitPerCpu { map } => Some(self.skeleton.plan.map(*map).name.clone()),
            _ => None,
        });
        let users: Vec<String> = filled.collect();
        let need = Need { required: false, users: users.clone(), ..Need::new("BPF_F_ALL_CPUS", self.machine.all_cpus) };
        let without = "otherwise the runtime writes each CPU's value".to_owned();
        needs.push(Need { since: since(CPU_FLAGS), note: Some(without), ..need });
        let need = Need { required: false, users, ..Need::new(DIRECT, self.machine.direct) };
        let without = "otherwise programs look them up".to_owned();
        needs.push(Need { since: since(DIRECT), note: Some(without), ..need });
    }

    /// The kernel applies CO-RE relocations and finds attach targets with its BTF.
    fn types(&self, needs: &mut Vec<Need>) {
        let programs = self.skeleton.plan.programs.iter();
        let with: Vec<_> = programs
            .filter(|program| !program.native.core_relos.is_empty() || program.sec.btf_target().is_some())
            .collect();
        if !with.is_empty() {
            let required = with.iter().any(|program| program.autoload());
            let users = with.iter().map(|program| program.native.name.clone()).collect();
            let need = Need::new("kernel BTF", Some(self.machine.btf.is_some()));
            needs.push(Need { required, users, ..need });
        }
    }

    /// Attach targets that the load must know.
    fn targets(&self, needs: &mut Vec<Need>) {
        for program in &self.skeleton.plan.programs {
            let Some(target) = program.sec.btf_target() else { continue };
            let kind = Kind::from_number(target.kind.0).unwrap_or(Kind::Func);
            let need = self.in_btf("attach target", kind, &target.name);
            needs.push(Need { required: program.autoload(), users: vec![program.native.name.clone()], ..need });
        }
    }

    /// Kernel symbols. A symbol is not required if only programs without autoload use it.
    fn ksyms(&self, needs: &mut Vec<Need>) {
        let plan = &self.skeleton.plan;
        for (index, ksym) in plan.ksyms.iter().enumerate() {
            let users = plan.users(KsymIdx(index));
            let required = !ksym.weak && users.iter().any(|&user| plan.program(user).autoload());
            let need = match ksym.kind {
                KsymKind::Func => self.in_btf("kfunc", Kind::Func, ksym.kernel_name()),
                KsymKind::Var => self.in_btf("ksym", Kind::Var, ksym.kernel_name()),
                KsymKind::Address => Need::new("ksym", in_kallsyms(&ksym.name)).named(ksym.name.as_str()),
            };
            let users = users.iter().map(|&user| plan.program(user).native.name.clone()).collect();
            needs.push(Need { required, users, ..need });
        }
    }

    /// Whether a kernel configuration can be read; the load reads the options. `LINUX_KERNEL_VERSION` and `LINUX_HAS_*` need no
    /// configuration.
    fn kconfig(&self, needs: &mut Vec<Need>) {
        let externs = externs::externs(self.outline);
        let options =
            externs.iter().filter(|symbol| symbol.kind() == "kconfig" && !symbol.name().starts_with("LINUX_"));
        let (mut required, mut users) = (false, Vec::new());
        for option in options {
            required |= !option.is_weak();
            users.push(option.name().to_owned());
        }
        if !users.is_empty() {
            let need = Need::new("kernel configuration", Some(self.machine.kernel_config.is_some()));
            needs.push(Need { required, users, ..need });
        }
    }

    fn in_btf(&self, what: &'static str, kind: Kind, name: &str) -> Need {
        let found = self.btf.as_ref().map(|btf| btf.find(kind, name));
        let note = match &found {
            Some(Some(Place::Module(module))) => Some(format!("in module {module}")),
            _ => None,
        };
        Need { note, ..Need::new(what, found.map(|place| place.is_some())).named(name) }
    }
}

/// Whether the kernel has a symbol of this name.
fn in_kallsyms(name: &str) -> Option<bool> {
    let symbols = fs::read_to_string("/proc/kallsyms").ok().filter(|text| !text.is_empty())?;
    Some(symbols.lines().any(|line| line.split_ascii_whitespace().nth(2) == Some(name)))
}

/// The needs as a table.
pub(super) fn table(needs: &[Need]) -> Table {
    let mut table = Table::new(&[
        ("NEEDS", Align::Left),
        ("SINCE", Align::Left),
        ("HERE", Align::Left),
        ("FOR", Align::Left),
        ("MORE", Align::Left),
    ]);
    for need in needs {
        let mut what = need.what.to_owned();
        if let Some(name) = &need.name {
            what += &format!(" {name}");
        }
        if !need.required && need.note.is_none() {
            what += " (optional)";
        }
        let here = if need.required { yes_or_no(need.here) } else { known(need.here) };
        table.row([
            what.into(),
            need.since.map(|since| since.to_string()).into(),
            here,
            some_of(&need.users).into(),
            need.note.clone().into(),
        ]);
    }
    table
}

/// The first few names, and the number of the others.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
