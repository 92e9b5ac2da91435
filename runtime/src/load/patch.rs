//! What is written over the image at rest: the user's changes, and what this machine decides.

use std::os::fd::BorrowedFd;

use super::number;
use crate::image::{
    AT_FEATURES, AT_MAGIC, AT_STEP_UNLESS, OP_BPF, OP_COPY, OP_FIND_BTF, OP_PROBE, Read, STEP_SIZE, Step,
};
use crate::layout::map_create_at;
use crate::open::{OpenMap, OpenProgram, Opened};
use crate::sys::attr::place;
use crate::sys::mmap::{Mapping, page_size};
use crate::sys::uapi::{
    BPF_BTF_LOAD, BPF_F_TOKEN_FD, BPF_MAP_CREATE, BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_RINGBUF,
    BPF_MAP_TYPE_USER_RINGBUF, BPF_MAP_UPDATE_ELEM, BPF_PROG_LOAD, BPF_PROG_TYPE_UNSPEC, Command, MapType,
};
use crate::{Error, Result, cpus};

/// The greatest alignment of a variable's type (`__int128`).
const MAX_ALIGN: usize = 16;

/// Changes to an image.
pub(super) struct Patches<'a, 'v> {
    opened: &'a Opened<'a>,
    words: Vec<(u32, u32)>,
    values: Vec<(u32, &'v [u8])>,
    /// Numbers of descriptors that are in the image but not the loader's.
    borrowed: Vec<i32>,
}

impl<'a, 'v> Patches<'a, 'v> {
    pub(super) fn new(opened: &'a Opened<'_>) -> Self {
        Patches { opened, words: Vec::new(), values: Vec::new(), borrowed: Vec::new() }
    }

    /// The word `offset` bytes into what is at `at`; what is said later of the same place wins.
    pub(super) fn word(&mut self, at: u32, offset: u32, word: u32) {
        self.words.push((at.saturating_add(offset), word));
    }

    /// `features` to start with, as `FEATURE_*`.
    pub(super) fn features(&mut self, features: u32) {
        self.words.push((AT_FEATURES, features));
    }

    /// A map's entries, or the map to use instead.
    pub(super) fn map(&mut self, map: &OpenMap) -> Result<()> {
        let desc = &self.opened.desc.maps[map.index];
        if !map.autocreate() {
            return Ok(());
        }
        if let Some(reused) = &map.reuse {
            if desc.reused == 0 {
                let error = Error::new("reuse map").subject(desc.name);
                return Err(error.because("this object does not let it be replaced"));
            }
            self.words.extend([(desc.fd, number(reused)), (desc.reused, 1)]);
            self.borrowed.push(number(reused).cast_signed());
            return Ok(());
        }
        self.inner_map(map)?;
        self.sizes(map)?;
        let max_entries = self.max_entries(map)?;
        if max_entries != desc.max_entries {
            for &attr in desc.attrs {
                let at = attr.checked_add(place!(MapCreate.max_entries));
                self.words
                    .push((at.ok_or_else(|| Error::new("set max_entries of map").subject(desc.name))?, max_entries));
            }
        }
        Ok(())
    }

    /// A map's other sizes than the object's, without the types that are as long as those. A data section's the runtime
    /// makes.
    fn sizes(&mut self, map: &OpenMap) -> Result<()> {
        if map.is_data || !map.is_resized() {
            return Ok(());
        }
        let (desc, shape) = (&self.opened.desc.maps[map.index], map.wanted_shape());
        if self.is_filled(desc.fd) {
            let (key_size, value_size) = (desc.key_size, desc.value_size);
            let why = format!(
                "the object has elements for it, with keys of {key_size} bytes and values of {value_size}, so its sizes \
                 cannot be set"
            );
            return Err(Error::new("create map").subject(desc.name).because(why));
        }
        for &attr in desc.attrs {
            for (place, word) in [
                (place!(MapCreate.key_size), shape.key_size),
                (place!(MapCreate.value_size), shape.value_size),
                (place!(MapCreate.btf_key_type_id), 0),
                (place!(MapCreate.btf_value_type_id), 0),
            ] {
                self.at(attr, place, word)?;
            }
        }
        Ok(())
    }

