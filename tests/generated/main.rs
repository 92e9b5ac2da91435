//! Random C programs, compiled for BPF and for this machine: loaded by the runtime, they compute what they compute here.
//!
//! ```text
//! types    random structs, unions, enums, arrays and bit-fields
//! source   random variables and code over them, as C for both
//! native   the program on this machine's processor
//! kernel   the program in the running kernel
//! ```
//!
//! Compared are the first values of all variables, as the object has them and as the kernel has them after the load; what
//! the program returns; and the values after each run, on the CPU that ran it and on the others. `SKELGEN_GENERATED=300`
//! tries 300 programs, `SKELGEN_SEED` is the first one's seed.

mod kernel;
mod native;
mod source;
mod types;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use skelgen::Skeleton;
use skelgen::clang::{Clang, Target};
use skelgen::emit::Options;
use skelgen_runtime::{PerCpuMode, features};
use skelgen_tests::{have_clang, may_load, random, scratch};

use kernel::Compared;
use source::Program;

/// Programs of a usual run.
const USUAL: u64 = 5;

/// How many programs.
fn count() -> u64 {
    env::var("SKELGEN_GENERATED").map_or(USUAL, |count| count.parse().expect("SKELGEN_GENERATED is a number"))
}

/// The compiler that the fixtures are pinned to, or another clang.
fn clang() -> PathBuf {
    let folders = env::var_os("PATH").unwrap_or_default();
    let pinned = env::split_paths(&folders).map(|folder| folder.join("clang-14")).find(|path| path.is_file());
    pinned.or_else(|| env::var_os("CLANG").map(PathBuf::from)).unwrap_or_else(|| "clang".into())
}

#[test]
fn random_programs_compute_the_same_in_the_kernel_and_here() {
    if !have_clang() || !may_load() {
        return;
    }
    let folder = scratch::scratch(env!("CARGO_TARGET_TMPDIR")).join("generated");
    fs::create_dir_all(&folder).unwrap();
    let (first, count, clang) = (random::seed(), count(), clang());
    println!("SKELGEN_SEED={first} SKELGEN_GENERATED={count}");
    let mut modes = vec![PerCpuMode::Lowered];
    if features::probe().unwrap().direct {
        modes.push(PerCpuMode::Native);
    }
    let (mut compared, mut different) = (Compared::default(), Vec::new());
    for seed in (0..count).map(|index| first.wrapping_add(index)) {
        let program = Program::random(seed);
        let differences = check(&clang, &folder, &program, &modes, &mut compared);
        if !differences.is_empty() {
            let kept = folder.join(format!("seed_{seed}.bpf.c"));
            fs::write(&kept, &program.text).unwrap();
            different.push(format!("SKELGEN_SEED={seed} ({}):\n{}", kept.display(), differences.join("\n")));
        }
    }
    println!("{compared:?}");
    assert!(different.is_empty(), "{} of {count} programs differ:\n\n{}", different.len(), different.join("\n\n"));
    // The test can fail: programs have variables of each kind, and most are compared.
    assert!(compared.whole as u64 > 3 * count, "{compared:?}");
    if count >= 100 {
        assert!(compared.shrunk > 0 && compared.pieces > 0, "{compared:?}");
        assert!(compared.left_out < compared.whole / 10, "{compared:?}");
    }
}

/// What is different in one program.
fn check(clang: &Path, folder: &Path, program: &Program, modes: &[PerCpuMode], compared: &mut Compared) -> Vec<String> {
    let source = folder.join("program.bpf.c");
    fs::write(&source, &program.text).unwrap();
    let native = native::run(clang, &source);
    let mut compiler = Clang::default();
    compiler.program(clang);
    compiler.cpu(program.cpu);
    for flag in [program.optimisation, "-w", "-fwrapv", "-fno-strict-aliasing"] {
        compiler.flag(flag);
    }
    let object = match compiler.compile(&Target::from_env(), &source, &folder.join("program.bpf.o")) {
        Ok(compiled) => compiled.object,
        Err(error) => return vec![error.to_string()],
    };
    let skeleton = match Skeleton::new("program.bpf.o", &object) {
        Ok(skeleton) => skeleton,
        Err(error) => return vec![error.to_string()],
    };
    let mut all: Vec<_> = skeleton.source(&Options::default()).err().iter().map(ToString::to_string).collect();
    for &mode in modes {
        let (parts, differences) = (BTreeMap::new(), Vec::new());
        let mut run = kernel::Run { skeleton: &skeleton, program, native: &native, compared, parts, differences };
        run.check(mode);
        all.append(&mut run.differences);
    }
    all
}
