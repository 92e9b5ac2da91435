//! Variables that tell something of an object's programs: `bpf_metadata_*` in `.rodata`.
//!
//! Nothing in a program need use them. Whoever finds the program in the kernel looks for them among its maps, as `bpftool
//! prog` does, so that each program is given the map to keep. Other objects do not pay for it.

use std::os::fd::AsFd;

use crate::desc::MapDesc;
use crate::map::Map;
use crate::prog::Program;
use crate::{Error, Result, diagnose};

/// Gives each loaded program the maps with such variables (`BPF_PROG_BIND_MAP`, one call for each).
pub(super) fn bind<'a>(
    descs: &[MapDesc<'_>],
    maps: &[Option<Map>],
    programs: impl Iterator<Item = &'a Program> + Clone,
) -> Result<()> {
    let tells = |desc: &MapDesc<'_>| desc.data.as_ref().is_some_and(|data| data.metadata);
    for map in descs.iter().zip(maps).filter(|(desc, _)| tells(desc)).filter_map(|(_, map)| map.as_ref()) {
        for program in programs.clone() {
            let Some(fd) = &program.fd else { continue };
            let failed = |errno| {
                let error = Error::new("bind map to program").subject(program.name()).errno_is(errno);
                diagnose::explain(error.to(format!("map {}", map.name())))
            };
            crate::sys::bpf::prog_bind_map(fd.as_fd(), map.as_fd()).map_err(failed)?;
        }
    }
    Ok(())
}
