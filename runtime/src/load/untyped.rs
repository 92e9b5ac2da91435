//! Loading without types: all of them, where the kernel refuses the object's BTF, or one map's, where it refuses those.
//!
//! Types are a help more often than a need: maps and programs exist without them. The kernel applies CO-RE relocations by
//! them, though, so that a program which has some cannot be loaded then, and it wants them with a struct_ops map.

use crate::image::{AT_MAGIC, AT_STEP_UNLESS, Header, OP_BPF, Read as _, STEP_SIZE, Step};
use crate::sys::attr::place;
use crate::sys::uapi::{BPF_BTF_LOAD, BPF_MAP_CREATE, BPF_MAP_TYPE_STRUCT_OPS, BPF_PROG_LOAD, Command};

const MAP_TYPES: [u32; 2] = [place!(MapCreate.btf_key_type_id), place!(MapCreate.btf_value_type_id)];
const PROG_INFOS: [u32; 2] = [place!(ProgLoad.func_info_cnt), place!(ProgLoad.line_info_cnt)];
const CORE_RELOS: u32 = place!(ProgLoad.core_relo_cnt);

/// What to write over `image` for its load to do without BTF; `None` if a program needs it, or an attr is not whole.
///
/// `is_set` says of a condition's place whether the word there is not 0.
pub(super) fn words(image: &[u8], header: &Header, is_set: impl Fn(u32) -> bool) -> Option<Vec<(u32, u32)>> {
    let mut words = Vec::new();
    for (index, step) in (0..).zip(header.steps(image)) {
        if step.op != OP_BPF {
            continue;
        }
        let zeroes = match Command(step.cmd) {
            BPF_BTF_LOAD => {
                words.push(never(header, index));
                continue;
            }
            BPF_MAP_CREATE if field(image, &step, 0)? == BPF_MAP_TYPE_STRUCT_OPS.0 && !is_set(step.unless) => {
                return None;
            }
            BPF_MAP_CREATE => MAP_TYPES,
            BPF_PROG_LOAD if is_set(step.unless) => continue,
            BPF_PROG_LOAD if field(image, &step, CORE_RELOS)? == 0 => PROG_INFOS,
            BPF_PROG_LOAD => return None,
            _ => continue,
        };
        for place in zeroes {
            field(image, &step, place)?;
            words.push((step.arg.checked_add(place)?, 0));
        }
    }
    Some(words)
}

/// What to write for the step at `index` not to be done. The header's tables are inside the image, which is below 4 GiB.
pub(super) fn never(header: &Header, index: u32) -> (u32, u32) {
    (header.steps + index * STEP_SIZE + AT_STEP_UNLESS, AT_MAGIC)
}

/// What to write over `image` for the map of `step` to be made without types; `None` if it has none.
///
/// Which types a map may have is not the same for all kernels, nor which maps may have types; libbpf, too, makes a map
/// again without. What is made in several ways, by what the kernel can do, has its untyped way among them.
pub(super) fn map_words(image: &[u8], step: &Step) -> Option<Vec<(u32, u32)>> {
    (step.op == OP_BPF && step.mask == 0).then_some(())?;
    let typed = MAP_TYPES.iter().any(|&place| field(image, step, place).is_some_and(|id| id != 0));
    typed.then(|| MAP_TYPES.iter().filter_map(|&place| Some((step.arg.checked_add(place)?, 0))).collect())
}

/// The word at `place` of the step's attr.
fn field(image: &[u8], step: &Step, place: u32) -> Option<u32> {
    (place + 4 <= step.size).then_some(())?;
    image.u32(step.arg.checked_add(place)?)
}
