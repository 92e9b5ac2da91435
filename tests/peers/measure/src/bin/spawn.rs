//! Runs a program and tells what it cost: `spawn PROGRAM [ARGUMENT...]`.
//!
//! What a child's peak memory is said to be includes what it had between fork and exec, a copy of its parent. So the
//! parent has to be small: this one, linked statically. Without a program the child only exits, which shows how much
//! of this remains.
//!
//! After what the program prints, one line: `spawn STATUS WALL_NS CPU_US PEAK_KIB`. With `SPAWN_TO=FILE` the line is added
//! to that file instead, and this exits as the program did: so can it stand before a program that others look at.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};
use std::{io, mem, ptr};

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()).and_then(tell) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("spawn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(cost: Cost) -> io::Result<ExitCode> {
    let Cost { status, wall, cpu, peak_kib } = cost;
    let line = format!("spawn {status} {} {} {peak_kib}\n", wall.as_nanos(), cpu.as_micros());
    let Some(path) = std::env::var_os("SPAWN_TO") else {
        print!("{line}");
        return Ok(ExitCode::SUCCESS);
    };
    File::options().create(true).append(true).open(path)?.write_all(line.as_bytes())?;
    let exited = ExitStatus::from_raw(status).code();
    Ok(exited.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

struct Cost {
    /// As wait(2) gives it.
    status: i32,
    /// From fork to wait.
    wall: Duration,
    /// User and system, its own children included.
    cpu: Duration,
    /// Of it or its largest child.
    peak_kib: i64,
}

fn run(args: Vec<OsString>) -> io::Result<Cost> {
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
            unsafe { libc::execvp(argv[0], argv.as_ptr()) };
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
    Ok(Cost { status, wall, cpu, peak_kib: usage.ru_maxrss })
}

fn micros(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
}
