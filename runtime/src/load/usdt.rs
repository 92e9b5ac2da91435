//! Programs for static probes (`SEC("usdt")`), which one binary can have in many places.
//!
//! A program is loaded for a link to one place or for one to many, and `bpf_get_attach_cookie` is another function then.
//! Which of them the kernel has is found out once in a process, and by objects that load such programs only.

use std::os::fd::AsFd;
use std::sync::OnceLock;

use crate::desc::{Attach, ProgDesc};
use crate::features::{LICENSE, insn};
use crate::open::OpenProgram;
use crate::sys::Errno;
use crate::sys::bpf::{self, Prog, UprobeMulti};
use crate::sys::uapi::{BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_MULTI};

/// Has these programs loaded for a link to many places, where the kernel has such and the user has said nothing.
pub(super) fn choose(programs: &mut [OpenProgram], descs: &[ProgDesc<'_>]) {
    for (program, desc) in programs.iter_mut().zip(descs) {
        let for_probes = matches!(desc.attach, Attach::Usdt { .. });
        if for_probes && program.autoload && !program.attach_type_given && has_uprobe_multi() {
            program.expected_attach_type = BPF_TRACE_UPROBE_MULTI;
        }
    }
}

/// Whether the kernel has links to many places of a binary (Linux 6.6) that, asked for one process, mean all of its
/// threads (Linux 6.10).
fn has_uprobe_multi() -> bool {
    static FOUND_OUT: OnceLock<bool> = OnceLock::new();
    *FOUND_OUT.get_or_init(probe)
}

/// Loads a program that does nothing, and asks for two links that no kernel makes.
fn probe() -> bool {
    // r0 = 0; exit
    let insns = [insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)];
    let prog = Prog {
        prog_type: BPF_PROG_TYPE_KPROBE,
        expected_attach_type: BPF_TRACE_UPROBE_MULTI,
        name: "skel_probe",
        license: LICENSE,
        insns: insns.as_flattened(),
        ..Default::default()
    };
    let Ok(prog) = bpf::prog_load(&prog) else { return false };
    let refused = |pid| {
        let probes = UprobeMulti {
            attach_type: BPF_TRACE_UPROBE_MULTI,
            // A folder has no code.
            path: c"/",
            offsets: &[0],
            pid,
            ..Default::default()
        };
        bpf::link_create_uprobe_multi(prog.as_fd(), &probes).err()
    };
    // Where the number of a process is looked at as one, -1 is refused before the path is.
    const NO_PID: u32 = -1i32 as u32;
    refused(0) == Some(Errno::EBADF) && refused(NO_PID) == Some(Errno::EINVAL)
}
