//! A process of its own for each load: what a loader breaks or never ends is its own.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use std::{ptr, thread};

/// What a child wrote, and how it ended if not well.
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) died: Option<String>,
}

/// Runs `f` in a child, and gives what it writes.
pub(crate) fn run(limit: Duration, f: impl FnOnce(&mut File)) -> io::Result<Told> {
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made them for this process.
    let [reader, writer] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: this process has one thread.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            drop(reader);
            let mut writer = File::from(writer);
            let done = catch_unwind(AssertUnwindSafe(|| f(&mut writer))).is_ok();
            // SAFETY: nothing of the parent's is to be run or written at the end of its copy.
            unsafe { libc::_exit(if done { 0 } else { 101 }) }
        }
        child => child,
    };
    drop(writer);
    let mut text = Vec::new();
    let in_time = read_until(&mut File::from(reader), &mut text, Instant::now() + limit)?;
    if !in_time {
        // SAFETY: the child is not waited for yet, so the number is still its own.
        unsafe { libc::kill(child, libc::SIGKILL) };
    }
    let Some(status) = wait(child, in_time)? else {
        // It waits in the kernel for what never comes.
        let died = Some(format!("not done in {} s, and cannot be killed", limit.as_secs()));
        return Ok(Told { text: String::from_utf8_lossy(&text).into_owned(), died });
    };
    let died = match status {
        _ if !in_time => Some(format!("not done in {} s", limit.as_secs())),
        0 => None,
        _ if libc::WIFSIGNALED(status) => Some(format!("signal {}", libc::WTERMSIG(status))),
        _ => Some("panicked".to_owned()),
    };
    Ok(Told { text: String::from_utf8_lossy(&text).into_owned(), died })
}

/// The child's wait status; of one that was killed, if it ends soon.
fn wait(child: libc::pid_t, ended: bool) -> io::Result<Option<i32>> {
    let mut status = 0;
    for _ in 0..100 {
        // SAFETY: there is room for the status.
        let waited = unsafe { libc::waitpid(child, &raw mut status, if ended { 0 } else { libc::WNOHANG }) };
        match waited {
            0 => thread::sleep(Duration::from_millis(100)),
            _ if waited == child => return Ok(Some(status)),
            _ => return Err(io::Error::last_os_error()),
        }
    }
    Ok(None)
}

/// Whether the writer closed its end before the deadline.
fn read_until(reader: &mut File, text: &mut Vec<u8>, deadline: Instant) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut poll = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: there is one.
        let ready = unsafe { libc::poll(&raw mut poll, 1, i32::try_from(left.as_millis()).unwrap_or(i32::MAX)) };
        match ready {
            0 => return Ok(false),
            1 => match reader.read(&mut buffer)? {
                0 => return Ok(true),
                read => text.write_all(&buffer[..read])?,
            },
            _ => return Err(io::Error::last_os_error()),
        }
    }
}

/// Gives this process a BPF file system of its own: what an object pins is neither seen by another load nor left behind.
pub(crate) fn own_bpf_fs() -> io::Result<()> {
    let ok = |result: i32| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: no memory is involved.
    ok(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the strings are strings, and the others may be null.
    ok(unsafe { libc::mount(ptr::null(), c"/".as_ptr(), ptr::null(), private, ptr::null()) })?;
    let (bpf, folder) = (c"bpf".as_ptr(), c"/sys/fs/bpf".as_ptr());
    // SAFETY: as above.
    ok(unsafe { libc::mount(bpf, folder, bpf, 0, ptr::null()) })
}
