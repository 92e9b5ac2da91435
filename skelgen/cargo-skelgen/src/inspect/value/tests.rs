//! Values of types that clang has written, and of some that only a damaged object has.

use std::path::Path;

use skelgen::Skeleton;
use skelgen::btf::{Array, Btf, Composite, Int, Type};

use super::*;

/// The BTF of a fixture, and in it the type that C calls `c_type`.
fn fixture(name: &str) -> Btf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name);
    Skeleton::new(name, &std::fs::read(path).expect("a fixture")).expect("a good object").object.btf
}

/// BTF of one's own.
struct Types(Btf);

impl Types {
    fn new() -> Self {
        Types(fixture("counters.bpf.o"))
    }

    fn int(&mut self, name: &str, size: u32, encoding: u8) -> TypeId {
        let name = self.0.add_str(name).expect("there is room");
        self.0.add_type(Type::Int(Int { name, size, encoding, offset: 0, bits: (8 * size) as u8 }))
    }

    fn array(&mut self, elem: TypeId, len: u32) -> TypeId {
        self.0.add_type(Type::Array(Array { elem, index: elem, len }))
    }

    fn composite(&mut self, size: u32, members: &[(&str, TypeId, u32, u8)]) -> Composite {
        let members = members.iter().map(|&(name, ty, bit_offset, bitfield_size)| Member {
            name: self.0.add_str(name).expect("there is room"),
            ty,
            bit_offset,
            bitfield_size,
        });
        let members: Vec<_> = members.collect();
        let name = self.0.add_str("").expect("there is room");
        Composite { name, size, has_bitfields: members.iter().any(|member| member.bitfield_size != 0), members }
    }

    fn structure(&mut self, size: u32, members: &[(&str, TypeId, u32, u8)]) -> TypeId {
        let composite = self.composite(size, members);
        self.0.add_type(Type::Struct(composite))
    }

    fn union(&mut self, size: u32, members: &[(&str, TypeId, u32, u8)]) -> TypeId {
        let composite = self.composite(size, members);
        self.0.add_type(Type::Union(composite))
    }

    /// As C and JSON write it, in 60 columns.
    fn both(&self, bytes: &[u8], ty: TypeId) -> (String, String) {
        let decoded = decode(bytes, ty, &self.0, Endian::Little).expect("it has a value");
        (decoded.initialiser(60), serde_json::to_string(&decoded.value).expect("it can be written"))
    }
}

fn pair(c: &str, json: &str) -> (String, String) {
    (c.to_owned(), json.to_owned())
}

