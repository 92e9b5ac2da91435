//! Checks the records of an image, before the loader program carries them out.
//!
//! The loader does what the records say, with the rights of this process: a record could have the kernel write a log to
//! any address, make a map of other sizes than its handle believes, or close somebody else's descriptor. So a record is
//! taken only if all of this holds, for any answers of the kernel:
//!
//! - The header, the records and the table of descriptors are written by the loader's own bookkeeping only.
//! - A descriptor that a command makes goes to its entry in the table, and nothing else goes there. So after a run each
//!   entry that has changed is a descriptor that this run made.
//! - The entry of a map takes maps that are made by one of the map's own attrs. Of such an attr only the descriptors of
//!   types and of an inner map change; the runtime changes what a user may set.
//! - No attr asks for a log; the runtime does, in memory of its own.
//! - Maps are filled and frozen by entries of the table, not by numbers.
//! - What is closed are entries of the table that belong to no map, program or types.

use super::malformed;
use crate::Result;
use crate::desc::ObjectDesc;
use crate::image::{
    ARG_MAX, AT_NOWHERE, HEADER_SIZE, Header, OP_BPF, OP_CLOSE, OP_COPY, OP_FIND_BTF, OP_FIND_KSYM, OP_POINT, OP_PROBE,
    Read as _, STEP_SIZE, Step,
};
use crate::sys::attr::{CoreRelo, Insn, MapElem, MapFreeze, place};
use crate::sys::uapi::{BPF_BTF_LOAD, BPF_MAP_CREATE, BPF_MAP_FREEZE, BPF_MAP_UPDATE_ELEM, BPF_PROG_LOAD, Command};

/// No descriptor.
const NONE: u32 = u32::MAX;

/// Checks `steps`, all records of an image whose tables are inside it.
pub(super) fn check(desc: &ObjectDesc<'_>, image: &[u8], header: &Header, steps: &[Step]) -> Result<()> {
    let owners = Owners::of(desc, image, header, steps)?;
    let regions = Regions::of(image, header, steps)?;
    described_attrs(desc, &regions)?;
    written_by_the_runtime(desc, image, steps, &regions)?;
    let checked = Checked { desc, image, header, owners, regions };
    for (index, step) in steps.iter().enumerate() {
        checked.step(step).ok_or_else(|| {
            let error = malformed("the loader's record does what no record may");
            match desc.steps.get(step.plan as usize) {
                Some(named) => error.subject(format!("in step {index}, {} {}", named.what, named.subject)),
                None => error.subject(format!("in step {index}")),
            }
        })?;
    }
    Ok(())
}

/// Whose an entry of the table of descriptors is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    Map(usize),
    Program(usize),
    /// Of the object's BTF.
    Types,
}

/// By entry of the table of descriptors.
struct Owners(Vec<Owner>);

impl Owners {
    fn of(desc: &ObjectDesc<'_>, image: &[u8], header: &Header, steps: &[Step]) -> Result<Owners> {
        let mut owners = Owners(vec![Owner::Nobody; header.nr_fds as usize]);
        let maps = desc.maps.iter().enumerate().map(|(index, map)| (map.fd, Owner::Map(index)));
        let programs = desc.progs.iter().enumerate().map(|(index, program)| (program.fd, Owner::Program(index)));
        for (fd, owner) in maps.chain(programs) {
            match owners.0.get_mut(slot(header, fd).unwrap_or(usize::MAX)) {
                Some(free @ Owner::Nobody) => *free = owner,
                _ => return Err(malformed("two maps or programs share a descriptor")),
            }
        }
        for step in steps.iter().filter(|step| step.cmd == BPF_BTF_LOAD.0 && step.op == OP_BPF) {
            match owners.0.get_mut(slot(header, step.out).unwrap_or(usize::MAX)) {
                Some(free @ (Owner::Nobody | Owner::Types)) => *free = Owner::Types,
                _ => return Err(malformed("the types have a map's or program's descriptor")),
            }
        }
        for (owner, at) in owners.0.iter().zip((header.fds..).step_by(4)) {
            match (image.u32(at), owner) {
                (Some(NONE), _) | (Some(0), Owner::Nobody) => {}
                _ => return Err(malformed("a descriptor is not empty")),
            }
        }
        Ok(owners)
    }
}

/// The number of the entry at `at` of the table of descriptors.
fn slot(header: &Header, at: u32) -> Option<usize> {
    let offset = at.checked_sub(header.fds).filter(|offset| offset.is_multiple_of(4))?;
    (offset / 4 < header.nr_fds).then_some((offset / 4) as usize)
}

/// What records may not write, or not wholly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The header, the records, or the table of descriptors.
    Table,
    /// The attr of a command.
    Attr(Command),
}

/// In order, and apart from each other.
struct Regions(Vec<(u32, u32, What)>);

