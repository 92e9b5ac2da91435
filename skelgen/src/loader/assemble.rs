//! From the plan's steps to the image's records.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use skelgen_abi::attr::{MapCreate, MapElem, MapFreeze, place};
use skelgen_abi::desc::Repeat;

use super::attr::{self, ProgLens};
use super::image::{BlobOff, ImageWriter, Record, within_slack};
use super::infos;
use super::interpreter::Interpreter;
use super::ksyms::Found;
use super::map_types::{self, Types};
use super::probe;
use super::repeats::{Starts, Stored};
use super::wire::{feature, header, op};
use crate::fds::{FdSlot, FdTable, Run};
use crate::insn::encode_all;
use crate::link::Program;
use crate::object::{KsymIdx, KsymKind, MapDef, MapIdx, ProgIdx, Slot};
use crate::plan::{Image, LoadPlan, Step, When};
use crate::uapi::{
    BPF_BTF_LOAD, BPF_F_ALL_CPUS, BPF_MAP_CREATE, BPF_MAP_FREEZE, BPF_MAP_TYPE_ARRAY, BPF_MAP_UPDATE_ELEM,
    BPF_PROG_LOAD, BtfKind,
};
use crate::{Endian, Result};

/// The loader program, its image, and where in the image the runtime finds what it may change and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loader {
    /// The constant program.
    pub interpreter: Interpreter,
    /// The image's bytes, all of them.
    pub image: Vec<u8>,
    /// What the image at rest leaves out, in the image's order.
    pub repeats: Vec<Repeat>,
    /// The image's records, as they stand in it.
    pub records: Vec<Record>,
    /// By map.
    pub maps: Vec<MapSlots>,
    /// By program.
    pub programs: Vec<ProgramSlots>,
}

impl Loader {
    /// The image as a skeleton carries it: without [`repeats`](Self::repeats).
    #[must_use]
    pub fn image_at_rest(&self) -> Cow<'_, [u8]> {
        if self.repeats.is_empty() {
            return Cow::Borrowed(&self.image);
        }
        let mut bytes = Vec::new();
        let mut done = 0;
        for repeat in &self.repeats {
            bytes.extend_from_slice(&self.image[done..repeat.to as usize]);
            done = (repeat.to + repeat.len) as usize;
        }
        bytes.extend_from_slice(&self.image[done..]);
        Cow::Owned(bytes)
    }
}

/// Where a map stands in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSlots {
    /// Its file descriptor.
    pub fd: BlobOff,
    /// Nonzero: nothing is created or filled, as the caller has put a file descriptor there or wants no such map.
    pub reused: BlobOff,
    /// Its `BPF_MAP_CREATE` attrs.
    pub attrs: Vec<BlobOff>,
    /// Its initial bytes, or those of an arena's variables.
    pub init: Option<Range<u32>>,
    /// Of an arena: words in programs that hold an offset among its variables. Where in the arena these lie is to be
    /// added.
    pub offsets: Vec<BlobOff>,
}

/// Where a program stands in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSlots {
    /// Its file descriptor.
    pub fd: BlobOff,
    /// Nonzero: it is not loaded.
    pub skip: BlobOff,
    /// Its `BPF_PROG_LOAD` attrs.
    pub attrs: Vec<BlobOff>,
}

/// Assembles the loader of `plan`.
pub fn assemble(plan: &LoadPlan) -> Result<Loader> {
    let mut assembler = Assembler::new(plan)?;
    for (index, step) in plan.steps.iter().enumerate() {
        assembler.at = index as u32;
        assembler.step(step)?;
    }
    let Assembler { image, fds, maps, programs, repeats, .. } = assembler;
    let (image, records) = image.finish(fds.start, fds.len())?;
    let interpreter = Interpreter::new(map_size(&image, plan.endian), plan.endian)?;
    Ok(Loader { interpreter, image, repeats, records, maps, programs })
}

/// Bytes of the map that an image needs, as its header says.
fn map_size(image: &[u8], endian: Endian) -> u32 {
    endian.u32_at(image, header::SIZE as usize).unwrap_or_default()
}

/// Whether a step may find something in a module's BTF, and need a slot for it.
fn finds_in_btf(plan: &LoadPlan, step: &Step) -> bool {
    match step {
        Step::FindKsym { ksym } => plan.ksym(*ksym).kind != KsymKind::Address,
        step => matches!(step, Step::FindTarget { .. }),
    }
}

