//! Every fixture by every compiler: what it makes has the skeleton that the checked-in object has.

use std::fs;

use skelgen::Skeleton;
use skelgen::emit::Options;
use skelgen_tests::cells::say;
use skelgen_tests::lists::{self, Entry};
use skelgen_tests::{Part, not_run};

use crate::compiler::{Compiler, fixtures, names, reason};
use crate::types::types;

#[test]
fn skeletons_are_the_same_whatever_the_compiler() {
    let compilers = Compiler::all();
    if compilers.is_empty() {
        return not_run(Part::Clang, "none of compilers.txt is here: tests/compilers/fetch");
    }
    let lists = ["compilers/not_compiled.txt", "compilers/refused.txt"].map(|name| lists::read(name, 0));
    let mut wrong = Vec::new();
    for compiler in &compilers {
        let mut told = String::new();
        for cpu in Compiler::CPUS {
            let same = fixtures().iter().filter(|fixture| one(compiler, cpu, fixture, &lists, &mut wrong)).count();
            told += &format!(", {same} for {cpu}");
        }
        say(&format!("{}: the skeletons are the same{told}\n", compiler.name));
    }
    for entry in lists.iter().flatten().filter(|entry| entry.seen() == 0) {
        // It may be for compilers that are not here.
        let line = entry.line();
        let pattern = line.split(' ').next().unwrap_or_default();
        let is_here = |name: &String| compilers.iter().any(|compiler| compiler.name == *name);
        if names().iter().filter(|name| lists::matches(pattern, name)).all(is_here) {
            wrong.push(format!("no longer needed: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{} are not explained:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether it has the same skeleton. If not, there has to be a reason in a list.
fn one(compiler: &Compiler, cpu: &str, fixture: &str, lists: &[Vec<Entry>; 2], wrong: &mut Vec<String>) -> bool {
    let [not_compiled, refused] = lists;
    let expected = Skeleton::new(&format!("{fixture}.bpf.o"), &skelgen_tests::fixtures::bytes(fixture));
    let mut fail = |list: &[Entry], what: &str| {
        if reason(list, compiler, cpu, fixture, what).is_none() {
            wrong.push(format!("{} {cpu} {fixture}: {what}", compiler.name));
        }
        false
    };
    let object = match compiler.compile(fixture, "bpfel", cpu) {
        Ok(object) => object,
        Err(why) => return fail(not_compiled, &why),
    };
    let bytes = fs::read(object).expect("it was just made");
    match (expected, Skeleton::new(&format!("{fixture}.bpf.o"), &bytes)) {
        (Ok(expected), Ok(made)) => {
            let [expected, made] =
                [expected, made].map(|skeleton| types(&skeleton.source(&Options::default()).expect("it is accepted")));
            match expected.iter().zip(&made).find(|(expected, made)| expected != made) {
                None if expected.len() == made.len() => true,
                None => fail(refused, &format!("{} types, and {}", expected.len(), made.len())),
                Some((expected, made)) => fail(refused, &format!("another type: {made}, not {expected}")),
            }
        }
        (Err(expected), Err(made)) if expected.kind() == made.kind() => true,
        (Err(expected), Ok(_)) => fail(refused, &format!("not refused: {expected}")),
        (_, Err(why)) => fail(refused, &why.to_string()),
    }
}