impl Regions {
    fn of(image: &[u8], header: &Header, steps: &[Step]) -> Result<Regions> {
        let len = u32::try_from(image.len()).map_err(|_| malformed("the image is too long"))?;
        // `Header::of` saw that the tables are inside.
        let mut regions = vec![
            (0, AT_NOWHERE, What::Table),
            (AT_NOWHERE + 8, HEADER_SIZE, What::Table),
            (header.steps, header.steps + header.nr_steps * STEP_SIZE, What::Table),
            (header.fds, header.fds + header.nr_fds * 4, What::Table),
        ];
        regions.retain(|(start, end, _)| start < end);
        for step in steps.iter().filter(|step| matches!(step.op, OP_BPF | OP_PROBE)) {
            let end = step.arg.checked_add(step.size).filter(|&end| end <= len && step.size <= ARG_MAX);
            let end = end.filter(|_| step.arg.is_multiple_of(4) && step.size >= least_size(Command(step.cmd)));
            regions.push((
                step.arg,
                end.ok_or_else(|| malformed("an attr is not whole"))?,
                What::Attr(Command(step.cmd)),
            ));
        }
        regions.sort_unstable();
        regions.dedup();
        if regions.windows(2).any(|pair| pair[0].1 > pair[1].0) {
            return Err(malformed("two parts of the image overlap"));
        }
        Ok(Regions(regions))
    }

    /// Those that have bytes of a range.
    fn over(&self, start: u32, end: u32) -> impl Iterator<Item = &(u32, u32, What)> {
        let first = self.0.partition_point(|region| region.1 <= start);
        self.0[first..].iter().take_while(move |region| region.0 < end)
    }

    fn is_attr(&self, at: u32, cmd: Command) -> bool {
        self.over(at, at.saturating_add(1)).any(|&(start, _, what)| start == at && what == What::Attr(cmd))
    }
}

/// Bytes that the attr of a command has at least: up to the last field that the runtime fills in. Of no command that the
/// loader may carry out, more than an attr can have.
fn least_size(cmd: Command) -> u32 {
    match cmd {
        BPF_MAP_CREATE => place!(MapCreate.map_token_fd) + 4,
        BPF_PROG_LOAD => place!(ProgLoad.prog_token_fd) + 4,
        BPF_BTF_LOAD => place!(BtfLoad.btf_token_fd) + 4,
        BPF_MAP_UPDATE_ELEM => size_of::<MapElem>() as u32,
        BPF_MAP_FREEZE => size_of::<MapFreeze>() as u32,
        _ => ARG_MAX + 1,
    }
}

/// Each attr that the description has is a map's or program's alone, and its step makes one.
fn described_attrs(desc: &ObjectDesc<'_>, regions: &Regions) -> Result<()> {
    let maps = desc.maps.iter().flat_map(|map| map.attrs.iter().map(|&at| (at, BPF_MAP_CREATE)));
    let programs = desc.progs.iter().flat_map(|program| program.attrs.iter().map(|&at| (at, BPF_PROG_LOAD)));
    let mut attrs: Vec<_> = maps.chain(programs).collect();
    attrs.sort_unstable();
    let shared = attrs.windows(2).any(|pair| pair[0].0 == pair[1].0);
    if shared || !attrs.iter().all(|&(at, cmd)| regions.is_attr(at, cmd)) {
        return Err(malformed("an attr is not that of a step that makes the map or program"));
    }
    Ok(())
}

/// What the runtime writes to the image besides attrs is apart from all that the loader goes by.
fn written_by_the_runtime(desc: &ObjectDesc<'_>, image: &[u8], steps: &[Step], regions: &Regions) -> Result<()> {
    let switches = desc.maps.iter().map(|map| map.reused).filter(|&at| at != 0);
    let switches = switches.chain(desc.progs.iter().map(|program| program.skip)).map(|at| (at, 4));
    let values = desc.maps.iter().filter_map(|map| map.variables()?.0);
    let offsets = desc.maps.iter().filter_map(|map| map.arena.as_ref()).flat_map(|arena| arena.offsets);
    let programs = steps.iter().filter_map(|step| part_of_program(image, regions, step));
    let mut places = switches.chain(values).chain(offsets.map(|&at| (at, 4))).chain(programs);
    if places.any(|(at, len)| regions.over(at, at.saturating_add(len)).next().is_some()) {
        return Err(malformed("two parts of the image overlap"));
    }
    Ok(())
}

/// The instructions or CO-RE relocations of a program, if `step` points its attr to them: place and bytes.
fn part_of_program(image: &[u8], regions: &Regions, step: &Step) -> Option<(u32, u32)> {
    const PARTS: [(u32, u32, u32); 2] = [
        (place!(ProgLoad.insns), place!(ProgLoad.insn_cnt), size_of::<Insn>() as u32),
        (place!(ProgLoad.core_relos), place!(ProgLoad.core_relo_cnt), size_of::<CoreRelo>() as u32),
    ];
    let is_attr = |region: &&(u32, u32, What)| region.2 == What::Attr(BPF_PROG_LOAD);
    let &(attr, ..) =
        regions.over(step.out, step.out.saturating_add(1)).find(is_attr).filter(|_| step.op == OP_POINT)?;
    let &(_, count, size) = PARTS.iter().find(|(place, ..)| attr + place == step.out)?;
    Some((step.arg, image.u32(attr + count)?.saturating_mul(size)))
}

