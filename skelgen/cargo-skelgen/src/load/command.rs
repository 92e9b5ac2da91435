//! Running the user's command while the objects are loaded.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::stop;

/// Runs `program`, and returns the status that a shell would.
///
/// Signals end the command, not this process, which would unload the objects while the command still runs: a terminal sends
/// SIGINT and SIGQUIT to both, and SIGTERM is passed on.
pub(crate) fn run(program: &OsStr, args: &[OsString]) -> ExitCode {
    match status(Command::new(program).args(args)) {
        Ok(status) => {
            let code = status.code().or(status.signal().map(|signal| 128 + signal));
            code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            stop::tell(format_args!("{}: cannot run: {error}", program.display()));
            ExitCode::from(if error.kind() == ErrorKind::NotFound { 127 } else { 126 })
        }
    }
}

fn status(command: &mut Command) -> io::Result<ExitStatus> {
    // Before the start: a signal that comes in between is passed on afterwards.
    let mut signals = Signals::new([SIGCHLD, SIGINT, SIGQUIT, SIGTERM])?;
    let mut child = command.spawn()?;
    loop {
        // Only this reaps the child, so that its PID below is still its own.
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        for signal in signals.wait() {
            if signal == SIGTERM {
                // A child that runs as another user may be out of reach; there is nobody else to tell.
                let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            }
        }
    }
}
