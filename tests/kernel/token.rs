//! BPF tokens: what a machine's root delegates to a user namespace, a skeleton can be loaded with there.
//!
//! ```text
//! parent, root of the machine            child, root of a user namespace only
//!                                        opens a BPF file system that is not yet mounted
//! takes its descriptor, delegates   ◀──
//!                                   ──▶  mounts it, and loads
//! ```

use std::ffi::CString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::{env, fs, io, ptr, thread};

use skelgen_runtime::{Errno, Error};
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::{BPF_FS, came_later, is_from, may_load, not_on_this_kernel};

use crate::maps::open;

/// Says, to the process started, which test it is for.
const VARIABLE: &str = "SKELGEN_IN_NAMESPACE";
/// What libbpf takes, too.
const TOKEN_PATH: &str = "LIBBPF_BPF_TOKEN_PATH";
/// From `include/uapi/linux/mount.h`.
const FSCONFIG_SET_STRING: libc::c_long = 1;
const FSCONFIG_CMD_CREATE: libc::c_long = 6;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_long = 4;

/// Everything, to the namespace.
const ALL: [(&str, &str); 4] =
    [("delegate_cmds", "any"), ("delegate_maps", "any"), ("delegate_progs", "any"), ("delegate_attachs", "any")];

/// `0`, or the errno.
fn done(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A descriptor that a system call made.
fn made(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = done(result)? as RawFd;
    // SAFETY: the kernel made it for this call, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// This test binary again, with the calling test alone, as root of a user and a mount namespace of its own.
fn enter() -> Command {
    let test = thread::current().name().expect("libtest names a test's thread").to_owned();
    let mut command = Command::new(env::current_exe().expect("/proc is mounted"));
    command.args([&test, "--exact", "--nocapture", "--test-threads=1"]).env(VARIABLE, &test).env_remove(TOKEN_PATH);
    let namespaces = || {
        // SAFETY: it takes a number.
        done(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) }.into())?;
        for (file, text) in [("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")] {
            fs::write(format!("/proc/self/{file}"), text)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec it makes system calls, and allocates, which the C library's fork lets a child do.
    unsafe { command.pre_exec(namespaces) };
    command
}

fn is_child() -> bool {
    let thread = thread::current();
    env::var(VARIABLE).is_ok_and(|test| Some(test.as_str()) == thread.name())
}

/// Runs the calling test's child with a BPF file system on which this is delegated.
fn with_delegation(delegated: &[(&str, &str)]) {
    let mut child = enter().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut words = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    let number = loop {
        let mut line = String::new();
        if words.read_line(&mut line).unwrap() == 0 {
            break None;
        }
        match line.trim().rsplit_once("bpffs ") {
            Some((_, number)) => break number.parse::<RawFd>().ok(),
            None => said += &line,
        }
    };
    if let Some(number) = number {
        let delegate = || {
            // SAFETY: numbers only.
            let process = made(unsafe { libc::syscall(libc::SYS_pidfd_open, child.id(), 0) })?;
            // SAFETY: numbers only.
            let context = made(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })?;
            for (key, value) in delegated {
                let [key, value] = [key, value].map(|text| CString::new(*text).unwrap());
                // SAFETY: both texts end with a 0 and outlive the call.
                done(unsafe {
                    let fd = context.as_raw_fd();
                    libc::syscall(libc::SYS_fsconfig, fd, FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr(), 0)
                })?;
            }
            let none = ptr::null::<libc::c_char>();
            // SAFETY: the command takes neither key nor value.
            done(unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_CMD_CREATE, none, none, 0) })
        };
        delegate().expect("root may delegate");
        child.stdin.take().unwrap().write_all(b"delegated\n").unwrap();
    }
    words.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "in a namespace of its own:\n{said}{err}");
}

