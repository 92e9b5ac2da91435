//! The oldest kernel that an object was made for, if not any was.

use crate::desc::DataKind;
use crate::kernel::{DIRECT_PERCPU, KernelVersion};
use crate::open::{Opened, PerCpuMode};
use crate::{Error, Result, features, kernel};

/// Refuses what the object was not made for, before the kernel does in words of its own.
pub(super) fn check(opened: &Opened<'_>) -> Result<()> {
    let Some(oldest) = opened.desc.min_kernel else { return Ok(()) };
    let refused = |why: String| Error::new("load the object").because(why);
    // What `/proc` does not tell the kernel will.
    if let Some(running) = kernel::release().filter(|running| running.version < oldest.into()) {
        let (made_for, running) = (made_for(oldest), running.text);
        return Err(refused(format!("{made_for}, and this kernel is {running}")));
    }
    if opened.mode == PerCpuMode::Lowered && is_direct_only(opened) {
        let made_for = made_for(oldest);
        return Err(refused(format!("{made_for}, so that no program of it looks its `.percpu` variables up")));
    }
    Ok(())
}

/// Says so if programs have no form for this kernel, which is new enough but cannot do what others of its age can.
pub(super) fn explain(opened: &Opened<'_>, error: Error) -> Error {
    match opened.desc.min_kernel {
        Some(oldest) if is_direct_only(opened) && features::probe().is_ok_and(|features| !features.direct) => error
            .hint(format!(
                "this kernel does not let programs address `.percpu` variables directly, perhaps because it has no \
                 JIT for them, and {}: generate it without a minimum kernel",
                made_for(oldest)
            )),
        _ => error,
    }
}

/// Whether there are programs that could look their `.percpu` variables up, but no such form of them.
fn is_direct_only(opened: &Opened<'_>) -> bool {
    let is_percpu = |data: Option<DataKind>| data == Some(DataKind::PerCpu);
    opened.desc.min_kernel.map(KernelVersion::from) >= Some(DIRECT_PERCPU.since)
        && opened.desc.maps.iter().any(|map| is_percpu(map.data.as_ref().map(|data| data.kind)))
}

fn made_for(oldest: (u32, u32)) -> String {
    format!("it was generated for Linux {} and newer", KernelVersion::from(oldest))
}