/// The table of file descriptors in the image.
#[derive(Clone, Copy)]
pub(super) struct Fds {
    table: FdTable,
    start: BlobOff,
}

impl Fds {
    /// Places the table.
    fn put(image: &mut ImageWriter, table: FdTable) -> Result<Fds> {
        let mut bytes = Vec::new();
        for run in Run::ALL {
            (0..table.len(run)).for_each(|_| image.endian().put_i32(&mut bytes, run.at_rest()));
        }
        Ok(Fds { table, start: image.put(&bytes)? })
    }

    /// Slots.
    fn len(self) -> u32 {
        Run::ALL.map(|run| self.table.len(run)).iter().sum::<usize>() as u32
    }

    /// The place of a slot.
    pub(super) fn at(self, slot: FdSlot) -> BlobOff {
        self.start.plus(4 * slot.0 as u32)
    }

    /// The slot at a place.
    pub(super) fn slot_at(self, place: BlobOff) -> FdSlot {
        FdSlot(((place.0 - self.start.0) / 4) as usize)
    }

    fn run(self, run: Run) -> Slots {
        Slots(self.at(self.table.slot(run, 0)))
    }
}

/// A run of slots in the table of file descriptors, handed out one by one.
pub(super) struct Slots(BlobOff);

impl Slots {
    pub(super) fn next(&mut self) -> BlobOff {
        let slot = self.0;
        self.0 = slot.plus(4);
        slot
    }
}

pub(super) struct Assembler<'a> {
    pub(super) plan: &'a LoadPlan,
    pub(super) endian: Endian,
    pub(super) image: ImageWriter,
    /// The step under way.
    pub(super) at: u32,
    pub(super) fds: Fds,
    /// The next stand-in's slot.
    stand_ins: Slots,
    btf_fd: BlobOff,
    /// The next inner map's slot.
    inners: Slots,
    /// The next module BTF's slot.
    pub(super) modules: Slots,
    /// The next slot of what a probe makes and closes.
    pub(super) probes: Slots,
    pub(super) license: BlobOff,
    pub(super) maps: Vec<MapSlots>,
    pub(super) programs: Vec<ProgramSlots>,
    /// The functions in the image.
    stored: Stored,
    repeats: Vec<Repeat>,
    /// Ksyms found.
    pub(super) ksyms: HashMap<KsymIdx, Found>,
    /// Words that are not zero if none of these programs is loaded.
    pub(super) needless: HashMap<Vec<ProgIdx>, BlobOff>,
    /// Targets found: the words with their BTF id and module BTF's fd.
    targets: HashMap<ProgIdx, (BlobOff, BlobOff)>,
}

