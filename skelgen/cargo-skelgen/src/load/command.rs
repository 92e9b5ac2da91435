//! Running the user's command while the objects are loaded.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use crate::stop;

/// Runs `program`, and ends as a shell would for it.
pub(crate) fn run(program: &OsStr, args: &[OsString]) -> ExitCode {
    match Command::new(program).args(args).status() {
        Ok(status) => {
            let code = status.code().or(status.signal().map(|signal| 128 + signal));
            code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            stop::tell(format_args!("{}: cannot run it: {error}", program.display()));
            ExitCode::from(if error.kind() == ErrorKind::NotFound { 127 } else { 126 })
        }
    }
}
