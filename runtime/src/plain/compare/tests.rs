use super::*;
use crate::{Bool, Value};

const U32: CType = CType::Int { bytes: 4, signed: Some(false) };
const CHAR: CType = CType::Int { bytes: 1, signed: None };

const fn member(name: &'static str, declaration: &'static str, offset: usize, ty: CType) -> CMember {
    CMember { name, declaration, offset, ty, required: true }
}

/// What is said of a field of Rust type `T` that stands for a member of type `c`.
fn said<T: Value>(declaration: &'static str, c: CType) -> String {
    said_at::<T>(declaration, c, 0)
}

fn said_at<T: Value>(declaration: &'static str, c: CType, offset: usize) -> String {
    let members: &[_] = Box::leak(Box::new([member("x", declaration, offset, c)]));
    let value = CValue { place: "section `.percpu` of a.bpf.o", bytes: c.size(), members };
    let field = FieldLayout { name: "r#x", offset: 0, layout: T::LAYOUT };
    value.field(0, "Outer", &field).as_str().to_owned()
}

fn same<T: Value>(c: CType) -> bool {
    said::<T>("", c).is_empty()
}

crate::plain! {
    struct Pair { low: u32, high: i32 }
    struct Spread { low: u32, _pad4: [u8; 4], high: i32 }
    struct Renamed { low: u32, top: i32 }
    struct WithBits { low: u32, _bits4: [u8; 4], anon0: [u8; 4], high: i32 }
}

crate::plain_enum! {
    #[repr(i32)]
    enum Level { BELOW = -3 }
}

const PAIR: &[CMember] =
    &[member("low", "__u32 low", 0, U32), member("high", "__s32 high", 4, CType::Int { bytes: 4, signed: Some(true) })];
const STRUCT_PAIR: CType = CType::Struct { name: "struct pair", bytes: 8, members: PAIR };

#[test]
fn what_is_the_same() {
    assert!(same::<u32>(U32) && same::<u64>(CType::Int { bytes: 8, signed: Some(false) }));
    assert!(
        same::<Level>(CType::Int { bytes: 4, signed: Some(true) })
            && same::<Level>(CType::Int { bytes: 4, signed: None })
    );
    assert!(same::<u8>(CHAR) && same::<i8>(CHAR));
    assert!(same::<bool>(CType::Bool) && same::<Bool>(CType::Bool) && same::<u8>(CType::Bool));
    assert!(same::<f64>(CType::Float { bytes: 8 }));
    assert!(same::<[[u32; 3]; 2]>(CType::Array { len: 2, of: &CType::Array { len: 3, of: &U32 } }));
    assert!(same::<Pair>(STRUCT_PAIR) && same::<[u8; 8]>(STRUCT_PAIR));
    assert!(same::<Pair>(CType::Opaque { bytes: 8 }) && same::<[u8; 8]>(CType::Opaque { bytes: 8 }));
    assert!(same::<[Pair; 2]>(CType::Array { len: 2, of: &STRUCT_PAIR }));
}

#[test]
fn what_is_not() {
    assert!(!same::<i32>(U32) && !same::<u16>(U32) && !same::<f32>(U32) && !same::<[u8; 4]>(U32) && !same::<Pair>(U32));
    assert!(!same::<bool>(CHAR) && !same::<i8>(CType::Bool) && !same::<u32>(CType::Bool));
    assert!(!same::<f32>(CType::Float { bytes: 8 }) && !same::<u64>(CType::Float { bytes: 8 }));
    assert!(!same::<[u32; 2]>(CType::Array { len: 3, of: &U32 }) && !same::<u32>(CType::Array { len: 1, of: &U32 }));
    assert!(!same::<[u8; 7]>(STRUCT_PAIR) && !same::<[i8; 8]>(STRUCT_PAIR) && !same::<u64>(STRUCT_PAIR));
    assert!(!same::<Spread>(STRUCT_PAIR) && !same::<Renamed>(STRUCT_PAIR));
    assert!(!same::<Pair>(CType::Opaque { bytes: 9 }) && !same::<u64>(CType::Opaque { bytes: 8 }));
}

#[test]
fn one_difference_is_named_and_several_are_shown() {
    assert_eq!(
        said::<i32>("__u32 x", U32),
        "`x` is not as in section `.percpu` of a.bpf.o: the sign differs\n  \
         Rust: i32, 4 bytes at offset 0\n  \
         C:    __u32 x, 4 bytes at offset 0"
    );
    let why = |said: String| said.lines().next().unwrap().split_once("a.bpf.o").unwrap().1.to_owned();
    assert_eq!(why(said::<u8>("", U32)), ": the size differs");
    assert_eq!(why(said_at::<u32>("", U32, 4)), ": the offset differs");
    assert_eq!(why(said::<[u32; 2]>("", CType::Array { len: 3, of: &U32 })), ": the length differs");
    assert_eq!(why(said::<f32>("", U32)), ": the type differs");
    assert_eq!(why(said::<i8>("", U32)), "");
    assert_eq!(why(said_at::<i32>("", U32, 4)), "");
    assert_eq!(why(said::<[u8; 2]>("", CType::Array { len: 3, of: &U32 })), "");
}

