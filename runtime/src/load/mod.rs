//! Loading: one map for the image, one loader program, one run of it.
//!
//! ```text
//! BPF_MAP_CREATE      an array of one value, the image
//! mmap                the image is copied there, with what the user changed and what this machine decides
//! BPF_BTF_LOAD        the loader's BTF
//! BPF_PROG_LOAD       the loader
//! BPF_PROG_TEST_RUN   makes the maps, fills them and loads the programs
//! BPF_MAP_UPDATE_ELEM each .percpu section, on kernels without BPF_F_ALL_CPUS only
//! ```
//!
//! The image has no room for a section that was made longer: its map is made and filled before all this, and the
//! loader finds it as one that exists. So it does an arena, which has to be mapped before programs can be loaded, and
//! local storages. If the kernel refuses the object's BTF, the loader runs once more and does without.

mod arena;
mod loaded;
mod lookup;
mod machine;
mod min_kernel;
mod outcome;
mod patch;
mod prototypes;
mod resize;
mod storage;
mod struct_ops;
mod target;
mod untyped;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use crate::desc::{DataKind, ProgDesc};
use crate::features::{self, Features};
use crate::image::{FEATURE_ALL_CPUS, FEATURE_DIRECT, FEATURE_FORCED, FEATURE_KNOWN, OP_PROBE};
use crate::kconfig;
use crate::map::{Map, c_path, unpin};
use crate::open::{OpenMap, OpenProgram, Opened, PerCpuMode};
use crate::percpu::{KEY, fill_all};
use crate::prog::Program;
use crate::sys::elem::{MapFd, Shape};
use crate::sys::uapi::BPF_ANY;
use crate::sys::{Errno, bpf};
use crate::{Error, Result, cpus};
pub use loaded::Loaded;
use machine::Machine;
use outcome::Made;
use patch::Patches;

impl Opened<'_> {
    /// Makes the maps, fills them and loads the programs, in two round trips to the kernel.
    ///
    /// `maps` and `programs` are what was changed, in any order; those left out are as the object has them. `values`
    /// are maps' indexes and first values, as [`value`](Opened::value) gave and the user changed them. What exists
    /// already and was handed in keeps its values.
    ///
    /// # Errors
    ///
    /// The kernel refuses: the error names the step, the map or program, and has the verifier's log. What was made so
    /// far is closed.
    pub fn load(
        &self,
        maps: impl IntoIterator<Item = OpenMap>,
        programs: impl IntoIterator<Item = OpenProgram>,
        values: &[(usize, &[u8])],
    ) -> Result<Loaded> {
        let load = || {
            let mut all_maps = (0..self.desc.maps.len()).map(|index| self.map(index)).collect::<Result<Vec<_>>>()?;
            for map in maps {
                let place = all_maps.get_mut(map.index).filter(|place| place.name == map.name);
                match place {
                    Some(place) => *place = map,
                    None => return Err(foreign("map", &map.name)),
                }
            }
            let mut all_progs = (0..self.desc.progs.len()).map(|i| self.program(i)).collect::<Result<Vec<_>>>()?;
            for program in programs {
                let place = all_progs.get_mut(program.index).filter(|place| place.name == program.name);
                match place {
                    Some(place) => *place = program,
                    None => return Err(foreign("program", &program.name)),
                }
            }
            run(self, all_maps, all_progs, values)
        };
        load().map_err(|error| error.object(self.desc.name))
    }
}

fn foreign(what: &'static str, name: &str) -> Error {
    Error::new(format!("load {what}")).subject(name).because("it was opened with another object")
}

