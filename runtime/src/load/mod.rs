//! Loading: one map for the image, and one loader program, which runs once unless the kernel refuses or interrupts a step.
//!
//! ```text
//! BPF_MAP_CREATE      an array of one value, the image
//! mmap                the image is copied there, with what the user changed and what this machine decides
//! BPF_BTF_LOAD        the loader's BTF
//! BPF_PROG_LOAD       the loader
//! BPF_PROG_TEST_RUN   makes the maps, fills them and loads the programs
//! BPF_MAP_UPDATE_ELEM each .percpu section, on kernels without BPF_F_ALL_CPUS only
//! BPF_PROG_BIND_MAP   each program, of objects with variables bpf_metadata_* only
//! ```
//!
//! Some maps are not for the loader to make: the runtime does it before all this (`own`), and the loader finds them as
//! maps that exist. If the kernel refuses the object's BTF, or the addresses of kfuncs, the loader goes on from there and does
//! without.

mod core_relos;
mod core_types;
mod kfunc_addresses;
mod loaded;
mod lookup;
mod machine;
mod metadata;
mod min_kernel;
mod not_created;
mod object_btf;
mod outcome;
mod own;
mod patch;
mod percpu;
mod pins;
mod prototypes;
mod struct_ops;
mod target;
mod untyped;
mod usdt;
mod values;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::desc::ProgDesc;
use crate::features::Features;
use crate::image::FEATURE_ALL_CPUS;
use crate::kconfig;
use crate::map::Map;
use crate::open::{OpenMap, OpenProgram, Opened};
use crate::prog::Program;
use crate::sys::elem::{MapFd, Shape};
use crate::{Error, Result, cpus, diagnose, token};
pub use loaded::Loaded;
use machine::Machine;
use outcome::Made;
use patch::Patches;
use pins::Pins;

impl Opened<'_> {
    /// Makes the maps, fills them and loads the programs.
    ///
    /// `maps` and `programs` are what was changed, in any order; those left out are as the object has them. `values`
    /// are maps' indexes and first values, as [`value`](Opened::value) gave and the user changed them. What exists
    /// already and was handed in keeps its values.
    ///
    /// # Errors
    ///
    /// The kernel refuses: the error names the step, the map or program, and has the verifier's log. What was made so
    /// far is closed, and what was pinned is unpinned.
    pub fn load(
        &self,
        maps: impl Into<Vec<OpenMap>>,
        programs: impl Into<Vec<OpenProgram>>,
        values: &[(usize, &[u8])],
    ) -> Result<Loaded> {
        // What is generic is compiled with each skeleton, so that this is all of it.
        self.load_changed(maps.into(), programs.into(), values).map_err(|error| error.object(self.desc.name))
    }

    fn load_changed(
        &self,
        maps: Vec<OpenMap>,
        programs: Vec<OpenProgram>,
        values: &[(usize, &[u8])],
    ) -> Result<Loaded> {
        let mut all_maps = self.all_maps();
        for map in maps {
            let place = all_maps.get_mut(map.index).filter(|place| place.name == map.name);
            match place {
                Some(place) => *place = map,
                None => return Err(foreign("map", &map.name)),
            }
        }
        let mut all_progs = self.all_programs();
        for program in programs {
            let place = all_progs.get_mut(program.index).filter(|place| place.name == program.name);
            match place {
                Some(place) => *place = program,
                None => return Err(foreign("program", &program.name)),
            }
        }
        let mut pins = Pins::default();
        for _ in 0..pins::attempts(&all_maps) {
            let maps = all_maps.iter().map(OpenMap::try_clone).collect::<Result<Vec<_>>>()?;
            if let Some(loaded) = run(self, maps, all_progs.clone(), values, &mut pins)? {
                pins.keep();
                return Ok(loaded);
            }
        }
        Err(pins.lost())
    }
}

fn foreign(what: &'static str, name: &str) -> Error {
    Error::new(format!("load {what}")).subject(name).because("it was opened with another object")
}

/// Loads what was opened; `None` if somebody has pinned a map where a new one was to be pinned: that is the one to use, in
/// another run.
fn run(
    opened: &Opened<'_>,
    maps: Vec<OpenMap>,
    programs: Vec<OpenProgram>,
    values: &[(usize, &[u8])],
    pins: &mut Pins,
) -> Result<Option<Loaded>> {
    min_kernel::check(opened)?;
    if maps.iter().any(|map| map.shape.per_cpu()) {
        // Better now than when everything is made.
        cpus::possible()?;
    }

    let token = token::create(&opened.token)?;
    let load = || run_with(opened, maps, programs, values, pins, token.as_ref().map(AsFd::as_fd));
    load().map_err(|error| token::blame(error, token.as_ref()))
}

