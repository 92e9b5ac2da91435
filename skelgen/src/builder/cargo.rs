//! What a build script says to cargo.

use std::env;
use std::fmt::Display;
use std::path::Path;

use super::Listener;

/// Cargo, if this is a build script that it runs.
pub(super) struct Cargo {
    listens: bool,
}

impl Cargo {
    pub(super) fn from_env() -> Self {
        // Programs that cargo runs have `OUT_DIR` too, but not what the package is built for.
        Cargo { listens: env::var_os("OUT_DIR").is_some() && env::var_os("CARGO_CFG_TARGET_ARCH").is_some() }
    }

    pub(super) fn listens(&self) -> bool {
        self.listens
    }

    /// Lets cargo show the error and fail the build.
    pub(super) fn error(&self, error: impl Display) {
        self.lines("error", error);
    }

    /// What cargo shows has one line each time.
    fn lines(&self, key: &str, text: impl Display) {
        text.to_string().lines().for_each(|line| self.say(key, line));
    }

    fn say(&self, key: &str, value: impl Display) {
        if self.listens {
            println!("cargo::{key}={value}");
        }
    }
}

impl Listener for Cargo {
    fn reads(&mut self, file: &Path) {
        match file.to_str() {
            // What follows a line break would be an instruction of its own.
            Some(path) if path.contains(['\n', '\r']) => {
                self.lines("warning", format!("{file:?} is not watched, as its name has a line break"));
            }
            _ => self.say("rerun-if-changed", file.display()),
        }
    }

    fn heeds(&mut self, variable: &str) {
        self.say("rerun-if-env-changed", variable);
    }

    fn warns(&mut self, _: &Path, said: &str) {
        self.lines("warning", said);
    }
}