    /// Whether the image has elements for the map whose descriptor is at `fd`.
    fn is_filled(&self, fd: u32) -> bool {
        let is_fill = |attr: u32| {
            self.steps().any(|(_, step)| step.op == OP_BPF && step.cmd == BPF_MAP_UPDATE_ELEM.0 && step.arg == attr)
        };
        self.steps().any(|(_, copy)| {
            let attr = copy.out.checked_sub(place!(MapElem.map_fd));
            copy.op == OP_COPY && copy.arg == fd && attr.is_some_and(is_fill)
        })
    }

    /// What a map of maps is made after, if it is one: a map that was given, or else the object's definition.
    fn inner_map(&mut self, map: &OpenMap) -> Result<()> {
        if !map.holds_maps() {
            return Ok(());
        }
        for &attr in self.opened.desc.maps[map.index].attrs {
            match &map.inner {
                Some(inner) => self.supersede(attr, place!(MapCreate.inner_map_fd), number(inner))?,
                None if self.is_found(attr, place!(MapCreate.inner_map_fd)) => {}
                None => {
                    let error = Error::new("create map").subject(&*map.name);
                    let why = "its declaration has no inner map";
                    return Err(error.because(why).hint("declare `values`, or call set_inner_map"));
                }
            }
        }
        Ok(())
    }

    /// The map's entries on this machine.
    pub(super) fn max_entries(&self, map: &OpenMap) -> Result<u32> {
        entries_here(map.shape.map_type, map.wanted_shape().max_entries)
    }

    /// Has `word` stand `offset` bytes into the attr at `attr`, in place of what the image's steps find or make for it.
    pub(super) fn supersede(&mut self, attr: u32, offset: u32, word: u32) -> Result<()> {
        let place = attr.checked_add(offset);
        let steps: Vec<_> = self.steps().collect();
        for (copy, step) in steps.iter().filter(|(_, step)| step.op == OP_COPY && Some(step.out) == place) {
            self.leave_out(*copy)?;
            let makes = |source: &Step| matches!(source.op, OP_FIND_BTF | OP_BPF) && source.out == step.arg;
            if let Some(&(source, _)) = steps.iter().find(|(_, source)| makes(source)) {
                self.leave_out(source)?;
            }
        }
        self.at(attr, offset, word)
    }

    /// Whether a step of the image finds or makes what stands `offset` bytes into the attr at `attr`.
    pub(super) fn is_found(&self, attr: u32, offset: u32) -> bool {
        self.steps().any(|(_, step)| step.op == OP_COPY && Some(step.out) == attr.checked_add(offset))
    }

    /// The entries of maps that no description is of: what maps of maps are made after.
    pub(super) fn inner_maps(&mut self) -> Result<()> {
        let image = self.opened.image();
        let described = |attr| self.opened.desc.maps.iter().any(|map| map.attrs.contains(&attr));
        let created = self.steps().filter(|(_, step)| step.op == OP_BPF && step.cmd == BPF_MAP_CREATE.0);
        for (_, Step { arg, .. }) in created.filter(|(_, step)| !described(step.arg)) {
            let Some(attr) = map_create_at(image, arg) else { continue };
            let max_entries = entries_here(attr.map_type, attr.max_entries)?;
            if max_entries != attr.max_entries {
                self.at(arg, place!(MapCreate.max_entries), max_entries)?;
            }
        }
        Ok(())
    }

