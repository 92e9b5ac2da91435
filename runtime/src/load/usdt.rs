//! Programs for static probes (`SEC("usdt")`), which one binary can have in many places.
//!
//! A program is loaded for a link to one place or for one to many, and `bpf_get_attach_cookie` is another function then.
//! Which of them the kernel has is found out once in a process, and by objects that load such programs only.

use crate::desc::{Attach, ProgDesc};
use crate::kernel;
use crate::open::OpenProgram;
use crate::sys::uapi::BPF_TRACE_UPROBE_MULTI;

/// Has these programs loaded for a link to many places, where the kernel has such and the user has said nothing.
pub(super) fn choose(programs: &mut [OpenProgram], descs: &[ProgDesc<'_>]) {
    for (program, desc) in programs.iter_mut().zip(descs) {
        let for_probes = matches!(desc.attach, Attach::Usdt { .. });
        if for_probes && program.autoload && !program.attach_type_given && kernel::uprobe_multi_means_processes() {
            program.expected_attach_type = BPF_TRACE_UPROBE_MULTI;
        }
    }
}
