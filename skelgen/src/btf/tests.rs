//! Tests of BTF as a whole, on types put together by hand.

use proptest::prelude::*;

use super::build::{Builder, everything};
use super::*;
use crate::{Endian, ErrorKind};

const BOTH: [Endian; 2] = [Endian::Little, Endian::Big];

#[test]
fn parse_after_encode_is_identity() {
    for endian in BOTH {
        let btf = everything();
        let bytes = btf.encode(endian);
        let again = Btf::parse(&bytes, endian).unwrap();
        assert_eq!(again, btf);
        assert_eq!(again.encode(endian), bytes);
        let empty = Btf::default();
        assert_eq!(Btf::parse(&empty.encode(endian), endian), Ok(empty));
    }
    assert_ne!(everything().encode(Endian::Little), everything().encode(Endian::Big));
}

#[test]
fn encodes_to_literal_bytes() {
    let mut b = Builder::default();
    b.int("int", 4, Int::SIGNED);
    let bytes = b.0.encode(Endian::Big);
    let literal: [&[u8]; 7] = [
        &[0xeb, 0x9f, 1, 0],
        &[0, 0, 0, 24],
        &[0, 0, 0, 0, 0, 0, 0, 16],
        &[0, 0, 0, 16, 0, 0, 0, 5],
        &[0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 4],
        &[1, 0, 0, 32],
        b"\0int\0",
    ];
    assert_eq!(bytes, literal.concat());
}

#[test]
fn every_kind_is_there() {
    let btf = everything();
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, i + 1);
        assert_eq!(Kind::from_number(kind as u32), Some(kind));
        assert!(btf.types().any(|(_, ty)| ty.kind() == Some(kind)), "{kind:?}");
    }
    assert_eq!((Kind::from_number(0), Kind::from_number(20)), (None, None));
}

#[test]
fn lookups_and_changes() {
    let mut btf = everything();
    let event = btf.find(Kind::Struct, "event").unwrap();
    assert_eq!(btf.name_of(event), "event");
    assert_eq!(btf.find(Kind::Union, "event"), None);
    assert_eq!((btf.get(TypeId(9999)), btf.name(StrOff(9999))), (&Type::Void, ""));
    assert!(btf.get_mut(TypeId(0)).is_none() && btf.get_mut(TypeId(9999)).is_none());

    let (percpu, _) = btf.datasecs().next().unwrap();
    let datasec = btf.datasec_mut(percpu).unwrap();
    datasec.size = 72;
    datasec.vars[1].offset = 8;
    assert!(btf.datasec_mut(event).is_none());
    let func = btf.find(Kind::Func, "on_exec").unwrap();
    btf.func_mut(func).unwrap().linkage = Linkage::Static;
    let again = Btf::parse(&btf.encode(Endian::Little), Endian::Little).unwrap();
    assert_eq!(again.get(percpu).as_datasec().unwrap().vars[1].offset, 8);
    assert_eq!(again.get(func).as_func().unwrap().linkage, Linkage::Static);
}

