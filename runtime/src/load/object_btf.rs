//! The object's own types, as the image has them for the kernel.

use crate::image::{OP_BPF, OP_POINT, Read as _, Step};
use crate::open::Opened;
use crate::sys::attr::place;
use crate::sys::uapi::BPF_BTF_LOAD;

/// The step that loads them, and its number; `None` if the object has none.
pub(super) fn step(opened: &Opened<'_>) -> Option<(u32, Step)> {
    let mut steps = (0..).zip(opened.header.steps(opened.image()));
    steps.find(|(_, step)| step.op == OP_BPF && step.cmd == BPF_BTF_LOAD.0)
}

/// The bytes that `load` loads: a step before it has their address written to where the attr begins.
pub(super) fn bytes<'a>(opened: &'a Opened<'_>, load: &Step) -> Option<&'a [u8]> {
    let image = opened.image();
    let size = image.u32(load.arg.checked_add(place!(BtfLoad.btf_size))?)?;
    let address = load.arg.checked_add(place!(BtfLoad.btf))?;
    let point = opened.header.steps(image).find(|step| step.op == OP_POINT && step.out == address)?;
    image.get(point.arg as usize..)?.get(..size as usize)
}
