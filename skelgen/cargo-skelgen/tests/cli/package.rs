//! A package with C for `build`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use skelgen_tests::have_clang;

use crate::{EXE, Ran, json, scratch};

/// A package in a folder of its own.
pub(crate) struct Package(PathBuf);

impl Package {
    /// An empty one; none where nothing can be compiled.
    pub(crate) fn new(name: &str) -> Option<Package> {
        if !have_clang() {
            return None;
        }
        let folder = scratch(name);
        let _ = fs::remove_dir_all(&folder);
        let package = Package(folder);
        package.write("src/lib.rs", "");
        Some(package)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Writes a file, as if that were some time ago: what is made is to be newer.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the target folder can be written");
        fs::write(&path, text).expect("the target folder can be written");
        let time = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("the file is ours");
    }

    /// Writes a file that was compiled before.
    pub(crate) fn change(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).expect("the target folder can be written");
    }

    pub(crate) fn configure(&self, tables: &str) {
        let package = "[package]\nname = \"counter\"\nedition = \"2024\"\n\n[workspace]\n";
        self.write("Cargo.toml", &format!("{package}\n{tables}"));
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    pub(crate) fn build_in(&self, folder: &str, args: &[&str]) -> Ran {
        let mut command = Command::new(EXE);
        command.arg("build").args(args).current_dir(self.path(folder));
        command.output().expect("it was built").into()
    }

    pub(crate) fn build(&self, args: &[&str]) -> Ran {
        self.build_in("", args)
    }

    /// What a build says that goes well.
    pub(crate) fn built(&self, args: &[&str]) -> Vec<String> {
        let ran = self.build(args);
        assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
        ran.err.lines().map(ToOwned::to_owned).collect()
    }

    /// As [`built`](Self::built), with another target directory.
    pub(crate) fn built_in_target(&self, target: &str) -> Vec<String> {
        let mut command = Command::new(EXE);
        command.arg("build").current_dir(self.path("")).env("CARGO_TARGET_DIR", scratch(target));
        let ran: Ran = command.output().expect("it was built").into();
        assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
        ran.err.lines().map(ToOwned::to_owned).collect()
    }

    /// The lines of JSON, and the status.
    pub(crate) fn json(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let ran = self.build(&[&["--json"], args].concat());
        assert_eq!(ran.err, "");
        let lines: Vec<_> = ran.out.lines().map(json::parse).collect();
        lines.iter().for_each(|line| json::is_documented("build", line));
        (ran.status, lines)
    }
}