impl<'a> Assembler<'a> {
    /// Lays out what the runtime looks at: the table of file descriptors and the words that switch maps and programs
    /// off.
    fn new(plan: &'a LoadPlan) -> Result<Self> {
        let endian = plan.endian;
        let mut image = ImageWriter::new(endian);
        let nr_maps = plan.maps.len();
        let nr_inners = plan.maps.iter().filter(|map| map.inner.is_some()).count();
        let nr_modules = plan.steps.iter().filter(|step| finds_in_btf(plan, step)).count();
        let table = plan
            .fd_table()
            .with(Run::Btf, 1)
            .with(Run::InnerMaps, nr_inners)
            .with(Run::ModuleBtfs, nr_modules)
            .with(Run::Programs, plan.programs.len())
            .with(Run::Probes, if plan.has_percpu() { probe::DESCRIPTORS } else { 0 });
        let fds = Fds::put(&mut image, table)?;

        let mut license = plan.license.clone().into_bytes();
        license.push(0);
        let license = image.put(&license)?;
        let maps = (0..nr_maps)
            .map(|index| {
                let map = &plan.maps[index];
                let bytes = match (&map.data, &map.arena) {
                    (Some(data), _) => data.bytes.as_slice(),
                    (None, Some(arena)) => arena.bytes.as_slice(),
                    (None, None) => &[],
                };
                let init = match bytes {
                    [] => None,
                    bytes => {
                        let start = image.put(bytes)?.0;
                        Some(start..start + bytes.len() as u32)
                    }
                };
                let not_created = map.struct_ops.as_ref().is_some_and(|ops| !ops.autocreate);
                let reused = image.word(u32::from(not_created))?;
                let (attrs, offsets) = (Vec::new(), Vec::new());
                Ok(MapSlots { fd: fds.at(table.slot(Run::Maps, index)), reused, attrs, init, offsets })
            })
            .collect::<Result<Vec<_>>>()?;
        let programs = plan
            .programs
            .iter()
            .enumerate()
            .map(|(index, program)| {
                let skip = image.word(u32::from(!program.autoload()))?;
                Ok(ProgramSlots { fd: fds.at(table.slot(Run::Programs, index)), skip, attrs: Vec::new() })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Assembler {
            plan,
            endian,
            image,
            at: 0,
            fds,
            stand_ins: fds.run(Run::Fallbacks),
            btf_fd: fds.at(table.slot(Run::Btf, 0)),
            inners: fds.run(Run::InnerMaps),
            modules: fds.run(Run::ModuleBtfs),
            probes: fds.run(Run::Probes),
            license,
            maps,
            programs,
            stored: Stored::default(),
            repeats: Vec::new(),
            ksyms: HashMap::new(),
            needless: HashMap::new(),
            targets: HashMap::new(),
        })
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::LoadBtf => self.load_btf(),
            Step::FindKsym { ksym } => self.find_ksym(*ksym),
            Step::Probe => self.probe(),
            Step::CreateMap { map, when } => self.create_map(*map, *when),
            Step::CreateStandIn { stand_in } => self.create_stand_in(*stand_in),
            Step::InitMap { map } => self.init_map(*map, 0, (0, 0)),
            // Not from inside the kernel.
            Step::InitArena { .. } => Ok(()),
            Step::InitPerCpu { map } => self.init_map(*map, BPF_F_ALL_CPUS, (feature::ALL_CPUS, feature::ALL_CPUS)),
            Step::FreezeMap { map } => self.freeze_map(*map),
            Step::Populate { outer, slot, value } => self.populate(*outer, *slot, *value),
            Step::FindTarget { program, name, kind } => self.find_target(*program, name, *kind),
            Step::CreateJumpTable { program, table } => self.create_jump_table(*program, *table),
            Step::InitJumpTable { program, table, image, when } => {
                self.init_jump_table(*program, *table, *image, *when)
            }
            Step::FreezeJumpTable { program, table } => self.freeze_jump_table(*program, *table),
            Step::LoadProgram { program, image, when } => self.load_program(*program, *image, *when),
        }
    }

    fn load_btf(&mut self) -> Result<()> {
        let btf = self.image.put(&self.plan.btf)?;
        let attr = attr::btf_load(self.plan.btf.len()).encode(self.endian);
        let attr = self.attr(BPF_BTF_LOAD.0, &attr, Record { out: self.btf_fd, ..self.always() })?;
        self.image.point(attr.plus(place!(BtfLoad.btf)), btf);
        Ok(())
    }

    fn create_map(&mut self, index: MapIdx, when: When) -> Result<()> {
        let map = self.plan.map(index);
        let slots = self.maps[index.0].clone();
        let when = Record { unless: slots.reused, ..self.when(when) };
        // The type of a struct_ops map's value is the kernel's, and still the object's BTF is asked for.
        let typed = match map.struct_ops {
            Some(_) => !self.plan.btf.is_empty(),
            None => self.is_typed(&map.def, map.data.is_some()) && when.want == when.mask,
        };
        let attr = attr::map_create(&map.kernel_name, &map.def, typed);
        let (attr, size) = self.map_attr(&attr)?;
        if let Some(inner) = &map.inner {
            self.create_inner(&map.name, inner, attr, when)?;
        }
        if typed {
            self.copy(self.btf_fd, attr.plus(place!(MapCreate.btf_fd)), when);
        }
        self.image.record(Record { cmd: BPF_MAP_CREATE.0, arg: attr, size, out: slots.fd, ..when });
        self.maps[index.0].attrs.push(attr);
        Ok(())
    }

    fn create_stand_in(&mut self, index: usize) -> Result<()> {
        let section = self.plan.map(self.plan.stand_ins[index]);
        let def = MapDef {
            map_type: BPF_MAP_TYPE_ARRAY,
            key_size: 4,
            value_size: section.def.value_size,
            max_entries: 1,
            ..MapDef::default()
        };
        let attr = attr::map_create("skelgen_standin", &def, false);
        let out = self.stand_ins.next();
        let (arg, size) = self.map_attr(&attr)?;
        self.image.record(Record { cmd: BPF_MAP_CREATE.0, arg, size, out, ..self.when(When::NotDirect) });
        Ok(())
    }

