//! Fixtures for machines of the other byte order: the same skeletons, but for the bytes.
//!
//! No big-endian machine runs them here. What is held to is that every step towards the image is the same, and that each
//! number in the object's data has its bytes the other way around.

use std::fs;

use skelgen::btf::{Btf, Type, TypeId};
use skelgen::emit::Options;
use skelgen::loader::Records;
use skelgen::object::{Map, VarNote};
use skelgen::{Endian, Error, Skeleton};
use skelgen_tests::{Part, not_run};

use crate::compiler::{Compiler, fixtures};

/// The one that the fixtures are pinned to, and one for fixtures that ask for a newer.
const COMPILERS: [&str; 2] = ["clang-14", "clang-23"];

/// Fixtures whose code is another for the other byte order: a constant of several fields is made with other instructions.
const OTHER_CODE: [&str; 1] = ["module_kfuncs"];

#[test]
fn big_endian_objects_differ_in_their_bytes_alone() {
    let compilers: Vec<_> = COMPILERS.into_iter().filter_map(Compiler::named).collect();
    if compilers.is_empty() {
        return not_run(Part::Clang, format!("there is neither of {}", COMPILERS.join(", ")));
    }
    let mut compared = 0;
    for fixture in fixtures() {
        let compiled = compilers.iter().find_map(|compiler| {
            let objects = ["bpfel", "bpfeb"].map(|target| compiler.compile(&fixture, target, "v3"));
            let [Ok(little), Ok(big)] = objects else { return None };
            Some([little, big].map(|object| fs::read(object).expect("it was just made")))
        });
        // What an older one cannot compile, a newer one can.
        let Some([little, big]) = compiled else {
            assert!(compilers.len() < COMPILERS.len(), "{fixture} does not compile");
            continue;
        };
        let name = format!("{fixture}.bpf.o");
        match (Skeleton::new(&name, &little), Skeleton::new(&name, &big)) {
            (Ok(_), Ok(_)) if OTHER_CODE.contains(&&*fixture) => continue,
            (Ok(little), Ok(big)) => compare(&fixture, &little, &big),
            (little, big) => assert_eq!(little.map(refused), big.map(refused), "{fixture}"),
        }
        compared += 1;
    }
    assert!(compared > 30, "{compared} fixtures");
}

/// Nothing to compare: only one of the two was refused.
fn refused(_: Skeleton) -> Option<Error> {
    None
}

fn compare(fixture: &str, little: &Skeleton, big: &Skeleton) {
    assert_eq!((little.object.endian, big.object.endian), (Endian::Little, Endian::Big));
    let source = |skeleton: &Skeleton| {
        let source = skeleton.source(&Options::default()).expect("it is accepted");
        let (head, rest) = source.split_once("::core::compile_error!(").expect("it is for one byte order");
        let (words, rest) = rest.split_once(");").expect("it is one literal");
        let names = ["little", "big"].map(|order| format!("for {order}-endian machines"));
        let (own, other) = if skeleton.object.endian == Endian::Little { ("little", "big") } else { ("big", "little") };
        assert!(words.contains(&format!("for {own}-endian machines")), "{fixture}: {words} of {names:?}");
        assert!(head.trim_end().ends_with(&format!("#[cfg(target_endian = \"{other}\")]")), "{fixture}");
        let head = head.replace(&format!("target_endian = \"{other}\""), "");
        without_bytes(&(head + rest))
    };
    let [plans, records, sources] = [
        [little, big].map(|skeleton| skeleton.plan.to_string()),
        [little, big].map(|skeleton| Records(&skeleton.plan, &skeleton.loader).to_string()),
        [little, big].map(source),
    ];
    for [little, big] in [&plans, &records, &sources] {
        for (little, big) in little.lines().zip(big.lines()) {
            assert!(same_line(little, big), "{fixture}: there is\n{big}\nand not\n{little}");
        }
        assert_eq!(little.lines().count(), big.lines().count(), "{fixture}");
    }
    assert_eq!(little.loader.image.len(), big.loader.image.len(), "{fixture}");
    for (l, b) in little.object.maps.iter().zip(&big.object.maps) {
        same_numbers(fixture, &little.object.btf, l, b);
    }
}

