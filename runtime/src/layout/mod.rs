//! Checks a description against its whole image: each place that the runtime will read or write is inside, both say the
//! same of each map, the loader program is the one that this runtime knows, and the image's records do nothing that would
//! break what safe code relies on.

mod loader;
mod records;
mod updates;

use skelgen_abi::Endian;

use crate::desc::{MapDesc, ObjectDesc, shape};
use crate::image::{HEADER_SIZE, Header, Read, STEP_SIZE, Step};
use crate::sys::attr::MapCreate;
use crate::sys::elem::Shape;
use crate::{Error, Result};
pub(crate) use loader::{LOADER, hash as loader_hash};

/// The image's header, if description and image agree.
pub(crate) fn check(desc: &ObjectDesc<'_>, image: &[u8]) -> Result<Header> {
    let header = Header::of(image)?;
    let words = |bytes: &[u8]| bytes.len().is_multiple_of(8);
    if desc.loader.is_empty() || !words(desc.loader) || !words(desc.loader_func_info) {
        return Err(malformed("the loader program is not whole instructions"));
    }
    let steps: Vec<Step> = header.steps(image).collect();
    if steps.len() != header.nr_steps as usize {
        return Err(malformed("a step is not inside the image"));
    }
    if loader_hash(desc.loader, header.size) != Some(LOADER) {
        return Err(malformed("its loader program is not the one that this runtime knows")
            .hint("generate the skeleton again, with the skelgen of this runtime's version"));
    }
    for map in desc.maps {
        check_map(image, &header, map)
            .and_then(|()| check_struct_ops(desc, map))
            .map_err(|error| error.subject(map.name))?;
    }
    for prog in desc.progs {
        let inside = is_fd(&header, prog.fd) && is_word(image, prog.skip);
        if !inside || prog.attrs.iter().any(|&at| !is_word(image, at)) {
            return Err(malformed("a place is not inside the image").subject(prog.name));
        }
    }
    records::check(desc, image, &header, &steps)?;
    updates::check(desc, image, &steps)?;
    Ok(header)
}

fn malformed(why: &'static str) -> Error {
    Error::new("open the skeleton").because(why)
}

fn check_map(image: &[u8], header: &Header, map: &MapDesc<'_>) -> Result<()> {
    if !is_fd(header, map.fd) || (map.reused != 0 && !is_word(image, map.reused)) {
        return Err(malformed("a place is not inside the image"));
    }
    for &at in map.attrs {
        let created = map_create_at(image, at).ok_or_else(|| malformed("a place is not inside the image"))?;
        if Shape::from(&created) != shape(map) {
            return Err(malformed("the map's sizes are not those that it is made with"));
        }
    }
    if map.data.is_some_and(|data| !is_value(image, data.init, map.value_size)) {
        return Err(malformed("the first value is not inside the image, or has another size than the map's"));
    }
    for desc in map.data.iter().flat_map(|data| data.kconfig) {
        if desc.offset.checked_add(desc.size).is_none_or(|end| end > map.value_size) {
            return Err(malformed("a variable is not inside the value"));
        }
    }
    if let Some(arena) = &map.arena {
        if !is_value(image, arena.init, arena.size) {
            return Err(malformed("the variables are not inside the image, or have another size than the map's"));
        }
        if map.attrs.is_empty() || arena.offsets.iter().any(|&at| !is_word(image, at)) {
            return Err(malformed("a place is not inside the image"));
        }
    }
    Ok(())
}

fn check_struct_ops(desc: &ObjectDesc<'_>, map: &MapDesc<'_>) -> Result<()> {
    let Some(ops) = &map.struct_ops else { return Ok(()) };
    let inside = |at: u32, size: u32| u64::from(at) + u64::from(size) <= ops.init.len() as u64;
    let members = ops.members.iter().all(|member| inside(member.offset, member.size));
    let programs = ops.members.iter().filter_map(|member| member.program).all(|program| program < desc.progs.len());
    if ops.init.len() != map.value_size as usize || map.reused == 0 || !members || !programs {
        return Err(malformed("its struct and its value differ in size, or a member is outside"));
    }
    Ok(())
}

/// Whether a first value is in the image, as long as it should be.
fn is_value(image: &[u8], init: Option<(u32, u32)>, size: u32) -> bool {
    init.is_none_or(|(at, len)| {
        let end = u64::from(at) + u64::from(len);
        end <= image.len() as u64 && len == size && at >= HEADER_SIZE
    })
}

/// Whether `at` is an entry of the table of descriptors.
fn is_fd(header: &Header, at: u32) -> bool {
    let end = u64::from(header.fds) + 4 * u64::from(header.nr_fds);
    at >= header.fds && u64::from(at) + 4 <= end && (at - header.fds).is_multiple_of(4)
}

/// Whether there is a word at `at`, behind the header.
fn is_word(image: &[u8], at: u32) -> bool {
    at >= HEADER_SIZE && image.u32(at).is_some()
}

/// The attr of a `BPF_MAP_CREATE` at `at` of an image; `None` if it is not wholly inside.
pub(crate) fn map_create_at(image: &[u8], at: u32) -> Option<MapCreate> {
    let bytes = image.get(at as usize..)?.get(..MapCreate::AT_REST)?;
    Some(MapCreate::decode(bytes, Endian::NATIVE))
}

/// The step at `index`, as the image that was carried out has it.
pub(crate) fn step_at(image: &(impl Read + ?Sized), header: &Header, index: u32) -> Option<Step> {
    if index >= header.nr_steps {
        return None;
    }
    Step::read(image, header.steps.checked_add(index.checked_mul(STEP_SIZE)?)?)
}
