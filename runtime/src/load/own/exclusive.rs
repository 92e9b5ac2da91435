//! Maps that one program alone may use, which the kernel knows by its hash (`excl_prog_hash`, Linux 6.18).
//!
//! The kernel takes the SHA-256 of the instructions that it is given, after it has applied CO-RE to them, with the
//! descriptors of maps taken out (`bpf_prog_calc_tag`). A skeleton's programs have none: they refer to maps by index, and indexes
//! stay in. So the hash can be told from the image before the load, unless somebody writes into the instructions until
//! then: the kernel for CO-RE, or the loader for what it finds in the kernel.

use super::super::patch::Patches;
use crate::image::{OP_COPY, OP_FIND_BTF, OP_FIND_KSYM, OP_POINT, Read as _, Step};
use crate::kernel::EXCLUSIVE_MAPS;
use crate::open::{OpenMap, Opened, PerCpuMode};
use crate::sha256::sha256;
use crate::sys::Errno;
use crate::sys::attr::place;
use crate::{Error, Result, diagnose, features, kernel};

/// The hash of the one program that may use the map, if there is such.
pub(super) fn hash(opened: &Opened<'_>, open: &OpenMap, patches: &Patches<'_, '_>) -> Result<Option<[u8; 32]>> {
    let Some((index, name)) = &open.exclusive else { return Ok(None) };
    let failed = || Error::new("find out the hash of program").subject(&**name);
    let desc = opened.desc.progs.get(*index).filter(|desc| *desc.name == **name);
    let desc = desc.ok_or_else(|| failed().because("it was opened with another object"))?;
    let lost = || failed().because("its instructions are not inside the image");
    let attr = match *desc.attrs {
        [only] => only,
        [native, lowered] => {
            if is_direct(opened.mode)? {
                native
            } else {
                lowered
            }
        }
        _ => return Err(lost()),
    };
    let word = |offset: u32| opened.image().u32(attr.checked_add(offset)?);
    if word(place!(ProgLoad.core_relo_cnt)).ok_or_else(lost)? != 0 {
        return Err(failed().because("it has CO-RE relocations, which the kernel applies before it takes the hash"));
    }
    let insns = attr.checked_add(place!(ProgLoad.insns)).ok_or_else(lost)?;
    let start = patches.steps().find(|(_, step)| step.op == OP_POINT && step.out == insns).map(|(_, step)| step.arg);
    let start = start.ok_or_else(lost)?;
    let len = word(place!(ProgLoad.insn_cnt)).and_then(|count| count.checked_mul(8)).ok_or_else(lost)?;
    let range = start..start.checked_add(len).ok_or_else(lost)?;
    let writes = |step: &Step| match step.op {
        OP_COPY | OP_FIND_KSYM => range.contains(&step.out),
        OP_FIND_BTF => range.contains(&step.out) || range.contains(&step.out2),
        _ => false,
    };
    if patches.steps().any(|(_, step)| writes(&step)) {
        let why = "it refers to symbols or functions of the kernel, whose numbers are found out when it is loaded";
        return Err(failed().because(why));
    }
    let insns: Vec<u8> = range.step_by(4).flat_map(|at| patches.current(at).to_ne_bytes()).collect();
    Ok(Some(sha256(&insns)))
}

/// Which form of programs with `.percpu` data will be loaded.
fn is_direct(mode: PerCpuMode) -> Result<bool> {
    match mode {
        PerCpuMode::Auto => features::probe().map(|features| features.direct),
        PerCpuMode::Native => Ok(true),
        PerCpuMode::Lowered => Ok(false),
    }
}

/// Says so if the kernel does not know exclusive maps.
pub(super) fn explain(error: Error, errno: Errno) -> Error {
    match errno {
        // Fields that it does not know must be 0.
        Errno::EINVAL | Errno::E2BIG if kernel::is_older(EXCLUSIVE_MAPS.since) => {
            error.because(kernel::missing(EXCLUSIVE_MAPS.name, EXCLUSIVE_MAPS.since))
        }
        _ => diagnose::explain(error),
    }
}