    /// A map of maps is made after the likeness of an inner map, which is not needed afterwards.
    fn create_inner(&mut self, name: &str, def: &MapDef, outer: BlobOff, when: Record) -> Result<()> {
        let typed = self.is_typed(def, false);
        let attr = attr::map_create(&format!("{name}.inner"), def, typed);
        let (attr, size) = self.map_attr(&attr)?;
        let fd = self.inners.next();
        if typed {
            self.copy(self.btf_fd, attr.plus(place!(MapCreate.btf_fd)), when);
        }
        self.image.record(Record { cmd: BPF_MAP_CREATE.0, arg: attr, size, out: fd, ..when });
        self.copy(fd, outer.plus(place!(MapCreate.inner_map_fd)), when);
        Ok(())
    }

    fn init_map(&mut self, index: MapIdx, flags: u64, (mask, want): (u32, u32)) -> Result<()> {
        let slots = self.maps[index.0].clone();
        let Some(init) = slots.init else { return Ok(()) };
        let when = Record { mask, want, unless: slots.reused, ..self.always() };
        let attr = self.image.put(&attr::map_update_elem(flags).encode(self.endian))?;
        self.image.point(attr.plus(place!(MapElem.key)), BlobOff(header::ZERO));
        self.image.point(attr.plus(place!(MapElem.value)), BlobOff(init.start));
        self.copy(slots.fd, attr.plus(place!(MapElem.map_fd)), when);
        self.image.record(Record { cmd: BPF_MAP_UPDATE_ELEM.0, arg: attr, size: size_of::<MapElem>() as u32, ..when });
        Ok(())
    }

    fn freeze_map(&mut self, index: MapIdx) -> Result<()> {
        let slots = self.maps[index.0].clone();
        let when = Record { unless: slots.reused, ..self.always() };
        let attr = self.image.put(&attr::map_freeze().encode(self.endian))?;
        self.copy(slots.fd, attr.plus(place!(MapFreeze.map_fd)), when);
        self.image.record(Record { cmd: BPF_MAP_FREEZE.0, arg: attr, size: size_of::<MapFreeze>() as u32, ..when });
        Ok(())
    }

    fn populate(&mut self, outer: MapIdx, slot: u32, value: Slot) -> Result<()> {
        let outer = self.maps[outer.0].clone();
        let key = self.image.word(slot)?;
        let (value, unless) = match value {
            Slot::Map(inner) => (self.maps[inner.0].fd, outer.reused),
            // A program that is not loaded leaves its slot empty.
            Slot::Program(program) => {
                let ProgramSlots { fd, skip, .. } = self.programs[program.0];
                (fd, self.either(outer.reused, skip)?)
            }
        };
        let when = Record { unless, ..self.always() };
        let attr = self.image.put(&attr::map_update_elem(0).encode(self.endian))?;
        self.image.point(attr.plus(place!(MapElem.key)), key);
        self.image.point(attr.plus(place!(MapElem.value)), value);
        self.copy(outer.fd, attr.plus(place!(MapElem.map_fd)), when);
        self.image.record(Record { cmd: BPF_MAP_UPDATE_ELEM.0, arg: attr, size: size_of::<MapElem>() as u32, ..when });
        Ok(())
    }

    fn find_target(&mut self, program: ProgIdx, name: &str, kind: BtfKind) -> Result<()> {
        let mut bytes = name.to_owned().into_bytes();
        bytes.push(0);
        let size = within_slack(bytes.len(), "the name of the attach target")?;
        let arg = self.image.put(&bytes)?;
        let (id, module) = (self.image.word(0)?, self.modules.next());
        let unless = self.programs[program.0].skip;
        let find = Record { op: op::FIND_BTF, cmd: kind.0, arg, size, out: id, out2: module, unless, ..self.always() };
        self.image.record(find);
        self.targets.insert(program, (id, module));
        Ok(())
    }