    /// Whether a program is loaded, and as what.
    pub(super) fn program(&mut self, program: &OpenProgram) -> Result<()> {
        let desc = &self.opened.desc.progs[program.index];
        self.words.push((desc.skip, u32::from(!program.autoload)));
        if !program.autoload {
            return Ok(());
        }
        if program.prog_type == BPF_PROG_TYPE_UNSPEC {
            let why = format!("its section {:?} names no program type", desc.section);
            let hint = "call set_prog_type, or leave it out: set_autoload(false)";
            return Err(Error::new("load program").subject(desc.name).because(why).hint(hint));
        }
        for &attr in desc.attrs {
            if program.prog_type.0 != desc.prog_type {
                self.at(attr, place!(ProgLoad.prog_type), program.prog_type.0)?;
            }
            if program.expected_attach_type.0 != desc.expected_attach_type {
                self.at(attr, place!(ProgLoad.expected_attach_type), program.expected_attach_type.0)?;
            }
            if let Some(flags) = program.prog_flags {
                self.at(attr, place!(ProgLoad.prog_flags), flags.0)?;
            }
        }
        Ok(())
    }

    /// Has `word` stand `offset` bytes into the attr at `attr`.
    pub(super) fn at(&mut self, attr: u32, offset: u32, word: u32) -> Result<()> {
        let lost = || Error::new("prepare the loader's image").because("an attr is not inside");
        self.words.push((attr.checked_add(offset).ok_or_else(lost)?, word));
        Ok(())
    }

    /// Whether a word is written over the image's.
    pub(super) fn has(&self, at: u32) -> bool {
        self.words.iter().any(|&(place, _)| place == at)
    }

    /// Has the loader leave out the image's step number `index`.
    pub(super) fn leave_out(&mut self, index: u32) -> Result<()> {
        let step = index.checked_mul(STEP_SIZE).and_then(|at| at.checked_add(self.opened.header.steps));
        let lost = || Error::new("prepare the loader's image").because("a step is not inside");
        self.at(step.ok_or_else(lost)?, AT_STEP_UNLESS, AT_MAGIC)
    }

    /// Gives the token to all commands that take one, with what was said of their flags so far.
    pub(super) fn token(&mut self, token: BorrowedFd<'_>) -> Result<()> {
        for (_, step) in self.steps().filter(|(_, step)| matches!(step.op, OP_BPF | OP_PROBE)) {
            let (flags, fd) = match Command(step.cmd) {
                BPF_MAP_CREATE => (place!(MapCreate.map_flags), place!(MapCreate.map_token_fd)),
                BPF_PROG_LOAD => (place!(ProgLoad.prog_flags), place!(ProgLoad.prog_token_fd)),
                BPF_BTF_LOAD => (place!(BtfLoad.btf_flags), place!(BtfLoad.btf_token_fd)),
                _ => continue,
            };
            let so_far = step.arg.checked_add(flags).map_or(0, |at| self.current(at));
            self.at(step.arg, flags, so_far | BPF_F_TOKEN_FD.0)?;
            self.at(step.arg, fd, number(&token))?;
        }
        Ok(())
    }

    /// The word that the loader will find at `at`.
    pub(super) fn current(&self, at: u32) -> u32 {
        let changed = self.words.iter().rfind(|&&(place, _)| place == at).map(|&(_, word)| word);
        changed.or_else(|| Read::u32(self.opened.image(), at)).unwrap_or_default()
    }

    /// The steps of the image at rest, with their numbers.
    pub(super) fn steps(&self) -> impl Iterator<Item = (u32, Step)> + use<'a> {
        (0..).zip(self.opened.header.steps(self.opened.image()))
    }

    /// What to write besides, place and word.
    pub(super) fn words(&mut self, words: Vec<(u32, u32)>) {
        self.words.extend(words);
    }

    /// A descriptor that is in the image but not the loader's.
    pub(super) fn borrow(&mut self, fd: i32) {
        self.borrowed.push(fd);
    }

