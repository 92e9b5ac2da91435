//! Which commands on elements of maps a program gives to the kernel, seen from outside of it with ptrace(2).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{io, mem, ptr};

use skelgen_runtime::uapi;

const BPF_MAP_LOOKUP_ELEM: u64 = uapi::BPF_MAP_LOOKUP_ELEM.0 as u64;
const BPF_MAP_UPDATE_ELEM: u64 = uapi::BPF_MAP_UPDATE_ELEM.0 as u64;

/// One command for one element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementCommand {
    /// What the process had said that it [is about to do](begin).
    pub during: String,
    /// Writes the element (`BPF_MAP_UPDATE_ELEM`), or reads it (`BPF_MAP_LOOKUP_ELEM`).
    pub is_update: bool,
    /// `attr.flags`.
    pub flags: u64,
}

/// What the [`ElementCommand`]s from here on are for: 15 bytes of it, as this is the thread's name as well.
pub fn begin(what: &str) {
    let mut name = [0u8; 16];
    name.iter_mut().zip(what.as_bytes().iter().take(15)).for_each(|(to, from)| *to = *from);
    // SAFETY: the name is there, and ends with a 0.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Runs `f` in a child process and gives its lookups and updates, in their order.
///
/// The child is a fork of this thread alone: no other may hold a lock that `f` needs.
///
/// # Errors
///
/// The process may not be traced, or did not end well.
pub fn element_commands(f: impl FnOnce()) -> io::Result<Vec<ElementCommand>> {
    // SAFETY: the caller answers for the locks of other threads.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => run_traced(f),
        child => Traced(child),
    };
    // It stops itself before it begins.
    child.wait()?;
    child.ptrace(libc::PTRACE_SETOPTIONS, (libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL) as usize)?;
    let memory = || File::open(format!("/proc/{}/mem", child.0));
    let (mut during, mut commands) = (String::new(), Vec::new());
    let mut signal = 0;
    loop {
        child.ptrace(libc::PTRACE_SYSCALL, signal)?;
        signal = match child.wait()? {
            State::Exited => return Ok(commands),
            State::Stopped(signal) => signal,
            State::Syscall => {
                let Some([number, args @ ..]) = child.entered()? else { continue };
                match (number as libc::c_long, args[0]) {
                    (libc::SYS_prctl, option) if option == libc::PR_SET_NAME as u64 => {
                        let mut name = [0; 16];
                        memory()?.read_exact_at(&mut name, args[1])?;
                        let bytes: Vec<u8> = name.into_iter().take_while(|&byte| byte != 0).collect();
                        during = String::from_utf8_lossy(&bytes).into_owned();
                    }
                    (libc::SYS_bpf, command @ (BPF_MAP_LOOKUP_ELEM | BPF_MAP_UPDATE_ELEM)) => {
                        let is_update = command == BPF_MAP_UPDATE_ELEM;
                        let flags = flags_of(&memory()?, args[1], args[2])?;
                        commands.push(ElementCommand { during: during.clone(), is_update, flags });
                    }
                    _ => {}
                }
                0
            }
        };
    }
}

/// `attr.flags` of a command on an element: behind the descriptor, the key and the value. What is behind the attr is 0.
fn flags_of(memory: &File, attr: u64, size: u64) -> io::Result<u64> {
    const FLAGS: u64 = 24;
    let mut flags = [0; 8];
    if size >= FLAGS + 8 {
        memory.read_exact_at(&mut flags, attr + FLAGS)?;
    }
    Ok(u64::from_ne_bytes(flags))
}

/// The child's part.
fn run_traced(f: impl FnOnce()) -> ! {
    // SAFETY: no memory is involved.
    let asked = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, ptr::null_mut::<()>(), ptr::null_mut::<()>()) };
    if asked == 0 {
        // SAFETY: the parent waits for it.
        unsafe { libc::raise(libc::SIGSTOP) };
    }
    let failed = asked != 0 || catch_unwind(AssertUnwindSafe(f)).is_err();
    // SAFETY: nothing of the parent's is to be run or written at the end of its copy.
    unsafe { libc::_exit(failed.into()) }
}

/// A process that this thread traces.
struct Traced(libc::pid_t);

enum State {
    Exited,
    /// By this signal, which it is still to get.
    Stopped(usize),
    /// At a system call's beginning or end.
    Syscall,
}

impl Traced {
    fn wait(&self) -> io::Result<State> {
        let mut status = 0;
        // SAFETY: the status is there.
        if unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL) } != self.0 {
            return Err(io::Error::last_os_error());
        }
        if libc::WIFSTOPPED(status) {
            return Ok(match libc::WSTOPSIG(status) {
                signal if signal == libc::SIGTRAP | 0x80 => State::Syscall,
                // Of the start, and of execve.
                libc::SIGSTOP | libc::SIGTRAP => State::Stopped(0),
                signal => State::Stopped(signal as usize),
            });
        }
        if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
            return Ok(State::Exited);
        }
        Err(io::Error::other(format!("the traced process ended with wait status {status:#x}")))
    }

    /// The number and arguments of the system call that begins, if one does.
    fn entered(&self) -> io::Result<Option<[u64; 7]>> {
        // SAFETY: it is integers only.
        let mut info: libc::ptrace_syscall_info = unsafe { mem::zeroed() };
        let (size, info_ptr) = (size_of_val(&info), &raw mut info);
        // SAFETY: the room is there, and as large as is said.
        if unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, self.0, size, info_ptr) } < 0 {
            return Err(io::Error::last_os_error());
        }
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return Ok(None);
        }
        // SAFETY: it is what `op` says.
        let entry = unsafe { info.u.entry };
        let [a, b, c, d, e, f] = entry.args;
        Ok(Some([entry.nr, a, b, c, d, e, f]))
    }

    fn ptrace(&self, request: libc::c_uint, data: usize) -> io::Result<()> {
        // SAFETY: the requests made here take a number and touch no memory of this process.
        match unsafe { libc::ptrace(request, self.0, 0usize, data) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_seen_with_what_they_are_for() {
        // On no map: the kernel is asked, and says EBADF.
        let ask = |command: u64, flags: u64| {
            let attr = [u64::from(u32::MAX), 0, 0, flags];
            // SAFETY: the attr is as long as is said, and its descriptor is none.
            unsafe { libc::syscall(libc::SYS_bpf, command, attr.as_ptr(), size_of_val(&attr)) };
        };
        let commands = element_commands(|| {
            ask(BPF_MAP_LOOKUP_ELEM, 1);
            begin("the second part of it");
            ask(BPF_MAP_UPDATE_ELEM, 2 << 32 | 8);
            ask(0, 3);
        });
        let [first, second] = &commands.unwrap()[..] else { panic!("not two") };
        assert_eq!((first.is_update, first.flags), (false, 1));
        let expected = ElementCommand { during: "the second part".into(), is_update: true, flags: 2 << 32 | 8 };
        assert_eq!(*second, expected);
    }

    #[test]
    fn a_child_that_fails_is_an_error() {
        // SAFETY: the child has nothing to clean up.
        let error = element_commands(|| unsafe { libc::_exit(3) }).unwrap_err();
        assert_eq!(error.to_string(), "the traced process ended with wait status 0x300");
    }
}
