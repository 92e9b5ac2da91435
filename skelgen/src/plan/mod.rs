//! What is to be done in the kernel, as a plain list of typed steps.
//!
//! Input: the linked programs and the object's maps. Output: [`LoadPlan`], which can be printed, compared and
//! assembled. Steps name maps and programs by index; what they carry (definitions, bytes, instructions) stands once,
//! in the plan's tables. The kernel's counterpart is `kernel/bpf/syscall.c`: each step is one command of `bpf(2)`, or
//! one of the loader's helpers.

mod build;
mod contexts;
mod display;
mod options;
mod step;

pub use build::{plan, plan_since};
pub use options::PlanOptions;
pub(crate) use options::checked_license;
pub use step::{Image, Step, When};

use crate::fds::{FdTable, Run};
use crate::link::Program;
use crate::object::{Ksym, KsymIdx, KsymKind, Map, MapIdx, ProgIdx, SecDef};
use crate::{Endian, KernelVersion};

/// Everything that a load does, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPlan {
    /// The object's name.
    pub name: String,
    /// Byte order of the kernel that will carry it out.
    pub endian: Endian,
    /// The oldest kernel that it is for, if not any.
    pub min_kernel: Option<KernelVersion>,
    /// The license given with every program.
    pub license: String,
    /// The object's BTF, as `BPF_BTF_LOAD` takes it; empty if it has none.
    pub btf: Vec<u8>,
    /// The maps, as in the object.
    pub maps: Vec<Map>,
    /// What the object refers to of the kernel, as in the object.
    pub ksyms: Vec<Ksym>,
    /// The programs, by the order of their definition.
    pub programs: Vec<PlannedProgram>,
    /// Fallback maps, as indexes of the `.percpu` sections that they replace where a lookup might find nothing.
    pub stand_ins: Vec<MapIdx>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A program, in the one or two forms in which it may be loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedProgram {
    /// The section's name as written.
    pub section: String,
    /// What the section's name says.
    pub sec: SecDef,
    /// The program as linked: it addresses `.percpu` variables directly.
    pub native: Program,
    /// The program for kernels that cannot do that; `None` if it touches no `.percpu` variable, or the plan is for no
    /// such kernel.
    pub lowered: Option<Program>,
}

impl PlannedProgram {
    /// Whether it is loaded unless the user says otherwise: not with `SEC("?...")`, and not without a target.
    pub fn autoload(&self) -> bool {
        self.sec.autoload && !self.sec.needs_target()
    }

    /// The program's form for `image`.
    pub fn image(&self, image: Image) -> &Program {
        match image {
            Image::Native => &self.native,
            Image::Lowered => self.lowered.as_ref().unwrap_or(&self.native),
        }
    }
}

impl LoadPlan {
    /// A plan that does nothing: what a loader does by itself is seen best by it.
    pub fn empty(name: impl Into<String>, endian: Endian) -> Self {
        LoadPlan {
            name: name.into(),
            endian,
            min_kernel: None,
            license: String::new(),
            btf: Vec::new(),
            maps: Vec::new(),
            ksyms: Vec::new(),
            programs: Vec::new(),
            stand_ins: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The map at `index`.
    pub fn map(&self, index: MapIdx) -> &Map {
        &self.maps[index.0]
    }

    /// The program at `index`.
    pub fn program(&self, index: ProgIdx) -> &PlannedProgram {
        &self.programs[index.0]
    }

    /// The ksym at `index`.
    pub fn ksym(&self, index: KsymIdx) -> &Ksym {
        &self.ksyms[index.0]
    }

    /// The programs that refer to a ksym. Both forms of a program refer to the same.
    pub fn users(&self, ksym: KsymIdx) -> Vec<ProgIdx> {
        let refers = |program: &PlannedProgram| program.native.ksym_refs.iter().any(|found| found.ksym == ksym);
        (0..self.programs.len()).map(ProgIdx).filter(|&index| refers(self.program(index))).collect()
    }

    /// The section that a map stands in for.
    pub fn stand_in_name(&self, stand_in: usize) -> &str {
        self.stand_ins.get(stand_in).map_or("", |&map| self.map(map).name.as_str())
    }

    /// The table of file descriptors, as far as programs refer to it.
    pub fn fd_table(&self) -> FdTable {
        let jump_tables = self.programs.iter().map(|program| program.native.jump_tables.len()).sum();
        FdTable::default()
            .with(Run::Maps, self.maps.len())
            .with(Run::JumpTables, jump_tables)
            .with(Run::Fallbacks, self.stand_ins.len())
    }

    /// Whether there are `.percpu` sections, for which the kernel is probed.
    pub fn has_percpu(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Probe))
    }

    /// What a step does and on what, for errors: `create map` `events`.
    pub fn words<'a>(&'a self, step: &'a Step) -> (&'static str, &'a str) {
        let map = |index| self.map(index).name.as_str();
        let program = |index| self.program(index).native.name.as_str();
        match step {
            Step::LoadBtf => ("load the BTF", ""),
            Step::FindKsym { ksym } => {
                let ksym = self.ksym(*ksym);
                (if ksym.kind == KsymKind::Func { "find kfunc" } else { "find ksym" }, ksym.name.as_str())
            }
            Step::Probe => ("probe the kernel", ""),
            Step::CreateMap { map: index, .. } => ("create map", map(*index)),
            Step::CreateStandIn { stand_in } => ("create stand-in for map", self.stand_in_name(*stand_in)),
            Step::InitMap { map: index } | Step::InitPerCpu { map: index } | Step::InitArena { map: index } => {
                ("initialise map", map(*index))
            }
            Step::FreezeMap { map: index } => ("freeze map", map(*index)),
            Step::Populate { outer, .. } => ("populate map", map(*outer)),
            Step::FindTarget { program: index, .. } => ("find the attach target of program", program(*index)),
            Step::CreateJumpTable { program: index, .. } => ("create a jump table of program", program(*index)),
            Step::InitJumpTable { program: index, .. } => ("initialise a jump table of program", program(*index)),
            Step::FreezeJumpTable { program: index, .. } => ("freeze a jump table of program", program(*index)),
            Step::LoadProgram { program: index, .. } => ("load program", program(*index)),
        }
    }
}
