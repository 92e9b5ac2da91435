//! Maps with names in a BPF file system: those that are there are taken, and new ones get theirs.

use std::path::{Path, PathBuf};

use super::own;
use super::patch::Patches;
use crate::map::{Map, c_path, unpin};
use crate::open::{OpenMap, Opened};
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// Takes each map that is pinned where one would be, which must be as that would be.
pub(super) fn find(opened: &Opened<'_>, maps: &mut [OpenMap], patches: &Patches<'_, '_>) -> Result<()> {
    for map in maps.iter_mut().filter(|map| map.autocreate() && map.reuse.is_none()) {
        let Some(path) = &map.pin_path else { continue };
        let failed = || Error::new("open pinned map").subject(path.display().to_string());
        let c_path = c_path(path).ok_or_else(|| failed().because("the path contains a NUL byte"))?;
        let fd = match bpf::obj_get(&c_path) {
            Ok(fd) => fd,
            Err(Errno::ENOENT) => continue,
            Err(errno) => return Err(diagnose::refused(failed(), errno)),
        };
        let pinned = Map::from_fd(fd, &map.name)?;
        let map_extra = own::attr_of(opened, &opened.desc.maps[map.index]).map_or(0, |attr| attr.map_extra);
        map.check_same(&pinned)
            .and_then(|()| map.check_made_so(&pinned, patches.max_entries(map)?, map_extra))
            .map_err(|error| error.hint(format!("the map pinned at {} is in its place", path.display())))?;
        map.reuse = Some(pinned);
    }
    Ok(())
}

/// Pins made by a load that may still fail, which then takes them away again.
#[derive(Default)]
pub(super) struct Pins {
    made: Vec<PathBuf>,
    /// Where somebody else was faster.
    lost: Option<PathBuf>,
}

/// How often to load: each time somebody may be faster with one more map, which is found the next time.
pub(super) fn attempts(maps: &[OpenMap]) -> usize {
    1 + maps.iter().filter(|map| map.pin_path.is_some()).count()
}

impl Pins {
    /// Pins a map where it is to be, if anywhere; `false` if there is something now, as there was not before.
    ///
    /// What was pinned so far stays for the next attempt, which finds it as it finds other maps: if it went, two loads
    /// of the same maps in another order could take turns in losing.
    pub(super) fn add(&mut self, open: &OpenMap, map: &Map) -> Result<bool> {
        let Some(path) = &open.pin_path else { return Ok(true) };
        match map.pin(path) {
            Ok(()) => self.made.push(path.clone()),
            Err(error) if error.errno() == Some(Errno::EEXIST) => {
                self.lost = Some(path.clone());
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// The load has succeeded: they stay.
    pub(super) fn keep(mut self) {
        self.made.clear();
    }

    /// It has not: each time something was pinned meanwhile.
    pub(super) fn lost(self) -> Error {
        let path = self.lost.as_deref().unwrap_or(Path::new("")).display().to_string();
        let why = "whenever a map was to be pinned something was there, and nothing when one was looked for";
        Error::new("pin at").subject(path).errno_is(Errno::EEXIST).because(why)
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        for path in &self.made {
            let _ = unpin(path);
        }
    }
}