/// Whether two lines say the same. A record that reads half of a word of the blob finds the lower one behind the other.
fn same_line(little: &str, big: &str) -> bool {
    let address = |word: &str| u64::from_str_radix(word.strip_prefix("[0x")?.strip_suffix(']')?, 16).ok();
    let same = |(little, big): (&str, &str)| {
        little == big || address(little).zip(address(big)).is_some_and(|(little, big)| little.abs_diff(big) == 4)
    };
    little == big
        || little.split(' ').count() == big.split(' ').count() && little.split(' ').zip(big.split(' ')).all(same)
}

/// `b"..."` without what is in it.
fn without_bytes(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some((before, literal)) = rest.split_once("b\"") {
        out += before;
        let mut escaped = false;
        let end = literal.find(|char| {
            let ends = char == '"' && !escaped;
            escaped = char == '\\' && !escaped;
            ends
        });
        rest = &literal[end.expect("a literal ends") + 1..];
    }
    out + rest
}

/// Holds the initial values of a section's variables to be the same numbers.
fn same_numbers(fixture: &str, btf: &Btf, little: &Map, big: &Map) {
    let (Some(l), Some(b)) = (&little.data, &big.data) else { return };
    assert_eq!((&l.kind, &l.vars, l.bytes.len()), (&b.kind, &b.vars, b.bytes.len()), "{fixture} {}", little.name);
    if l.bytes.is_empty() {
        return;
    }
    for var in &l.vars {
        // The rest of a cut static is one number; BTF has only its size.
        let is_cut = var.notes.iter().any(|note| matches!(note, VarNote::Cut { .. }));
        let numbers = match is_cut {
            true => vec![(var.offset as usize, var.size as usize)],
            false => numbers(btf, var.type_id, var.offset as usize),
        };
        for (at, size) in numbers {
            let mut reversed = b.bytes[at..at + size].to_vec();
            reversed.reverse();
            assert_eq!(l.bytes[at..at + size], reversed, "{fixture} {}: {} at {at}", little.name, var.name);
        }
    }
}

/// Where the numbers of a value of this type are, and how many bytes each has. Not those that share their bytes with
/// others: bit-fields and what is in unions.
fn numbers(btf: &Btf, ty: TypeId, at: usize) -> Vec<(usize, usize)> {
    match btf.get_resolved(ty) {
        Type::Int(int) => vec![(at, int.size as usize)],
        Type::Enum(it) | Type::Enum64(it) => vec![(at, it.size as usize)],
        Type::Float(float) => vec![(at, float.size as usize)],
        Type::Ptr(_) => vec![(at, 8)],
        Type::Array(array) => {
            let first = numbers(btf, array.elem, at);
            let size = btf.size_of(array.elem).expect("it has one") as usize;
            let element = |index: usize| first.iter().map(move |(at, len)| (at + index * size, *len));
            (0..array.len as usize).flat_map(element).collect()
        }
        Type::Struct(def) => {
            let whole = def.members.iter().filter(|member| member.bitfield_size == 0 && member.bit_offset % 8 == 0);
            whole.flat_map(|member| numbers(btf, member.ty, at + member.bit_offset as usize / 8)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn lines_are_compared() {
    assert!(same_line("[0xa54] = [0x840] x", "[0xa54] = [0x844] x"));
    assert!(!same_line("[0xa54] = [0x840] x", "[0xa54] = [0x848] x") && !same_line("[0x8]", "[0x8] 1"));
    assert_eq!(without_bytes(r#"a(b"x\"y\\", b"", 1)"#), "a(, , 1)");
}