/// In the child: mounts the file system at [`BPF_FS`], once the parent has delegated.
fn mount() {
    // SAFETY: the name ends with a 0.
    let context = made(unsafe { libc::syscall(libc::SYS_fsopen, c"bpf".as_ptr(), 0) }).unwrap();
    println!("bpffs {}", context.as_raw_fd());
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    assert_eq!(line, "delegated\n");
    // SAFETY: numbers only.
    let mount = made(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), 0, 0) }).unwrap();
    let to = CString::new(BPF_FS).unwrap();
    // SAFETY: both paths end with a 0.
    done(unsafe {
        let from = mount.as_raw_fd();
        let (empty, flags) = (c"".as_ptr(), MOVE_MOUNT_F_EMPTY_PATH);
        libc::syscall(libc::SYS_move_mount, from, empty, libc::AT_FDCWD, to.as_ptr(), flags)
    })
    .unwrap();
}

/// Whether there is something to test here.
fn may_delegate() -> bool {
    if !may_load() {
        return false;
    }
    let has = is_from("BPF tokens");
    if !has {
        not_on_this_kernel(came_later("BPF tokens"));
    }
    has
}

fn is_refused(error: &Error) {
    assert!(matches!(error.errno(), Some(Errno::EPERM)), "{error}");
}

#[test]
fn a_skeleton_is_loaded_by_what_was_delegated() {
    if !is_child() {
        return if may_delegate() {
            with_delegation(&ALL)
        };
    }
    mount();
    // Of the usual place, without a word.
    let skel = open().load().unwrap();
    assert_eq!(skel.maps.typed.keys().count(), 0);
    let skel = Counters::open().unwrap().load().unwrap();
    assert_eq!(skel.percpu.get(0).unwrap().hits, 0);

    let mut without = Counters::open().unwrap();
    without.clear_token();
    is_refused(&without.load().unwrap_err());

    let mut named = Counters::open().unwrap();
    named.set_token(BPF_FS);
    named.load().unwrap();

    let mut wrong = Counters::open().unwrap();
    wrong.set_token("/proc");
    let error = wrong.load().unwrap_err();
    let expected = (Some("/proc"), Some(Errno::EINVAL), Some("a BPF file system is not mounted there"));
    assert_eq!((error.subject_name(), error.errno(), error.reason()), expected);

    // What the environment says is the user's word as well.
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { env::set_var(TOKEN_PATH, "") };
    is_refused(&Counters::open().unwrap().load().unwrap_err());
    // SAFETY: as above.
    unsafe { env::set_var(TOKEN_PATH, "/no_such_folder") };
    assert_eq!(Counters::open().unwrap().load().unwrap_err().errno(), Some(Errno::ENOENT));
    // SAFETY: as above.
    unsafe { env::set_var(TOKEN_PATH, BPF_FS) };
    Counters::open().unwrap().load().unwrap();
}

#[test]
fn what_was_not_delegated_is_refused_and_said() {
    if !is_child() {
        // The loader's type of programs is missing: bit 31.
        let progs = [("delegate_cmds", "any"), ("delegate_maps", "any"), ("delegate_progs", "0x7fffffff")];
        return if may_delegate() {
            with_delegation(&progs)
        };
    }
    mount();
    let error = Counters::open().unwrap().load().unwrap_err();
    is_refused(&error);
    assert!(error.reason().is_some_and(|why| why.contains("programs of type syscall")), "{error}");
}

#[test]
fn where_there_is_no_token_one_is_not_needed_or_missed() {
    if !may_load() {
        return;
    }
    let mut named = Counters::open().unwrap();
    named.set_token(BPF_FS);
    let error = named.load().unwrap_err();
    if is_from("BPF tokens") {
        assert_eq!(error.errno(), Some(Errno::EOPNOTSUPP), "{error}");
    } else {
        let why = came_later("BPF tokens").replace("BPF tokens", "this kernel has no BPF tokens, which");
        assert_eq!(error.reason(), Some(&*why));
    }
    Counters::open().unwrap().load().unwrap();
}