/// Loads what was opened.
fn run(
    opened: &Opened<'_>,
    mut maps: Vec<OpenMap>,
    mut programs: Vec<OpenProgram>,
    values: &[(usize, &[u8])],
) -> Result<Loaded> {
    min_kernel::check(opened)?;
    if maps.iter().any(|map| map.shape.per_cpu()) {
        // Better now than when everything is made.
        cpus::possible()?;
    }
    let mut patches = Patches::new(opened);
    for map in maps.iter_mut().filter(|map| map.autocreate()) {
        let max_entries = patches.max_entries(map)?;
        find_pinned(opened, map, max_entries)?;
    }
    let found = kconfig::values(opened, &maps)?;
    let values = &[values, &found.iter().map(|(map, value)| (*map, value.as_slice())).collect::<Vec<_>>()].concat();
    let mut late = Vec::new();
    for &(map, value) in values {
        late.extend(patches.value(map, value)?);
    }
    let struct_ops = struct_ops::prepare(opened, &mut maps, &mut programs, &mut patches)?;
    let mut ready = vec![false; maps.len()];
    let btf = storage::make(opened, &mut maps, &mut patches, &mut ready)?;
    let mut arena = None;
    for map in &mut maps {
        ready[map.index] |= resize::make(opened, map, values)?;
        if let Some((made, new)) = arena::make(opened, map, &mut patches, values)? {
            arena = Some(made);
            ready[map.index] = new;
        }
        patches.map(map)?;
    }
    for program in &programs {
        patches.program(program)?;
    }
    patches.inner_maps()?;
    let other = prototypes::words(opened.desc.image, &opened.header, |at| patches.is_set(at))?;
    patches.words(other);
    patches.features(start_features(opened.mode));

    let machine = Machine::new(opened)?;
    let targets = target::find(&machine, &programs, opened.desc.progs, &mut patches)?;
    let loaded = machine.load(&mut patches);
    drop((btf, targets));
    let Made { fds, features } = loaded
        .map_err(|error| struct_ops::blame_link(opened, blame_mode(opened.mode, min_kernel::explain(opened, error))))?;
    let mut fds: Vec<Option<OwnedFd>> = fds;
    let probed = remember(opened, features);
    let mut take = |at: u32| fds.get_mut(((at - opened.header.fds) / 4) as usize).and_then(Option::take);

    let mut fresh = ready.clone();
    let mut made = Vec::with_capacity(maps.len());
    for (open, desc) in maps.iter_mut().zip(opened.desc.maps) {
        let map = match open.reuse.take() {
            Some(map) => Some(map),
            None => match take(desc.fd) {
                Some(fd) => {
                    fresh[open.index] = true;
                    Some(new_map(fd, open, patches.max_entries(open)?)?)
                }
                None => None,
            },
        };
        made.push(map);
    }
    let programs: Vec<_> =
        programs.iter().zip(opened.desc.progs).map(|(open, desc)| Some(program(take(desc.fd), open, desc))).collect();
    drop(fds);

    let fresh = fresh.into_iter().enumerate().filter_map(|(index, fresh)| fresh.then_some(index));
    let all_cpus = features & FEATURE_ALL_CPUS != 0;
    let mut pinned = Pinned::default();
    for index in fresh {
        let Some(map) = &made[index] else { continue };
        let late = late.iter().find_map(|&(map, value)| (map == index).then_some(value));
        if ready[index] {
            // It was filled when it was made.
        } else if let Some(value) = first_percpu_value(opened, index, values).filter(|_| late.is_some() || !all_cpus) {
            fill_percpu(map, value)?;
        } else if let Some(value) = late {
            fill_section(map, value)?;
        }
        if let Some(path) = &maps[index].pin_path {
            map.pin(path)?;
            pinned.0.push(path);
        }
    }
    let struct_ops = struct_ops.ready(opened, &maps, &programs)?;
    pinned.0.clear();
    Ok(Loaded { maps: made, programs, struct_ops, arena, features: Features::from_bits(features), probed })
}

/// Maps pinned by a load that may still fail, which then takes the pins away again.
#[derive(Default)]
struct Pinned<'a>(Vec<&'a Path>);

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = unpin(path);
        }
    }
}

/// What the loader is told of the kernel before it starts.
fn start_features(mode: PerCpuMode) -> u32 {
    let known = features::known().map_or(0, |features| FEATURE_KNOWN | features.bits());
    match mode {
        PerCpuMode::Auto => known,
        PerCpuMode::Native => known | FEATURE_FORCED | FEATURE_DIRECT,
        PerCpuMode::Lowered => known & !FEATURE_DIRECT | FEATURE_FORCED,
    }
}

/// Says so if it is the user's choice of mode that the kernel refuses.
fn blame_mode(mode: PerCpuMode, error: Error) -> Error {
    if mode == PerCpuMode::Native && features::probe().is_ok_and(|features| !features.direct) {
        return error.hint(
            "this kernel does not let programs address `.percpu` variables directly, as Linux 7.3 does; with \
             PerCpuMode::Auto they are looked up here",
        );
    }
    error
}