#[test]
fn structs_show_the_members_that_are_not_zero() {
    let mut types = Types::new();
    let (u32, i16) = (types.int("unsigned int", 4, 0), types.int("short", 2, Int::SIGNED));
    let inner = types.structure(4, &[("x", i16, 0, 0), ("y", i16, 16, 0)]);
    let outer = types.structure(12, &[("lowest", u32, 0, 0), ("at", inner, 32, 0), ("last", u32, 64, 0)]);
    let bytes = [0xff, 0xff, 0xff, 0xff, 0, 0, 0xfe, 0xff, 0, 0, 0, 0];
    assert_eq!(
        types.both(&bytes, outer),
        pair("{ .lowest = 4294967295, .at = { .y = -2 } }", r#"{"lowest":4294967295,"at":{"y":-2}}"#)
    );
    assert_eq!(types.both(&[0; 12], outer), pair("{}", "{}"));
    // Members of anonymous structs are named as the struct's own.
    let outer = types.structure(8, &[("a", u32, 0, 0), ("", inner, 32, 0)]);
    assert_eq!(types.both(&[0, 0, 0, 0, 7, 0, 0, 0], outer), pair("{ .x = 7 }", r#"{"x":7}"#));
}

#[test]
fn arrays_end_where_only_zeros_follow() {
    let mut types = Types::new();
    let (u8, char) = (types.int("unsigned char", 1, 0), types.int("char", 1, Int::SIGNED));
    let bytes = types.array(u8, 8);
    assert_eq!(types.both(&[1, 0, 3, 0, 0, 0, 0, 0], bytes), pair("{ 1, 0, 3 }", "[1,0,3]"));
    assert_eq!(types.both(&[1, 0, 0, 0, 0, 6, 0, 0], bytes), pair("{ 1, [5] = 6 }", "[1,0,0,0,0,6]"));
    assert_eq!(types.both(&[0; 8], bytes), pair("{}", "[]"));
    let text = types.array(char, 8);
    assert_eq!(types.both(b"a\"\n\x01\0\x32\0\0", text), pair(r#""a\"\n\001\0002""#, r#""a\"\n\u0001\u00002""#));
    assert_eq!(types.both(&[0; 8], text), pair("\"\"", "\"\""));
    // Bytes that are no text are numbers.
    assert_eq!(types.both(&[0xff, 1, 0, 0, 0, 0, 0, 0], text), pair("{ -1, 1 }", "[-1,1]"));
    // Rows of a table.
    let row = types.array(u8, 2);
    let table = types.array(row, 2);
    assert_eq!(types.both(&[0, 0, 0, 9], table), pair("{ {}, { 0, 9 } }", "[[],[0,9]]"));
}

#[test]
fn what_has_no_room_is_left_out() {
    let mut types = Types::new();
    let (u8, char) = (types.int("unsigned char", 1, 0), types.int("char", 1, Int::SIGNED));
    let (numbers, text) = (types.array(u8, 64), types.array(char, 64));
    let inner = types.structure(64, &[("numbers", numbers, 0, 0)]);
    let outer = types.structure(130, &[("first", inner, 0, 0), ("second", inner, 512, 0), ("end", u8, 1024, 0)]);
    let bytes: Vec<u8> = (1..=130).collect();
    for room in 0..150 {
        for (ty, len) in [(numbers, 64), (text, 64), (outer, 130)] {
            let shown = decode(&bytes[..len], ty, &types.0, Endian::Little).expect("a value").initialiser(room);
            assert!(shown.chars().count() <= room.max("{ ... }".len()), "{room}: {shown}");
            let closed = shown.matches('{').count() == shown.matches('}').count() || ty == text;
            assert!(closed && shown.contains("..."), "{room}: {shown}");
        }
    }
    let numbers = decode(&bytes[..64], numbers, &types.0, Endian::Little).expect("a value");
    assert_eq!(numbers.initialiser(18), "{ 1, 2, 3, ... }");
    let text = decode(b"abcdefghijkl", text, &types.0, Endian::Little);
    assert_eq!(text, None, "the bytes are fewer than the type has");
}

#[test]
fn a_union_shows_the_first_member_that_has_all_of_it() {
    let mut types = Types::new();
    let (u8, u64) = (types.int("unsigned char", 1, 0), types.int("unsigned long", 8, 0));
    let union = types.union(8, &[("small", u8, 0, 0), ("large", u64, 0, 0)]);
    assert_eq!(types.both(&[5, 0, 0, 0, 0, 0, 0, 0], union), pair("{ .small = 5 }", r#"{"small":5}"#));
    assert_eq!(types.both(&[0, 1, 0, 0, 0, 0, 0, 0], union), pair("{ .large = 256 }", r#"{"large":256}"#));
}

#[test]
fn bit_fields_and_wide_numbers_have_their_value() {
    let mut types = Types::new();
    let (u32, i32) = (types.int("unsigned int", 4, 0), types.int("int", 4, Int::SIGNED));
    let fields = types.structure(4, &[("a", u32, 0, 3), ("b", i32, 3, 7), ("c", u32, 10, 22)]);
    let word = 5u32 | 0x7e << 3 | 0x2a_aaaa << 10;
    assert_eq!(
        types.both(&word.to_le_bytes(), fields),
        pair("{ .a = 5, .b = -2, .c = 2796202 }", r#"{"a":5,"b":-2,"c":2796202}"#)
    );
    // The other byte order counts from the highest bit.
    let big = (5u32 << 29 | 0x7e << 22 | 0x2a_aaaa).to_be_bytes();
    let decoded = decode(&big, fields, &types.0, Endian::Big).expect("a value");
    assert_eq!(decoded.initialiser(60), "{ .a = 5, .b = -2, .c = 2796202 }");
    let wide = types.int("__int128", 16, Int::SIGNED);
    assert_eq!(types.both(&i128::MIN.to_le_bytes(), wide).1, "-170141183460469231731687303715884105728");
    let bool = types.int("_Bool", 1, Int::BOOL);
    assert_eq!(types.both(&[2], bool), pair("true", "true"));
}

#[test]
fn a_flexible_array_has_what_its_variable_has_behind_it() {
    let mut types = Types::new();
    let u16 = types.int("unsigned short", 2, 0);
    let flexible = types.array(u16, 0);
    let ty = types.structure(2, &[("len", u16, 0, 0), ("items", flexible, 16, 0)]);
    assert_eq!(
        types.both(&[2, 0, 8, 0, 9, 0], ty),
        pair("{ .len = 2, .items = { 8, 9 } }", r#"{"len":2,"items":[8,9]}"#)
    );
}

#[test]
fn damaged_types_end_and_stay_small() {
    let mut types = Types::new();
    let u64 = types.int("unsigned long", 8, 0);
    // 300 members, all of them the same array of a million numbers.
    let array = types.array(u64, 1 << 17);
    let members: Vec<_> = (0..300).map(|_| ("m", array, 0, 0)).collect();
    let ty = types.structure(1 << 20, &members);
    let decoded = decode(&vec![1; 1 << 20], ty, &types.0, Endian::Little).expect("a value");
    assert!(!decoded.complete);
    assert!(decoded.initialiser(40).chars().count() <= 40);
    // Deeper than any source.
    let mut deep = u64;
    for _ in 0..100 {
        deep = types.structure(8, &[("d", deep, 0, 0)]);
    }
    assert_eq!(decode(&[1; 8], deep, &types.0, Endian::Little), None);
    // A bit-field whose end is past the largest offset.
    let far = types.structure(8, &[("far", u64, u32::MAX, 7)]);
    assert_eq!(decode(&[1; 8], far, &types.0, Endian::Little), None);
}
