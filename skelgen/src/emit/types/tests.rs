//! Tests of what is written for types put together by hand.

use proptest::prelude::*;
use quote::quote;

use super::*;
use crate::Endian;
use crate::btf::build::{Builder, everything};
use crate::btf::{Float, Fwd, Int, Kind, Linkage};

fn emitter(btf: &Btf) -> TypeEmitter<'_> {
    TypeEmitter::new(btf, quote!(::rt))
}

/// The definitions that a type needs, without what asserts their layout.
fn text_of(btf: &Btf, id: TypeId) -> String {
    let mut types = emitter(btf);
    types.use_of(id, "hint").unwrap();
    let text = pretty(types.finish()).unwrap();
    let asserts = |line: &&str| line.contains("::core::") || *line == "const _: () = {" || *line == "};";
    text.lines().filter(|line| !asserts(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn scalars_arrays_and_pointers() {
    let mut b = Builder::default();
    let char = b.int("char", 1, Int::SIGNED);
    let signed_char = b.int("signed char", 1, Int::SIGNED);
    let bool = b.int("_Bool", 1, Int::BOOL);
    let long = b.int("long", 8, Int::SIGNED);
    let wide = b.int("unsigned __int128", 16, 0);
    let odd = b.int("_BitInt", 3, 0);
    let name = b.str("float");
    let float = b.add(Type::Float(Float { name, size: 4 }));
    let long_double = b.add(Type::Float(Float { name, size: 12 }));
    let alias = b.typedef("alias_t", long);
    let constant = b.add(Type::Const(alias));
    let comm = b.array(char, 16);
    let grid = b.array(constant, 3);
    let grid = b.array(grid, 2);
    let name = b.str("opaque");
    let fwd = b.add(Type::Fwd(Fwd { name, union: false }));
    let pointer = b.add(Type::Ptr(fwd));
    let table = [
        (char, "u8"),
        (signed_char, "i8"),
        (bool, ":: rt :: Bool"),
        (long, "i64"),
        (wide, "u128"),
        (odd, "[u8 ; 3]"),
        (float, "f32"),
        (long_double, "[u8 ; 12]"),
        (constant, "i64"),
        (comm, "[u8 ; 16]"),
        (grid, "[[i64 ; 3] ; 2]"),
        (pointer, "u64"),
    ];
    for (id, expected) in table {
        let mut types = emitter(&b.0);
        assert_eq!(types.use_of(id, "hint").unwrap().to_string(), expected);
        assert!(types.finish().is_empty());
    }
    let error = emitter(&b.0).use_of(fwd, "hint").unwrap_err().to_string();
    assert_eq!(error, "`struct opaque` has no size");
}

#[test]
fn a_struct_with_holes() {
    let mut b = Builder::default();
    let int = b.int("unsigned int", 4, 0);
    let long = b.int("unsigned long", 8, 0);
    let pointer = b.add(Type::Ptr(TypeId(0)));
    let members = [("pid", int, 0, 0), ("type", long, 64, 0), ("_pad4", int, 128, 0), ("next", pointer, 192, 0)];
    let event = b.structure("task_event", 40, &members);
    let mut types = emitter(&b.0);
    let mut options = TypeOptions::default();
    options.parse_type_derive("task_event", "Eq, Hash").unwrap();
    types.set_options(options);
    assert_eq!(types.use_of(event, "hint").unwrap().to_string(), "TaskEvent");
    assert_eq!(types.use_of(event, "hint").unwrap().to_string(), "TaskEvent");
    let expected = "\
::rt::plain! {
    /// `struct task_event`
    #[derive(Eq, Hash)]
    pub struct TaskEvent {
        /// `unsigned int pid`
        pub pid: u32,
        #[doc(hidden)]
        pub _pad04: [u8; 4],
        /// `unsigned long type`
        pub r#type: u64,
        /// `unsigned int _pad4`
        pub _pad4: u32,
        #[doc(hidden)]
        pub _pad20: [u8; 4],
        /// `void *next`
        pub next: u64,
        #[doc(hidden)]
        pub _pad32: [u8; 8],
    }
}
const _: [(); 40] = [(); ::core::mem::size_of::<TaskEvent>()];
const _: () = {
    ::core::assert!(::core::mem::offset_of!(TaskEvent, pid) == 0);
    ::core::assert!(::core::mem::offset_of!(TaskEvent, r#type) == 8);
    ::core::assert!(::core::mem::offset_of!(TaskEvent, _pad4) == 16);
    ::core::assert!(::core::mem::offset_of!(TaskEvent, next) == 24);
};
";
    assert_eq!(pretty(types.finish()).unwrap(), expected);
}

#[test]
fn packed_members_lose_their_alignment() {
    let mut b = Builder::default();
    let char = b.int("unsigned char", 1, 0);
    let int = b.int("int", 4, Int::SIGNED);
    let pair = b.array(int, 2);
    let inner = b.structure("inner", 8, &[("pair", pair, 0, 0)]);
    let members = [("a", char, 0, 0), ("b", int, 8, 0), ("c", pair, 40, 0), ("d", inner, 104, 0)];
    let packed = b.structure("packed", 21, &members);
    let text = text_of(&b.0, packed);
    for line in ["b: ::rt::Unaligned<i32>,", "c: [::rt::Unaligned<i32>; 2],", "d: ::rt::Unaligned<Inner>,"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("pub pair: [i32; 2],"), "{text}");
}

#[test]
fn bitfields_get_methods() {
    let mut b = Builder::default();
    let int = b.int("int", 4, Int::SIGNED);
    let long = b.int("unsigned long", 8, 0);
    let byte = b.int("unsigned char", 1, 0);
    let bool = b.int("_Bool", 1, Int::BOOL);
    let mode = b.enumeration("mode", 4, false, &[("ON", 1)]);
    let mark = b.array(byte, 0);
    let members = [
        ("low", int, 0, 3),
        ("set_low", bool, 3, 1),
        ("mode", mode, 4, 4),
        ("mark", mark, 8, 0),
        ("rest", byte, 8, 8),
        ("", int, 16, 8),
        ("wide", long, 64, 40),
        ("tail", byte, 104, 0),
    ];
    let text = text_of(
        &{
            b.structure("bits", 16, &members);
            b.0.clone()
        },
        TypeId(7),
    );
    let lines = [
        "/// Bit-fields: `low`, `set_low`, `mode`",
        "pub _bits0: [u8; 1],",
        "pub mark: [u8; 0],",
        "pub _bits1: [u8; 2],",
        "pub _pad3: [u8; 5],",
        "pub _bits8: [u8; 5],",
        "pub tail: u8,",
        "pub _pad14: [u8; 2],",
        "/// `int low : 3`",
        "pub fn low(&self) -> i32 {\n        ::rt::plain::signed_bits(&self._bits0, 0, 3) as i32",
        "pub fn set_low(&mut self, value: i32) {\n        ::rt::plain::set_bits(&mut self._bits0, 0, 3, value as u64);",
        "pub fn set_low_(&self) -> bool {\n        ::rt::plain::bits(&self._bits0, 3, 1) != 0",
        "pub fn mode(&self) -> Mode {\n        Mode(::rt::plain::bits(&self._bits0, 4, 4) as _)",
        "pub fn rest(&self) -> u8 {\n        ::rt::plain::bits(&self._bits1, 0, 8) as u8",
        "pub fn wide(&self) -> u64 {\n        ::rt::plain::bits(&self._bits8, 0, 40)",
    ];
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn unions_are_bytes() {
    let mut b = Builder::default();
    let int = b.int("unsigned int", 4, 0);
    let pair = b.structure("", 8, &[("low", int, 0, 0), ("high", int, 32, 0)]);
    let choice = b.union("choice", 8, &[("whole", int, 0, 0), ("", pair, 0, 0), ("few", int, 0, 5)]);
    let expected = "\
::rt::plain! {
    /// `union choice`
    pub struct Choice {
        #[doc(hidden)]
        pub _align: [u32; 0],
        /// What the members share.
        pub bytes: [u8; 8],
    }
}
impl Choice {
    /// `unsigned int whole`
    pub fn as_whole(&self) -> u32 {
        ::rt::plain::read(&self.bytes)
    }
    /// Sets `whole`; bytes past its end stay.
    pub fn set_whole(&mut self, value: u32) {
        ::rt::plain::write(&mut self.bytes, &value);
    }
    /// `struct {...}`
    pub fn as_anon0(&self) -> ChoiceAnon0 {
        ::rt::plain::read(&self.bytes)
    }
    /// Sets `anon0`; bytes past its end stay.
    pub fn set_anon0(&mut self, value: ChoiceAnon0) {
        ::rt::plain::write(&mut self.bytes, &value);
    }
    /// `unsigned int few : 5`
    pub fn as_few(&self) -> u32 {
        ::rt::plain::bits(&self.bytes, 0, 5) as u32
    }
    /// Sets `few`; what it has no bits for is dropped.
    pub fn set_few(&mut self, value: u32) {
        ::rt::plain::set_bits(&mut self.bytes, 0, 5, value as u64);
    }
}
::rt::plain! {
    /// `struct {...}` of `anon0` of `union choice`
    pub struct ChoiceAnon0 {
        /// `unsigned int low`
        pub low: u32,
        /// `unsigned int high`
        pub high: u32,
    }
}
";
    assert_eq!(text_of(&b.0, choice), expected);
}

#[test]
fn enums_are_numbers() {
    let mut b = Builder::default();
    let table = [
        (b.enumeration("color", 4, false, &[("RED", 0), ("type", 7)]), "u32", "RED = 0,"),
        (b.enumeration("color", 4, false, &[("RED", 0), ("type", 7)]), "u32", "r#type = 7,"),
        (b.enumeration("level", 4, true, &[("LOW", -3)]), "i32", "LOW = -3,"),
        (b.enumeration("level", 4, true, &[("LOW", i32::MIN.into())]), "i32", "LOW = -2147483648,"),
        (b.enumeration("old", 4, false, &[("LOW", 0xffff_ffff)]), "u32", "/// `4294967295`, or `-1` if C had a sign"),
        (b.enumeration("narrow", 1, false, &[("TOP", 0xffff_ffff)]), "u8", "TOP = 255,"),
        (b.enumeration("narrow", 2, true, &[("LOW", -2)]), "i16", "LOW = -2,"),
        (b.enumeration("wide", 8, false, &[("TOP", -1)]), "u64", "TOP = 18446744073709551615,"),
        (b.enumeration("wide", 8, true, &[("LOW", i64::MIN)]), "i64", "LOW = -9223372036854775808,"),
        (b.enumeration("declared", 4, false, &[]), "u32", "pub enum Declared {}"),
    ];
    for (id, number, line) in table {
        let text = text_of(&b.0, id);
        assert!(text.contains(&format!("#[repr({number})]")) && text.contains(line), "{line}\n{text}");
    }
    let odd = b.enumeration("odd", 3, false, &[]);
    assert_eq!(emitter(&b.0).use_of(odd, "").unwrap_err().to_string(), "`enum odd` has a size of 3 bytes");
}

#[test]
fn nameless_types_and_namesakes() {
    let mut b = Builder::default();
    let int = b.int("int", 4, Int::SIGNED);
    let nameless = b.structure("", 4, &[("x", int, 0, 0)]);
    let named = b.structure("", 4, &[("x", int, 0, 0)]);
    let by_typedef = b.typedef("point_t", named);
    let namesake = b.structure("point_t", 4, &[("x", int, 0, 0)]);
    let option = b.structure("Option", 4, &[("self", int, 0, 0)]);
    let section = b.structure("percpu", 4, &[("x", int, 0, 0)]);
    let mut types = emitter(&b.0);
    types.reserve("Percpu");
    let uses = [by_typedef, namesake, option, section, nameless, named];
    let uses = uses.map(|id| types.use_of(id, "events_value").unwrap().to_string());
    assert_eq!(uses, ["PointT", "PointT2", "Option_", "Percpu2", "EventsValue", "PointT"]);
    let var = SectionVar { name: "hits", ty: nameless, offset: 0, size: 4, notes: &[] };
    assert_eq!(types.datasec(".percpu", "Percpu", &[var], 4).unwrap().to_string(), "Percpu");
    let text = pretty(types.finish()).unwrap();
    assert!(text.contains("/// `typedef struct {...} point_t`\n"), "{text}");
    assert!(text.contains("/// `struct {...}` of `events_value`\n"), "{text}");
}

#[test]
fn a_section_is_rounded_up_to_its_alignment() {
    let mut b = Builder::default();
    let long = b.int("unsigned long", 8, 0);
    let int = b.int("int", 4, Int::SIGNED);
    let hits = b.var("hits", long);
    let vars = [
        SectionVar { name: "misses", ty: int, offset: 8, size: 4, notes: &[] },
        SectionVar { name: "hits", ty: hits, offset: 0, size: 8, notes: &[] },
    ];
    let mut types = emitter(&b.0);
    types.datasec(".percpu", "Percpu", &vars, 12).unwrap();
    let text = pretty(types.finish()).unwrap();
    let expected = "\
::rt::plain! {
    /// The variables of `.percpu`.
    pub struct Percpu {
        /// `unsigned long hits`
        pub hits: u64,
        /// `int misses`
        pub misses: i32,
        #[doc(hidden)]
        pub _pad12: [u8; 4],
    }
}
const _: [(); 16] = [(); ::core::mem::size_of::<Percpu>()];
";
    assert!(text.starts_with(expected), "{text}");
}

/// Adds `depth` structs nested in a struct; returns the outermost.
fn nest(b: &mut Builder, depth: u32, name: &str) -> TypeId {
    let int = b.int("int", 4, Int::SIGNED);
    (0..=depth).fold(int, |inner, level| {
        b.structure(
            name,
            4 * (level + 1),
            &[("m", inner, 0, 0), ("y", int, 32 * level, 0)][..1 + usize::from(level > 0)],
        )
    })
}

#[test]
fn deep_types_come_innermost_first_and_the_deepest_are_bytes() {
    let mut b = Builder::default();
    let (shallow, deep, deeper) = (nest(&mut b, 20, ""), nest(&mut b, 63, ""), nest(&mut b, 80, ""));
    let structs = |id| {
        let text = text_of(&b.0, id);
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("pub struct "));
        let names: Vec<_> = lines.map(|line| line.trim_end_matches(" {").len()).collect();
        (names, text)
    };
    let (names, text) = structs(shallow);
    assert!(names.len() == 21 && names.is_sorted(), "{text}");
    let (names, text) = structs(deep);
    assert!(names.len() == 64 && names.iter().rev().is_sorted() && !text.contains("pub m: [u8"), "{text}");
    let (names, text) = structs(deeper);
    assert!(names.len() == 65 && text.contains("pub m: [u8; 64],"), "{text}");
    // A type that already has a definition can nest deeper in the next type.
    let mut types = emitter(&b.0);
    types.use_of(nth_inner(&b.0, deeper, 30), "inner").unwrap();
    types.use_of(deeper, "outer").unwrap();
    assert!(pretty(types.finish()).unwrap().contains("pub m: [u8; "));
}

/// Follows the first member `n` times.
fn nth_inner(btf: &Btf, id: TypeId, n: u32) -> TypeId {
    (0..n).fold(id, |id, _| btf.get(id).as_composite().unwrap().members[0].ty)
}

#[test]
fn errors_lead_to_the_member() {
    let mut b = Builder::default();
    let int = b.int("int", 4, Int::SIGNED);
    let name = b.str("gone");
    let fwd = b.add(Type::Fwd(Fwd { name, union: true }));
    let inner = b.structure("inner", 4, &[("lost", fwd, 0, 0)]);
    let func = b.func("f", Linkage::Static, int, &[]);
    let circle = b.structure("circle", 8, &[("again", TypeId(0), 0, 0)]);
    match b.0.get_mut(circle) {
        Some(Type::Struct(ty)) => ty.members[0].ty = circle,
        _ => unreachable!(),
    }
    let table = [
        (
            b.structure("outer", 8, &[("in", inner, 0, 0)]),
            "`struct outer`: `in`: `struct inner`: `lost`: `union gone` has no size",
        ),
        (
            b.structure("over", 4, &[("a", int, 0, 0), ("b", int, 16, 0)]),
            "`struct over`: `b` lies over the one before it",
        ),
        (b.structure("past", 4, &[("a", int, 32, 0)]), "`struct past`: `a` ends past the end"),
        (b.structure("bits", 4, &[("a", int, 30, 5)]), "`struct bits`: `_bits3` ends past the end"),
        (b.union("large", 2, &[("a", int, 0, 0)]), "`union large`: `a`: is larger than the union"),
        (b.union("late", 8, &[("a", int, 8, 0)]), "`union late`: `a`: does not begin where the union does"),
        (func, "`f` has no size"),
        (circle, "`struct circle`: `again`: `struct circle` contains itself"),
    ];
    for (id, expected) in table {
        assert_eq!(emitter(&b.0).use_of(id, "hint").unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_same_types_give_the_same_text() {
    let btf = everything();
    let write = || {
        let mut types = emitter(&btf);
        types.use_of(btf.find(Kind::Var, "all").and_then(|var| btf.get(var).as_var()).unwrap().ty, "all").unwrap();
        pretty(types.finish()).unwrap()
    };
    assert_eq!(write(), write());
}

proptest! {
    /// Whatever passes the parser is either refused or written as Rust.
    #[test]
    fn changed_types_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = everything().encode(Endian::Little);
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if let Ok(btf) = Btf::parse(&bytes, Endian::Little) {
            let mut types = emitter(&btf);
            for (id, ty) in btf.types() {
                let _ = types.use_of(id, "hint");
                if let Type::Datasec(datasec) = ty {
                    let var = |var: &crate::btf::DatasecVar| (btf.name_of(var.ty), *var);
                    let vars: Vec<_> = datasec.vars.iter().map(var).collect();
                    let vars: Vec<_> = vars
                        .iter()
                        .map(|(name, var)| SectionVar { name, ty: var.ty, offset: var.offset, size: var.size, notes: &[] })
                        .collect();
                    let _ = types.datasec(btf.name(datasec.name), btf.name(datasec.name), &vars, datasec.size);
                }
            }
            prop_assert!(pretty(types.finish()).is_ok());
        }
    }
}