/// Keeps what the loader found out, and says whether `features` can be believed.
fn remember(opened: &Opened<'_>, features: u32) -> bool {
    let probes = opened.header.steps(opened.desc.image).filter(|step| step.op == OP_PROBE);
    let probed = probes.fold(0, |bits, step| bits | step.feature);
    let found = probed & FEATURE_ALL_CPUS != 0;
    if found && probed & FEATURE_DIRECT != 0 && features & (FEATURE_FORCED | FEATURE_KNOWN) == 0 {
        features::remember(Features::from_bits(features));
    }
    found || features & FEATURE_KNOWN != 0
}

/// Takes the map that is pinned where this one would be, which must be as this one would be, with `max_entries`.
fn find_pinned(opened: &Opened<'_>, map: &mut OpenMap, max_entries: u32) -> Result<()> {
    let (Some(path), None) = (&map.pin_path, &map.reuse) else { return Ok(()) };
    let failed = || Error::new("open pinned map").subject(path.display().to_string());
    let c_path = c_path(path).ok_or_else(|| failed().because("the path has a byte 0"))?;
    match bpf::obj_get(&c_path) {
        Ok(fd) => {
            let pinned = Map::from_fd(fd, &map.name)?;
            map.check_same(&pinned)
                .and_then(|()| map.check_made_so(&pinned, max_entries, map_extra(opened, map.index)))
                .map_err(|error| error.hint(format!("the map pinned at {} is in its place", path.display())))?;
            map.reuse = Some(pinned);
            Ok(())
        }
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(failed().errno_is(errno)),
    }
}

/// `map_extra` that the map would be made with.
fn map_extra(opened: &Opened<'_>, index: usize) -> u64 {
    /// Its place in a `BPF_MAP_CREATE` attr.
    const AT_MAP_EXTRA: usize = 64;
    let attr = opened.desc.maps.get(index).and_then(|desc| desc.attrs.first());
    let extra = attr.and_then(|&attr| opened.desc.image.get(attr as usize + AT_MAP_EXTRA..)?.first_chunk());
    extra.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
}

/// The map behind a descriptor that the loader made for `open`, whose sizes [`layout`](crate::layout) held against
/// what the kernel was given.
fn new_map(fd: OwnedFd, open: &OpenMap, max_entries: u32) -> Result<Map> {
    let shape = Shape { max_entries, ..open.shape };
    let fd = MapFd::sized(fd, shape).map_err(|errno| Error::new("use map").subject(&*open.name).errno_is(errno))?;
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

/// Writes the first value of a section that the object has as all zeroes, before any program can run.
fn fill_section(map: &Map, value: &[u8]) -> Result<()> {
    if value.len() != map.value_size() {
        return Err(map.failed("initialise map").because("the value is not as long as the map's"));
    }
    map.fd().update(&KEY, value, BPF_ANY).map_err(|errno| map.failed("initialise map").errno_is(errno))
}

/// As [`first_value`], of a `.percpu` section.
fn first_percpu_value<'v>(opened: &Opened<'v>, index: usize, values: &[(usize, &'v [u8])]) -> Option<&'v [u8]> {
    let data = opened.desc.maps.get(index)?.data.as_ref()?;
    if data.kind == DataKind::PerCpu { first_value(opened, index, values) } else { None }
}

/// The value that a section starts with, every CPU's if each has its own, unless it is all zeroes, which new maps are.
fn first_value<'v>(opened: &Opened<'v>, index: usize, values: &[(usize, &'v [u8])]) -> Option<&'v [u8]> {
    let desc = opened.desc.maps.get(index)?;
    let data = desc.data.as_ref()?;
    let changed = values.iter().rev().find_map(|&(map, value)| (map == index).then_some(value));
    let value = match (changed, data.init) {
        // What a struct's alignment adds is not the section's.
        (Some(value), _) => value.get(..desc.value_size as usize)?,
        (None, Some((at, len))) => opened.desc.image.get(at as usize..)?.get(..len as usize)?,
        (None, None) => return None,
    };
    value.iter().any(|&byte| byte != 0).then_some(value)
}

fn fill_percpu(map: &Map, value: &[u8]) -> Result<()> {
    fill_all(map, value, false).map_err(|errno| map.failed("initialise per-CPU map").errno_is(errno))
}

/// A descriptor's number, for the image.
fn number(fd: &impl AsFd) -> u32 {
    fd.as_fd().as_raw_fd().cast_unsigned()
}