/// Loads with a token, or none.
fn run_with(
    opened: &Opened<'_>,
    mut maps: Vec<OpenMap>,
    mut programs: Vec<OpenProgram>,
    values: &[(usize, &[u8])],
    pins: &mut Pins,
    token: Option<BorrowedFd<'_>>,
) -> Result<Option<Loaded>> {
    // What is in place of what the image says.
    let mut patches = Patches::new(opened);
    pins::find(opened, &mut maps, &patches)?;
    let found = kconfig::values(opened, &maps, token)?;
    let values = &[values, &found.iter().map(|(map, value)| (*map, value.as_slice())).collect::<Vec<_>>()].concat();
    let mut late = Vec::new();
    for &(map, value) in values {
        late.extend(patches.value(map, value)?);
    }
    let struct_ops = struct_ops::prepare(opened, &mut maps, &mut programs, &mut patches)?;
    not_created::leave_out(opened, &mut maps, &mut patches)?;
    let own = own::make(opened, &mut maps, token, &mut patches, values)?;
    maps.iter().try_for_each(|map| patches.map(map))?;
    usdt::choose(&mut programs, opened.desc.progs);
    programs.iter().try_for_each(|program| patches.program(program))?;
    patches.inner_maps()?;
    patches.features(percpu::start_features(opened.mode));

    let machine = Machine::new(opened, token)?;
    let targets = target::find(&machine, &programs, opened.desc.progs, &mut patches)?;
    prototypes::check(opened, &machine, &mut patches)?;
    token.map_or(Ok(()), |token| patches.token(token))?;
    let Made { fds, features } = machine.load(&mut patches).map_err(|error| {
        struct_ops::blame_link(opened, percpu::blame_mode(opened.mode, min_kernel::explain(opened, error)))
    })?;
    drop(targets);
    let probed = percpu::remember(opened, features);

    // What was made, as handles.
    let mut fds: Vec<Option<OwnedFd>> = fds;
    let mut take = |at: u32| fds.get_mut(((at - opened.header.fds) / 4) as usize).and_then(Option::take);
    let mut made = Vec::with_capacity(maps.len());
    for (open, desc) in maps.iter_mut().zip(opened.desc.maps) {
        let is_own = own.made[open.index];
        let (map, is_new) = match (open.reuse.take(), take(desc.fd)) {
            (Some(map), _) => (map, is_own),
            (None, Some(fd)) => (new_map(fd, open, patches.max_entries(open)?)?, true),
            // The handle of a struct_ops map does without one.
            (None, None) if !open.autocreate() && open.struct_ops.is_none() => {
                made.push(Some(Map::absent(open.wanted_shape(), &open.name)?));
                continue;
            }
            (None, None) => {
                made.push(None);
                continue;
            }
        };
        if is_new && !is_own {
            values::complete(opened, open.index, &map, values, &late, features & FEATURE_ALL_CPUS != 0)?;
        }
        if is_new && !pins.add(open, &map)? {
            return Ok(None);
        }
        made.push(Some(map));
    }
    let programs: Vec<_> =
        programs.iter().zip(opened.desc.progs).map(|(open, desc)| Some(program(take(desc.fd), open, desc))).collect();
    metadata::bind(opened.desc.maps, &made, programs.iter().flatten())?;
    let struct_ops = struct_ops.ready(opened, &maps, &programs)?;
    let features = Features::from_bits(features);
    Ok(Some(Loaded { maps: made, programs, struct_ops, arena: own.arena, features, probed }))
}

/// The map behind a descriptor that the loader made for `open`. [`layout`](crate::layout) has checked that the kernel was
/// given these sizes.
fn new_map(fd: OwnedFd, open: &OpenMap, max_entries: u32) -> Result<Map> {
    let shape = Shape { max_entries, ..open.wanted_shape() };
    let fd = MapFd::sized(fd, shape)
        .map_err(|errno| diagnose::refused(Error::new("use map").subject(&*open.name), errno))?;
    Ok(Map::new(fd, &open.name))
}

fn program(fd: Option<OwnedFd>, open: &OpenProgram, desc: &ProgDesc<'_>) -> Program {
    Program {
        fd,
        name: desc.name.into(),
        section: desc.section.into(),
        prog_type: open.prog_type,
        expected_attach_type: open.expected_attach_type,
        attach: desc.attach.to_static(),
        autoattach: open.autoattach,
    }
}

/// A descriptor's number, for the image.
fn number(fd: &impl AsFd) -> u32 {
    fd.as_fd().as_raw_fd().cast_unsigned()
}
