//! The object's BTF, for maps that cannot be without types. The loader then uses what is loaded here.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::super::machine::{FIRST_LOG, log_buffer, text};
use super::super::number;
use super::super::patch::Patches;
use crate::image::{OP_BPF, OP_POINT, Read as _, Step};
use crate::open::Opened;
use crate::sys::attr::{BtfLoad, place};
use crate::sys::uapi::BPF_BTF_LOAD;
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// Does the loader's step that loads the object's BTF.
pub(super) fn load(
    opened: &Opened<'_>,
    patches: &mut Patches<'_, '_>,
    token: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd> {
    let image = opened.desc.image;
    let failed = || Error::new("load the BTF");
    let found = (0..).zip(opened.header.steps(image)).find(|(_, step)| step.op == OP_BPF && step.cmd == BPF_BTF_LOAD);
    let (index, step) =
        found.ok_or_else(|| failed().because("the object has none, and its local storages need types"))?;
    let types = types_of(opened, &step).ok_or_else(|| failed().because("they are not inside the image"))?;
    let btf = bpf::btf_load(types, token, None).map_err(|errno| refused(types, token, errno))?;
    patches.words(vec![(step.out, number(&btf))]);
    patches.leave_out(index)?;
    patches.borrow(number(&btf).cast_signed());
    Ok(btf)
}

/// The types that `load` loads: a step before it has their address written to where the attr begins.
fn types_of<'a>(opened: &Opened<'a>, load: &Step) -> Option<&'a [u8]> {
    let image = opened.desc.image;
    let size = image.u32(load.arg.checked_add(place!(BtfLoad.btf_size))?)?;
    let point = opened.header.steps(image).find(|step| step.op == OP_POINT && step.out == load.arg)?;
    image.get(point.arg as usize..)?.get(..size as usize)
}

/// What the kernel says of types that it refuses.
fn refused(types: &[u8], token: Option<BorrowedFd<'_>>, errno: Errno) -> Error {
    let error = Error::new("load the BTF").errno_is(errno);
    let Ok(log) = log_buffer(FIRST_LOG) else { return diagnose::explain(error) };
    match bpf::btf_load(types, token, Some(&log)) {
        Ok(_) => diagnose::explain(error),
        Err(_) => diagnose::explain(error.log(text(&log))),
    }
}
