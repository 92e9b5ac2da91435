//! The object's BTF, for maps that cannot be without types. The loader then uses what is loaded here.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::super::machine::{FIRST_LOG, log_buffer, text};
use super::super::patch::Patches;
use super::super::{number, object_btf};
use crate::open::Opened;
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// Does the loader's step that loads the object's BTF.
pub(super) fn load(
    opened: &Opened<'_>,
    patches: &mut Patches<'_, '_>,
    token: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd> {
    let failed = || Error::new("load the BTF");
    let (index, step) = object_btf::step(opened)
        .ok_or_else(|| failed().because("the object has none, and its local storages need types"))?;
    let types = object_btf::bytes(opened, &step).ok_or_else(|| failed().because("they are not inside the image"))?;
    let btf = bpf::btf_load(types, token, None).map_err(|errno| refused(types, token, errno))?;
    patches.words(vec![(step.out, number(&btf))]);
    patches.leave_out(index)?;
    patches.borrow(number(&btf).cast_signed());
    Ok(btf)
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
