//! What the kernel and libbpf have for compatible and for the same, on types put together by hand.

use skelgen_tests::random::Random;

use super::{KernelTypes, TypeRelo, essential_name};
use crate::btf::build::{Builder, STRUCT};
use crate::btf::{Blob, KernelBtf, TypeId, Types, kind};

const FLAG: u32 = 1 << 31;

fn relos() -> [TypeRelo; 4] {
    [TypeRelo::TargetId, TypeRelo::Exists, TypeRelo::Size, TypeRelo::Matches]
}

fn ask(relo: TypeRelo, local: &Builder, id: u32, kernel: &Builder) -> Option<u64> {
    let local = Blob::parse(local.bytes(), None).unwrap();
    let mut kernel = KernelTypes::of(KernelBtf::of(kernel.bytes()), Vec::new());
    relo.resolve(Types::new(&local, None), TypeId(id), &mut kernel).unwrap()
}

fn int(b: &mut Builder) -> u32 {
    b.add("int", kind::INT << 24, 4, &[1 << 24 | 32])
}

/// Structs in structs, so many: `s0` has an `int`, `s1` an `s0`, ...
fn nested(b: &mut Builder, flavour: &str, levels: usize, member: &str) -> u32 {
    let mut inner = int(b);
    for level in 0..levels {
        inner = b.composite(&format!("s{level}{flavour}"), STRUCT, 4, &[(member, inner, 0)]);
    }
    inner
}

#[test]
fn structs_match_all_the_way_down() {
    for (levels, matches) in [(1, Some(1)), (2, Some(1)), (3, Some(1)), (31, Some(1)), (32, None)] {
        let (mut local, mut kernel) = (Builder::vmlinux(), Builder::vmlinux());
        let id = nested(&mut local, "___flavour", levels, "inner");
        let target = nested(&mut kernel, "", levels, "inner");
        assert_eq!(ask(TypeRelo::Matches, &local, id, &kernel), matches, "{levels}");
        let found = [TypeRelo::TargetId, TypeRelo::Exists, TypeRelo::Size].map(|relo| ask(relo, &local, id, &kernel));
        assert_eq!(found, [Some(u64::from(target)), Some(1), Some(4)]);
        // A member of another name, at the bottom.
        let mut kernel = Builder::vmlinux();
        nested(&mut kernel, "", levels, "other");
        assert_eq!(ask(TypeRelo::Matches, &local, id, &kernel), Some(0), "{levels}");
        assert_eq!(ask(TypeRelo::Matches, &local, id, &Builder::vmlinux()), Some(0));
    }
}

/// A function that takes a function that takes ..., as a typedef.
fn functions(b: &mut Builder, levels: usize) -> u32 {
    let mut param = int(b);
    for _ in 0..levels {
        let proto = b.add("", kind::FUNC_PROTO << 24 | 1, 1, &[0, param]);
        param = b.add("", kind::PTR << 24, proto, &[]);
    }
    b.add("callback_t", kind::TYPEDEF << 24, param, &[])
}

#[test]
fn prototypes_are_compared_to_the_bottom() {
    for (levels, exists) in [(1, Some(1)), (3, Some(1)), (32, Some(1)), (33, None)] {
        let (mut local, mut kernel) = (Builder::vmlinux(), Builder::vmlinux());
        let id = functions(&mut local, levels);
        functions(&mut kernel, levels);
        assert_eq!(ask(TypeRelo::Exists, &local, id, &kernel), exists, "{levels}");
        let mut kernel = Builder::vmlinux();
        functions(&mut kernel, levels + 1);
        assert_eq!(ask(TypeRelo::Exists, &local, id, &kernel), exists.map(|_| 0), "{levels}");
    }
}

#[test]
fn what_stands_behind_a_pointer_matches_by_name_and_kind() {
    type Struct<'a> = (&'a str, u32, &'a [&'a str]);
    let cases: [(Struct<'_>, Struct<'_>, u64); 7] = [
        (("a", STRUCT, &["x"]), ("a", STRUCT, &[]), 1),
        (("a___old", STRUCT, &[]), ("a", STRUCT, &["x"]), 1),
        (("a", STRUCT, &[]), ("b", STRUCT, &[]), 0),
        (("a", STRUCT, &[]), ("a", kind::UNION << 24, &[]), 0),
        (("a", STRUCT, &[]), ("a", kind::FWD << 24, &[]), 1),
        (("a", STRUCT, &[]), ("a", kind::FWD << 24 | FLAG, &[]), 0),
        (("a", kind::FWD << 24 | FLAG, &[]), ("a", kind::UNION << 24, &[]), 1),
    ];
    for (own, other, matches) in cases {
        let make = |(name, info, members): Struct<'_>| {
            let mut b = Builder::vmlinux();
            let int = int(&mut b);
            let members: Vec<_> = members.iter().map(|&member| (member, int, 0)).collect();
            let to = b.composite(name, info, 4, &members);
            let pointer = b.add("", kind::PTR << 24, to, &[]);
            (b.composite("holder", STRUCT, 8, &[("to", pointer, 0)]), b)
        };
        let ((id, local), (_, kernel)) = (make(own), make(other));
        assert_eq!(ask(TypeRelo::Matches, &local, id, &kernel), Some(matches), "{own:x?} {other:x?}");
    }
}