struct Checked<'a> {
    desc: &'a ObjectDesc<'a>,
    image: &'a [u8],
    header: &'a Header,
    owners: Owners,
    regions: Regions,
}

impl Checked<'_> {
    fn step(&self, step: &Step) -> Option<()> {
        let inside = |at: u32, len: u32| at.checked_add(len).filter(|&end| end as usize <= self.image.len()).map(drop);
        match step.op {
            OP_BPF | OP_PROBE => self.command(step),
            OP_COPY => {
                inside(step.arg, 4)?;
                self.written(step.out, 4, slot(self.header, step.arg))
            }
            OP_POINT => {
                inside(step.arg, 0)?;
                self.written(step.out, 8, None)
            }
            OP_FIND_KSYM => {
                inside(step.arg, step.size)?;
                self.written(step.out, 8, None)
            }
            OP_FIND_BTF => {
                inside(step.arg, step.size)?;
                // 0 is the kernel's own BTF.
                self.is_free(step.out2, 0)?;
                self.written(step.out, 4, None)
            }
            OP_CLOSE => self.is_free(step.arg, NONE),
            _ => None,
        }
    }

    /// bpf(2): what is in the attr, and where the result goes.
    fn command(&self, step: &Step) -> Option<()> {
        let word = |place: u32| self.image.u32(step.arg.checked_add(place)?);
        let none = |places: &[u32]| places.iter().all(|&place| word(place) == Some(0)).then_some(());
        match Command(step.cmd) {
            BPF_MAP_UPDATE_ELEM | BPF_MAP_FREEZE => {
                // Until an entry of the table is copied there.
                (word(place!(MapElem.map_fd)) == Some(NONE) && step.out == AT_NOWHERE).then_some(())
            }
            BPF_MAP_CREATE => match self.owner(step.out)? {
                Owner::Map(index) => self.desc.maps[index].attrs.contains(&step.arg).then_some(()),
                owner => (owner == Owner::Nobody && self.rests(step.out, NONE)).then_some(()),
            },
            BPF_PROG_LOAD => {
                let log = place!(ProgLoad.log_buf);
                none(&[place!(ProgLoad.log_level), place!(ProgLoad.log_size), log, log + 4])?;
                match self.owner(step.out)? {
                    Owner::Program(index) => self.desc.progs[index].attrs.contains(&step.arg).then_some(()),
                    owner => (owner == Owner::Nobody && self.rests(step.out, NONE)).then_some(()),
                }
            }
            BPF_BTF_LOAD => {
                let log = place!(BtfLoad.btf_log_buf);
                none(&[place!(BtfLoad.btf_log_level), place!(BtfLoad.btf_log_size), log, log + 4])?;
                (self.owner(step.out)? == Owner::Types).then_some(())
            }
            _ => None,
        }
    }

    /// Whose the entry at `at` of the table of descriptors is.
    fn owner(&self, at: u32) -> Option<Owner> {
        self.owners.0.get(slot(self.header, at)?).copied()
    }

    fn rests(&self, at: u32, word: u32) -> bool {
        self.image.u32(at) == Some(word)
    }

    /// Whether there is an entry of the table of descriptors at `at` that is nobody's and holds `empty` at rest.
    fn is_free(&self, at: u32, empty: u32) -> Option<()> {
        (self.owner(at)? == Owner::Nobody && self.rests(at, empty)).then_some(())
    }

    /// Whether a record may write `len` bytes at `at`, of what is in `entry` of the table of descriptors if it is a copy of
    /// that.
    fn written(&self, at: u32, len: u32, entry: Option<usize>) -> Option<()> {
        let end = at.checked_add(len).filter(|&end| end as usize <= self.image.len())?;
        at.is_multiple_of(len).then_some(())?;
        let may = |&(start, _, what): &(u32, u32, What)| {
            let What::Attr(cmd) = what else { return false };
            // Inside of one attr: the next one's own turn comes.
            let Some(field) = at.checked_sub(start) else { return false };
            match cmd {
                BPF_MAP_CREATE => {
                    [place!(MapCreate.btf_fd), place!(MapCreate.inner_map_fd)].contains(&field) && len == 4
                }
                BPF_BTF_LOAD => field == place!(BtfLoad.btf) && len == 8,
                BPF_PROG_LOAD => field + len <= place!(ProgLoad.log_level) || field >= place!(ProgLoad.log_buf) + 8,
                // The map's descriptor, and not by its number.
                _ if field < 4 => len == 4 && field == 0 && entry.is_some_and(|entry| self.is_map_or_table(entry)),
                _ => true,
            }
        };
        self.regions.over(at, end).all(may).then_some(())
    }

    /// Whether an entry of the table of descriptors is -1 until a map is there.
    fn is_map_or_table(&self, entry: usize) -> bool {
        self.header.fds.checked_add(entry as u32 * 4).is_some_and(|at| self.rests(at, NONE))
    }
}
