//! The object's BTF, for maps that the loader cannot make with it. The loader then uses the BTF that is loaded here.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::super::machine::{FIRST_LOG, log_buffer, text};
use super::super::patch::Patches;
use super::super::{number, object_btf};
use super::{Why, attr_of};
use crate::btf::{TypeId, lengthen};
use crate::open::{OpenMap, Opened};
use crate::sys::{Errno, bpf};
use crate::{Error, Result, diagnose};

/// The object's BTF, with the data sections as long as their maps will be.
#[derive(Default)]
pub(super) struct ObjectTypes {
    /// Only if a section is longer.
    edited: Option<Vec<u8>>,
    /// Indexes of the maps whose sections are longer in `edited`.
    longer: Vec<usize>,
}

impl ObjectTypes {
    /// Lengthens the sections whose maps are longer, where the last variable is an array and gets whole elements. Other
    /// longer maps have no types.
    pub(super) fn of(opened: &Opened<'_>, maps: &[OpenMap]) -> ObjectTypes {
        let mut types = ObjectTypes::default();
        let at_rest = object_btf::step(opened).and_then(|(_, step)| object_btf::bytes(opened, &step));
        let Some(at_rest) = at_rest else { return types };
        for open in maps.iter().filter(|open| open.reuse.is_none() && Why::of(open) == Some(Why::Longer)) {
            let Some(attr) = attr_of(opened, &opened.desc.maps[open.index]).filter(|attr| attr.is_typed()) else {
                continue;
            };
            let so_far = types.edited.as_deref().unwrap_or(at_rest);
            if let Some(edited) = lengthen(so_far, TypeId(attr.btf_value_type_id), open.value_size()) {
                types.edited = Some(edited);
                types.longer.push(open.index);
            }
        }
        types
    }

    /// Whether the type of the data section `open` is as long as its map will be.
    pub(super) fn fit(&self, open: &OpenMap) -> bool {
        !open.is_resized() || self.longer.contains(&open.index)
    }

    /// Does the loader's step that loads the object's BTF.
    pub(super) fn load(
        &self,
        opened: &Opened<'_>,
        patches: &mut Patches<'_, '_>,
        token: Option<BorrowedFd<'_>>,
    ) -> Result<OwnedFd> {
        let failed = || Error::new("load the BTF");
        let (index, step) = object_btf::step(opened)
            .ok_or_else(|| failed().because("the object has none, and its local storages need types"))?;
        let at_rest =
            object_btf::bytes(opened, &step).ok_or_else(|| failed().because("they are not inside the image"))?;
        let types = self.edited.as_deref().unwrap_or(at_rest);
        let btf = bpf::btf_load(types, token, None).map_err(|errno| refused(types, token, errno))?;
        patches.words(vec![(step.out, number(&btf))]);
        patches.leave_out(index)?;
        patches.borrow(number(&btf).cast_signed());
        Ok(btf)
    }
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
