//! A thread that can ask the machine for nothing but memory.

use std::{io, mem};

/// What a thread may still call: for its memory, for other threads of its process, for hash seeds, and to speak and end.
/// No call here tells anything of the machine, opens a file, or reads one.
const ALLOWED: [libc::c_long; 17] = [
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rseq,
    libc::SYS_getrandom,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// From here on this thread can open no file, and any other system call of its ends the process, by SIGSYS.
///
/// A file is an error and not the end, as the C library's allocator would like to know how the machine overcommits.
///
/// # Errors
///
/// The kernel has no seccomp filters.
pub fn shut_in() -> io::Result<()> {
    let jump = |k, jt, jf| libc::sock_filter { code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, jt, jf, k };
    let ret = |k| libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k };
    let number = mem::offset_of!(libc::seccomp_data, nr) as u32;
    let mut filter =
        vec![libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: number }];
    filter.extend([jump(libc::SYS_openat as u32, 0, 1), ret(libc::SECCOMP_RET_ERRNO | libc::EACCES as u32)]);
    for (index, call) in ALLOWED.into_iter().enumerate() {
        // Over the rest of them, and the return that kills.
        filter.push(jump(call as u32, (ALLOWED.len() - index) as u8, 0));
    }
    filter.extend([ret(libc::SECCOMP_RET_KILL_PROCESS), ret(libc::SECCOMP_RET_ALLOW)]);
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };

    // SAFETY: it takes numbers only.
    let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the program is there, as long as it says, until the call has copied it.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if done != 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