    fn load_program(&mut self, index: ProgIdx, image: Image, when: When) -> Result<()> {
        let planned = self.plan.program(index);
        let program = planned.image(image);
        let slots = self.programs[index.0].clone();
        let when = Record { unless: slots.skip, ..self.when(when) };
        let lens = ProgLens {
            insns: program.insns.len(),
            func_info: program.func_info.len(),
            line_info: program.line_info.len(),
            core_relos: program.core_relos.len(),
        };
        let attr = attr::prog_load(&program.name, &planned.sec, &lens).encode(self.endian);
        let size = attr.len() as u32;
        let attr = self.image.put(&attr)?;
        let insns = self.image.put(&encode_all(&program.insns, self.endian))?;
        self.arena_offsets(program, insns);
        self.image.point(attr.plus(place!(ProgLoad.insns)), insns);
        self.image.point(attr.plus(place!(ProgLoad.license)), self.license);
        self.image.point(attr.plus(place!(ProgLoad.fd_array)), self.fds.start);
        self.ksym_refs(program, insns, when)?;
        let [func_info, line_info, core_relos] = self.infos(program, attr)?;
        let starts: Starts = [insns, func_info, line_info, core_relos];
        let repeats = self.stored.program(program, image, starts, self.image.bytes(), self.endian);
        self.repeats.extend(repeats);
        if !(program.func_info.is_empty() && program.line_info.is_empty() && program.core_relos.is_empty()) {
            self.copy(self.btf_fd, attr.plus(place!(ProgLoad.prog_btf_fd)), when);
        }
        if let Some(&(id, module)) = self.targets.get(&index) {
            self.copy(id, attr.plus(place!(ProgLoad.attach_btf_id)), when);
            self.copy(module, attr.plus(place!(ProgLoad.attach_btf_obj_fd)), when);
        }
        self.image.record(Record { cmd: BPF_PROG_LOAD.0, arg: attr, size, out: slots.fd, ..when });
        self.programs[index.0].attrs.push(attr);
        Ok(())
    }

    /// Places `func_info`, `line_info` and `core_relos`; the kernel takes no pointer to an empty one.
    fn infos(&mut self, program: &Program, attr: BlobOff) -> Result<[BlobOff; 3]> {
        let endian = self.endian;
        let records = [
            (place!(ProgLoad.func_info), infos::func_info(program, endian)),
            (place!(ProgLoad.line_info), infos::line_info(program, endian)),
            (place!(ProgLoad.core_relos), infos::core_relos(program, endian)),
        ];
        let mut places = [BlobOff(0); 3];
        for ((at, bytes), place) in records.into_iter().zip(&mut places).filter(|((_, bytes), _)| !bytes.is_empty()) {
            *place = self.image.put(&bytes)?;
            self.image.point(attr.plus(at), *place);
        }
        Ok(places)
    }

    /// Whether the kernel is told the types of the map's keys and values.
    fn is_typed(&self, def: &MapDef, is_section: bool) -> bool {
        let types = map_types::types_of(def, is_section);
        let are_types = match types {
            Types::None => false,
            Types::Value => def.value_type.is_some() && def.key_type.is_none(),
            Types::KeyAndValue => def.value_type.is_some() && def.key_type.is_some(),
        };
        !self.plan.btf.is_empty() && are_types
    }

    /// Places the attr of a `BPF_MAP_CREATE`: its offset and bytes.
    pub(super) fn map_attr(&mut self, attr: &MapCreate) -> Result<(BlobOff, u32)> {
        let bytes = &attr.encode(self.endian)[..MapCreate::AT_REST];
        Ok((self.image.put(bytes)?, bytes.len() as u32))
    }

    /// Places an attr and has `cmd` carried out with it.
    pub(super) fn attr(&mut self, cmd: u32, attr: &[u8], record: Record) -> Result<BlobOff> {
        let arg = self.image.put(attr)?;
        self.image.record(Record { cmd, arg, size: attr.len() as u32, ..record });
        Ok(arg)
    }

    pub(super) fn copy(&mut self, from: BlobOff, to: BlobOff, when: Record) {
        self.image.record(Record { op: op::COPY, arg: from, out: to, ..when });
    }

    /// A word that is not zero if one of two is not.
    fn either(&mut self, one: BlobOff, other: BlobOff) -> Result<BlobOff> {
        let either = self.image.word(0)?;
        self.copy(one, either, self.always());
        self.copy(other, either, Record { unless: either, ..self.always() });
        Ok(either)
    }

    /// [`Record::ALWAYS`], of the step under way.
    pub(super) fn always(&self) -> Record {
        Record { plan: self.at, ..Record::ALWAYS }
    }

    pub(super) fn when(&self, when: When) -> Record {
        let (mask, want) = match when {
            When::Always => (0, 0),
            When::Direct => (feature::DIRECT, feature::DIRECT),
            When::NotDirect => (feature::DIRECT, 0),
        };
        Record { mask, want, ..self.always() }
    }
}