    /// Whether a word is changed to one that is not 0.
    pub(super) fn is_set(&self, at: u32) -> bool {
        self.words.iter().rfind(|&&(place, _)| place == at).is_some_and(|&(_, word)| word != 0)
    }

    /// A data section's first value; comes back with its map's index if the image has no room for it, because it was
    /// all zeroes when the object was made. That of an arena's variables is not for the image.
    pub(super) fn value(&mut self, map: usize, value: &'v [u8]) -> Result<Option<(usize, &'v [u8])>> {
        let failed =
            |why: String| Error::new("set the first value of").subject(format!("map number {map}")).because(why);
        let desc = self.opened.desc.maps.get(map).ok_or_else(|| failed("there are not that many".to_owned()))?;
        let Some((init, len)) = desc.variables() else {
            return Err(failed("it is no data section".to_owned()).subject(desc.name));
        };
        // What a struct's alignment adds behind the section's last byte is not the section's.
        let len = len as usize;
        let Some(value) = value.get(..len).filter(|_| value.len() < len + MAX_ALIGN) else {
            let why = format!("it has {} bytes, the section {len}", value.len());
            return Err(failed(why).subject(desc.name));
        };
        if desc.arena.is_some() {
            return Ok(None);
        }
        let Some((at, len)) = init else {
            return Ok(value.iter().any(|&byte| byte != 0).then_some((map, value)));
        };
        let at_rest = self.opened.image().get(at as usize..).and_then(|rest| rest.get(..len as usize));
        if at_rest != Some(value) {
            self.values.push((at, value));
        }
        Ok(None)
    }

    /// Descriptors in the image that are not the loader's.
    pub(super) fn borrowed(&self) -> &[i32] {
        &self.borrowed
    }

    /// Writes image and changes; `false` if something does not fit.
    #[must_use]
    pub(super) fn write(&self, memory: &Mapping) -> bool {
        memory.write(0, self.opened.image())
            && self.values.iter().all(|&(at, value)| memory.write(at as usize, value))
            && self.words.iter().all(|&(at, word)| memory.write(at as usize, &word.to_ne_bytes()))
    }

    /// The descriptors in `memory` that differ from the image at rest, -1 for the others.
    pub(super) fn changed_fds(&self, memory: &Mapping) -> Vec<i32> {
        let header = &self.opened.header;
        (0..header.nr_fds)
            .map(|index| {
                let at = header.fds + index * 4;
                let (now, at_rest) = (memory.u32(at), Read::u32(self.opened.image(), at));
                now.filter(|_| now != at_rest).map_or(-1, u32::cast_signed)
            })
            .collect()
    }
}

/// What `max_entries` of a map of this type is on this machine.
fn entries_here(map_type: MapType, wanted: u32) -> Result<u32> {
    match map_type {
        BPF_MAP_TYPE_RINGBUF | BPF_MAP_TYPE_USER_RINGBUF => Ok(ring_size(wanted, page_size())),
        // Indexed by CPU number, so with room for the holes.
        BPF_MAP_TYPE_PERF_EVENT_ARRAY if wanted == 0 => Ok(cpus::possible()?.last() + 1),
        _ => Ok(wanted),
    }
}

/// Bytes of a ring buffer: a power of 2 times the page's, as the kernel wants it. 0 stays, for the kernel to refuse.
fn ring_size(wanted: u32, page: u32) -> u32 {
    if wanted == 0 { 0 } else { wanted.checked_next_power_of_two().map_or(wanted, |size| size.max(page)) }
}

#[cfg(test)]
mod tests {
    use super::ring_size;

    #[test]
    fn ring_buffers_are_rounded_up() {
        let sizes = [0, 1, 4096, 4097, 1 << 31, u32::MAX].map(|size| ring_size(size, 4096));
        assert_eq!(sizes, [0, 4096, 4096, 8192, 1 << 31, u32::MAX]);
        assert_eq!(ring_size(4096, 65536), 65536);
    }
}