#[test]
fn a_difference_inside_is_named_by_its_path() {
    assert_eq!(
        said::<[[Spread; 2]; 1]>("", CType::Array { len: 1, of: &CType::Array { len: 2, of: &STRUCT_PAIR } }),
        "`x[][].high` is not as in section `.percpu` of a.bpf.o: the offset differs\n  \
         Rust: i32, 4 bytes at offset 8 of `Spread`\n  \
         C:    __s32 high, 4 bytes at offset 4 of `struct pair`"
    );
    assert_eq!(
        said::<Renamed>("", STRUCT_PAIR),
        "`x.high` is not as in section `.percpu` of a.bpf.o\n  \
         Rust: no field of this name in `Renamed`\n  \
         C:    __s32 high, 4 bytes at offset 4 of `struct pair`"
    );
    let half = CType::Struct { name: "struct half", bytes: 8, members: PAIR.split_at(1).0 };
    assert_eq!(
        said::<Pair>("", half),
        "`x.high` is not as in section `.percpu` of a.bpf.o\n  \
         Rust: i32, 4 bytes at offset 4 of `Pair`\n  \
         C:    no member of this name in `struct half`"
    );
}

#[test]
fn what_has_moved_is_looked_into_as_well() {
    assert_eq!(
        said_at::<Renamed>("struct pair x", STRUCT_PAIR, 8),
        "`x` is not as in section `.percpu` of a.bpf.o: the offset differs\n  \
         Rust: Renamed, 8 bytes at offset 0\n  \
         C:    struct pair x, 8 bytes at offset 8\n\
         `x.high` is not as in section `.percpu` of a.bpf.o\n  \
         Rust: no field of this name in `Renamed`\n  \
         C:    __s32 high, 4 bytes at offset 4 of `struct pair`"
    );
    // Too large, and that is all.
    assert!(said::<[Spread; 2]>("", CType::Array { len: 2, of: &STRUCT_PAIR }).starts_with("`x[].high` is"));
    assert!(said::<[Spread; 3]>("", CType::Array { len: 2, of: &STRUCT_PAIR }).starts_with("`x` is not as in section"));
}

#[test]
fn what_has_no_name_in_c_may_be_left_out() {
    let anon = |ty| CMember { name: "anon0", declaration: "", offset: 8, ty, required: false };
    let with = |ty| CType::Struct {
        name: "struct bits",
        bytes: 16,
        members: Box::leak(Box::new([PAIR[0], anon(ty), member("high", "", 12, U32)])),
    };
    let with_high = |ty| match with(ty) {
        CType::Struct { name, bytes, members } => {
            let mut members = members.to_vec();
            members[2].ty = PAIR[1].ty;
            CType::Struct { name, bytes, members: members.leak() }
        }
        other => other,
    };
    assert!(same::<WithBits>(with_high(CType::Opaque { bytes: 4 })));
    assert!(!same::<WithBits>(with_high(CType::Opaque { bytes: 5 })));
    crate::plain! {
        struct Padded { low: u32, _pad4: [u8; 8], high: i32 }
    }
    assert!(same::<Padded>(with_high(CType::Opaque { bytes: 4 })));
}

#[test]
fn sizes_of_the_whole_allow_for_the_alignment_of_rust() {
    let value = |bytes| CValue { place: "section `.percpu` of a.bpf.o", bytes, members: PAIR };
    let said = |bytes, align| value(bytes).total(&Pair::LAYOUT, align).as_str().to_owned();
    assert_eq!((said(8, 4), said(5, 4), said(1, 8)), Default::default());
    assert_eq!(
        said(9, 4),
        "`Pair` is not as large as section `.percpu` of a.bpf.o\n  \
         Rust: 8 bytes; `_pad8: [u8; 1]` as its last field would fill it\n  \
         C:    9 bytes"
    );
    assert_eq!(said(4, 4).lines().nth(1), Some("  Rust: 8 bytes"));
    // Its fields are wrong, which says enough.
    assert!(value(9).total(&Spread::LAYOUT, 4).is_empty());
}

#[test]
fn what_is_too_long_is_cut_between_characters() {
    let mut text = Text::EMPTY;
    text.push("x");
    for _ in 0..600 {
        text.push("ü");
    }
    text.push_number(10);
    assert_eq!(text.as_str(), format!("x{}...", "ü".repeat(510)));
    let mut text = Text::EMPTY;
    text.push(&"x".repeat(1021));
    assert_eq!(text.as_str().len(), 1021);
    text.push("");
    text.push_number(1234567890);
    assert_eq!(text.as_str(), format!("{}...", "x".repeat(1021)));
    let mut number = Text::EMPTY;
    number.push_number(usize::MAX);
    number.push_number(0);
    assert_eq!(number.as_str(), format!("{}0", usize::MAX));
}