#[test]
fn enums_match_by_the_names_of_their_values() {
    let make = |kind: u32, size, names: &[&str]| {
        let mut b = Builder::vmlinux();
        let mut rest = Vec::new();
        for name in names {
            rest.push(b.string(name));
            rest.extend(if kind == kind::ENUM { vec![7] } else { vec![7, 0] });
        }
        (b.add("color", kind << 24 | names.len() as u32, size, &rest), b)
    };
    let (id, local) = make(kind::ENUM, 4, &["RED", "BLUE___2"]);
    for (kind, size, names, matches) in [
        (kind::ENUM, 4, &["RED", "GREEN", "BLUE"][..], 1),
        (kind::ENUM64, 4, &["BLUE", "RED"], 1),
        (kind::ENUM64, 8, &["BLUE", "RED"], 0),
        (kind::ENUM, 4, &["RED"], 0),
        (kind::ENUM, 4, &["RED", "GREEN"], 0),
    ] {
        let (_, kernel) = make(kind, size, names);
        assert_eq!(ask(TypeRelo::Matches, &local, id, &kernel), Some(matches), "{names:?}");
        assert_eq!(ask(TypeRelo::Exists, &local, id, &kernel), Some(1));
    }
}

#[test]
fn two_of_one_name_have_to_give_one_answer() {
    let (mut local, mut kernel) = (Builder::vmlinux(), Builder::vmlinux());
    let id = local.composite("twice", STRUCT, 4, &[]);
    for (name, size) in [("twice", 4), ("twice___2", 4), ("twice_", 16), ("twice", 4)] {
        kernel.composite(name, STRUCT, size, &[]);
    }
    let answers = relos().map(|relo| ask(relo, &local, id, &kernel));
    assert_eq!(answers, [None, Some(1), Some(4), Some(1)]);
    kernel.composite("twice", STRUCT, 8, &[]);
    assert_eq!(ask(TypeRelo::Size, &local, id, &kernel), None);
}

#[test]
fn a_flavour_is_what_follows_three_underscores() {
    for (name, essential) in [
        ("task_struct", "task_struct"),
        ("task_struct___old", "task_struct"),
        ("a___b___c", "a___b"),
        ("a____b", "a____b"),
        ("___b", "___b"),
        ("a___", "a___"),
        ("", ""),
    ] {
        assert_eq!(essential_name(name.as_bytes()), essential.as_bytes());
    }
}

#[test]
fn damaged_types_come_to_an_end() {
    let mut builder = Builder::vmlinux();
    let id = nested(&mut builder, "", 4, "inner");
    functions(&mut builder, 4);
    // A struct that holds itself many times, without a name for any.
    let members = vec![("", id + 100, 0); 40];
    while builder.composite("itself", STRUCT, 4, &members) < id + 100 {}
    let bytes = builder.bytes();
    let mut random = Random::new();
    for round in 0..2000 {
        let mut changed = [bytes.clone(), bytes.clone()];
        for _ in 0..random.below(4) {
            let bytes = &mut changed[random.below(2)];
            let at = random.below(bytes.len());
            bytes[at] = if random.one_in(3) { 0xff } else { random.below(256) as u8 };
        }
        let [local, kernel] = changed;
        let (Ok(local), Ok(_)) = (Blob::parse(local, None), Blob::parse(kernel.clone(), None)) else { continue };
        let mut kernel = KernelTypes::of(KernelBtf::of(kernel), Vec::new());
        // The last is what takes as much work as there may be.
        let wanted = if round == 0 { id + 100 } else { random.below(id as usize + 20) as u32 };
        for relo in relos() {
            let _ = relo.resolve(Types::new(&local, None), TypeId(wanted), &mut kernel).unwrap();
        }
    }
}
