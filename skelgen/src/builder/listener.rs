//! Who hears of what a builder does.

use std::path::Path;
use std::process::Command;

/// Hears of what a [`Builder`](super::Builder) does, while it does it: cargo, for a build script; a person, for a
/// command. Nothing of it has to be listened to.
pub trait Listener {
    /// What is made depends on this file, or on its not being there.
    fn reads(&mut self, file: &Path) {
        let _ = file;
    }

    /// What is made depends on this environment variable.
    fn heeds(&mut self, variable: &str) {
        let _ = variable;
    }

    /// A source is not as it was when its object was made, and is compiled.
    fn compiles(&mut self, source: &Path) {
        let _ = source;
    }

    /// A command runs: clang, or what strips its object.
    fn runs(&mut self, command: &Command) {
        let _ = command;
    }

    /// What clang warns of in a source, now or when it was compiled.
    fn warns(&mut self, source: &Path, said: &str) {
        let _ = (source, said);
    }
}
