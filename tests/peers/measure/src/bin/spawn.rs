//! Runs a program and tells what it cost: `spawn PROGRAM [ARGUMENT...]`.
//!
//! What a child's peak memory is said to be includes what it had between fork and exec, a copy of its parent. So the
//! parent has to be small: this one, linked statically. Without a program the child only exits, which shows how much
//! of this remains.
//!
//! After what the program prints, one line: `spawn STATUS WALL_NS CPU_US PEAK_KIB`.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{io, mem, ptr};

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("spawn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Vec<OsString>) -> io::Result<String> {
    let args = args.into_iter().map(|arg| CString::new(arg.into_vec())).collect::<Result<Vec<_>, _>>()?;
    let argv: Vec<_> = args.iter().map(|arg| arg.as_ptr()).chain([ptr::null()]).collect();

    let start = Instant::now();
    // SAFETY: this process has one thread, so the child may do anything.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            if args.is_empty() {
                // SAFETY: no destructor of this process is to run in the child.
                unsafe { libc::_exit(0) };
            }
            // SAFETY: argv ends with a null and points to strings that live in `args`.
            unsafe { libc::execv(argv[0], argv.as_ptr()) };
            // SAFETY: as above.
            unsafe { libc::_exit(127) };
        }
        _ => {}
    }
    let mut status = 0;
    // SAFETY: an rusage is integers only.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types.
    if unsafe { libc::wait4(pid, &mut status, 0, &mut usage) } != pid {
        return Err(io::Error::last_os_error());
    }
    let wall = start.elapsed();
    let cpu = micros(usage.ru_utime) + micros(usage.ru_stime);
    Ok(format!("spawn {status} {} {} {}", wall.as_nanos(), cpu.as_micros(), usage.ru_maxrss))
}

fn micros(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
}