#[test]
fn sizes_and_alignments() {
    let mut b = Builder(everything());
    let find = |b: &Builder, kind, name| b.0.find(kind, name).unwrap();
    let int = find(&b, Kind::Int, "int");
    let event = find(&b, Kind::Struct, "event");
    let grid = b.array(event, 3);
    let grid = b.array(grid, 2);
    let packed = b.structure("packed", 7, &[("a", int, 0, 0)]);
    let shifted = b.structure("shifted", 8, &[("a", int, 8, 0)]);
    let outer = b.structure("outer", 16, &[("p", packed, 0, 0), ("i", int, 64, 0)]);
    let wide = b.int("__int128", 16, Int::SIGNED);
    let table = [
        (int, 4, 4),
        (event, 56, 8),
        (grid, 336, 8),
        (packed, 7, 1),
        (shifted, 8, 1),
        (outer, 16, 4),
        (wide, 16, 16),
        (find(&b, Kind::Struct, "bits"), 4, 4),
        (find(&b, Kind::Enum64, "big"), 8, 8),
        (find(&b, Kind::Var, "all"), 56, 8),
        (find(&b, Kind::Typedef, "__u64"), 8, 8),
    ];
    for (id, size, align) in table {
        assert_eq!((b.0.size_of(id), b.0.align_of(id)), (Ok(size), Ok(align)), "{}", b.0.c_type(id));
    }
    for id in [TypeId(0), find(&b, Kind::Fwd, "task_struct"), find(&b, Kind::Func, "on_exec"), TypeId(9999)] {
        assert_eq!(b.0.size_of(id).unwrap_err().kind(), ErrorKind::Unresolved);
        assert_eq!(b.0.align_of(id).unwrap_err().kind(), ErrorKind::Unresolved);
    }
    let huge = b.array(grid, u32::MAX);
    assert_eq!(b.0.size_of(huge).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn bitfields_in_both_notations() {
    let mut b = Builder::default();
    let int = b.int("int", 4, 0);
    let name = b.str("int");
    let old = b.add(Type::Int(Int { name, size: 4, encoding: 0, offset: 2, bits: 5 }));
    let table = [
        (int, 32, 0, None),
        (int, 37, 5, Some((37, 5))),
        (int, 32, 32, Some((32, 32))),
        (old, 32, 0, Some((34, 5))),
        (int, 3, 0, Some((3, 32))),
    ];
    for (ty, bit_offset, bitfield_size, expected) in table {
        let member = Member { name: StrOff(0), ty, bit_offset, bitfield_size };
        let expected = expected.map(|(offset, width)| Bitfield { offset, width });
        assert_eq!(b.0.bitfield(&member), expected, "{member:?}");
    }
}

#[test]
fn types_read_as_in_c() {
    let mut b = Builder(everything());
    let find = |b: &Builder, kind, name| b.0.find(kind, name).unwrap();
    let event = find(&b, Kind::Struct, "event");
    let constant = b.add(Type::Const(event));
    let pointer = b.add(Type::Ptr(constant));
    let constant_pointer = b.add(Type::Const(pointer));
    let pointers = b.array(constant_pointer, 4);
    let int = find(&b, Kind::Int, "int");
    let row = b.array(int, 4);
    let grid = b.array(row, 2);
    let to_grid = b.add(Type::Ptr(grid));
    let Type::Func(func) = *b.0.get(find(&b, Kind::Func, "on_exec")) else { panic!() };
    let to_func = b.add(Type::Ptr(func.proto));
    let void = b.add(Type::Ptr(TypeId(0)));
    let nothing = b.func("nothing", Linkage::Static, TypeId(0), &[]);
    let nothing = b.0.get(nothing).as_func().unwrap().proto;
    let table = [
        (TypeId(0), "", "void"),
        (event, "", "struct event"),
        (constant_pointer, "", "const struct event *const"),
        (constant_pointer, "p", "const struct event *const p"),
        (pointers, "all", "const struct event *const all[4]"),
        (grid, "grid", "int grid[2][4]"),
        (grid, "", "int [2][4]"),
        (to_grid, "", "int (*)[2][4]"),
        (to_func, "call", "int (*call)(int *restrict ctx, ...)"),
        (nothing, "", "void (void)"),
        (void, "", "void *"),
        (find(&b, Kind::Typedef, "__u64"), "x", "__u64 x"),
        (find(&b, Kind::Fwd, "task_struct"), "", "struct task_struct"),
        (find(&b, Kind::Enum64, "big"), "", "enum big"),
        (b.0.get(find(&b, Kind::Var, "all")).as_var().unwrap().ty, "", "volatile const union {...}"),
    ];
    for (id, name, expected) in table {
        assert_eq!(b.0.c_declaration(id, name), expected);
    }
}

#[test]
fn rendering_and_resolving_end() {
    let mut b = Builder::default();
    let mut id = b.int("int", 4, 0);
    for _ in 0..40 {
        let params = [("a", id), ("b", id)];
        let func = b.func("f", Linkage::Static, id, &params);
        let proto = b.0.get(func).as_func().unwrap().proto;
        id = b.add(Type::Ptr(proto));
    }
    assert!(b.0.c_type(id).len() < 10_000);
    let circle = b.typedef("circle", TypeId(0));
    *b.0.get_mut(circle).unwrap() = Type::Const(circle);
    assert_eq!(b.0.resolve(circle), TypeId(0));
    assert!(b.0.size_of(circle).is_err() && b.0.align_of(circle).is_err());
    b.0.c_type(circle);
    let array = b.array(circle, 1);
    *b.0.get_mut(circle).unwrap() = Type::Const(array);
    assert!(b.0.size_of(circle).is_err() && b.0.align_of(circle).is_err());
    b.0.c_type(circle);
}

#[test]
fn what_is_not_whole_is_refused() {
    type Break = fn(&mut Builder);
    let table: &[(Break, &str)] = &[
        (
            |b| {
                b.typedef("t", TypeId(2));
            },
            "type 1: refers to type 2, which does not exist",
        ),
        (
            |b| {
                b.typedef("t", TypeId(1));
            },
            "type 1: contains itself",
        ),
        (
            |b| {
                b.array(TypeId(2), 0);
                b.structure("s", 0, &[("a", TypeId(1), 0, 0)]);
            },
            "contains itself",
        ),
        (
            |b| {
                b.add(Type::Fwd(Fwd { name: StrOff(99), union: false }));
            },
            "type 1: no name at 99",
        ),
    ];
    for (change, expected) in table {
        let mut b = Builder::default();
        change(&mut b);
        let error = Btf::parse(&b.0.encode(Endian::Little), Endian::Little).unwrap_err().to_string();
        assert!(error.starts_with("section .BTF: ") && error.contains(expected), "{error}");
    }
    let mut b = Builder::default();
    b.structure("list", 8, &[("next", TypeId(2), 0, 0)]);
    b.add(Type::Ptr(TypeId(1)));
    assert!(Btf::parse(&b.0.encode(Endian::Little), Endian::Little).is_ok(), "pointers may point back");
}

#[test]
fn structs_nest_without_limit_and_typedefs_256_deep() {
    let mut b = Builder::default();
    let int = b.int("int", 4, 0);
    let (mut structs, mut typedefs) = (int, vec![int]);
    for _ in 0..100_000 {
        structs = b.structure("s", 4, &[("a", structs, 0, 0)]);
        typedefs.push(b.typedef("t", typedefs[typedefs.len() - 1]));
    }
    let btf = Btf::parse(&b.0.encode(Endian::Little), Endian::Little).unwrap();
    assert_eq!(btf.size_of(structs), Ok(4));
    assert_eq!((btf.size_of(typedefs[256]), btf.resolve(typedefs[256])), (Ok(4), int));
    assert_eq!((btf.size_of(typedefs[257]).is_err(), btf.resolve(typedefs[257])), (true, TypeId(0)));
    let error = btf.align_of(structs).unwrap_err().to_string();
    assert!(error.contains("nests too deep"), "{error}");
}

#[test]
fn broken_headers() {
    let bytes = everything().encode(Endian::Little);
    let cases: &[(usize, u8, &str)] = &[
        (0, 0, "magic"),
        (2, 2, "version 2"),
        (4, 8, "a header of 8 bytes"),
        (7, 1, "a header of"),
        (15, 1, "types end past the end"),
        (23, 1, "strings end past the end"),
        (24, 0xff, "no name"),
        (24 + 7, 0x41, "unknown bits"),
        (24 + 7, 0x1f, "unknown kind 31"),
        (24 + 7, 0x81, "a kind_flag on Int"),
        (24 + 4, 1, "a length on Int"),
        (bytes.len() - 1, 1, "strings do not begin and end with a NUL"),
    ];
    for &(at, value, expected) in cases {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        let error = Btf::parse(&bytes, Endian::Little).unwrap_err().to_string();
        assert!(error.contains(expected), "{at}: {error}");
    }
    for len in 0..bytes.len() {
        assert!(Btf::parse(&bytes[..len], Endian::Little).is_err());
    }
    assert!(Btf::parse(&bytes, Endian::Big).is_err());
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for endian in BOTH {
            let mut bytes = everything().encode(endian);
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            if let Ok(btf) = Btf::parse(&bytes, endian) {
                prop_assert_eq!(Btf::parse(&btf.encode(endian), endian), Ok(btf.clone()));
                for (id, ty) in btf.types() {
                    let _ = (btf.size_of(id), btf.align_of(id), btf.c_type(id), btf.name_of(id));
                    for member in ty.as_composite().map_or(&[][..], |ty| &ty.members) {
                        btf.bitfield(member);
                    }
                }
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Btf::parse(&bytes, Endian::Little);
        let _ = BtfExt::parse(&bytes, Endian::Big, &Btf::default());
    }
}
