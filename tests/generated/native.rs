//! The program on this machine's processor: what each variable is before and after each round.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

/// What the program printed.
#[derive(Debug, Default)]
pub(crate) struct Native {
    pub(crate) variables: BTreeMap<String, Known>,
    /// By the round.
    pub(crate) results: Vec<u32>,
}

/// What is known of a variable.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The bits that are no padding.
    pub(crate) mask: Vec<u8>,
    /// The first value, and the value after each round.
    pub(crate) values: Vec<Vec<u8>>,
    /// The parts that clang may make variables of their own; none if that is not known.
    pub(crate) pieces: Vec<Range<usize>>,
}

/// Compiles the source with `compiler`, without optimisation, and runs it.
pub(crate) fn run(compiler: &Path, source: &Path) -> Native {
    let executable = source.with_extension("native");
    let mut command = Command::new(compiler);
    command.args(["-O0", "-w", "-fwrapv", "-fno-strict-aliasing", "-o"]).arg(&executable).arg(source);
    let compiled = command.output().unwrap_or_else(|error| panic!("{}: {error}", compiler.display()));
    assert!(compiled.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&compiled.stderr));
    let ran = Command::new(&executable).output().unwrap();
    assert!(ran.status.success(), "{}: {}", executable.display(), ran.status);
    read(&String::from_utf8(ran.stdout).unwrap())
}

fn read(text: &str) -> Native {
    let mut native = Native::default();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["result", result] => native.results.push(result.parse().unwrap()),
            ["mask", name, hex] => native.of(name).mask = bytes(hex),
            ["value", name, hex] => native.of(name).values.push(bytes(hex)),
            ["piece", name, offset, size] => {
                let (offset, size): (usize, usize) = (offset.parse().unwrap(), size.parse().unwrap());
                native.of(name).pieces.push(offset..offset + size);
            }
            _ => panic!("{line:?}"),
        }
    }
    native
}

impl Native {
    fn of(&mut self, name: &str) -> &mut Known {
        self.variables.entry(name.to_owned()).or_default()
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
