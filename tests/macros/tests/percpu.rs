//! Derived values, as far as they come without a kernel: to bytes and back, and compared to the fixtures.

// What the macro writes must pass where the user is strict.
#![deny(warnings, missing_docs, unreachable_pub, missing_debug_implementations, rust_2018_idioms, unused)]

use std::mem::offset_of;

use skelgen_runtime::plain::TypeLayout;
use skelgen_runtime::{PerCpu, Unaligned, Value};

fn bytes_of<T: Value>(value: &T) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<T>()];
    value.write(&mut bytes);
    bytes
}

type Count = u64;

#[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
#[repr(C)]
struct Inner {
    low: i8,
    high: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
#[repr(C)]
struct Outer {
    on: bool,
    r#type: u16,
    count: Count,
    inner: [[Inner; 2]; 2],
    bools: [bool; 3],
}

const OUTER: Outer = Outer {
    on: true,
    r#type: 0x0102,
    count: u64::MAX,
    inner: [[Inner { low: -1, high: -2 }, Inner { low: 3, high: 4 }], [Inner { low: 5, high: 6 }; 2]],
    bools: [true, false, true],
};

#[test]
fn values_go_out_and_back_and_padding_is_zeroes() {
    let bytes = bytes_of(&OUTER);
    assert_eq!(Outer::read(&bytes), OUTER);
    let at = offset_of!(Outer, inner);
    assert_eq!(bytes[..2], [1, 0]);
    assert_eq!(bytes[2..4], 0x0102u16.to_ne_bytes());
    assert_eq!(bytes[4..8], [0; 4]);
    assert_eq!(bytes[at..at + 4], [0xff, 0, 0, 0]);
    assert_eq!(bytes[at + 4..at + 8], (-2i32).to_ne_bytes());
    // Nothing is read of what is between.
    let noisy = bytes.iter().enumerate().map(|(at, &byte)| if (4..8).contains(&at) { 0xff } else { byte });
    assert_eq!(Outer::read(&noisy.collect::<Vec<_>>()), OUTER);
}

#[test]
fn any_bytes_are_a_value() {
    let value = Outer::read(&[0xff; size_of::<Outer>()]);
    assert_eq!((value.on, value.bools, value.r#type), (true, [true; 3], 0xffff));
    assert_eq!(bytes_of(&value)[0], 1);
    // Those that are missing are zeroes, and what there is no room for is dropped.
    let value = Outer::read(&[7, 0, 1]);
    assert_eq!((value.on, value.count, value.inner[1][1].high), (true, 0, 0));
    let mut short = [0; 1];
    OUTER.write(&mut short);
    assert_eq!(short, [1]);
}

#[test]
fn layouts_have_every_field() {
    let TypeLayout::Struct { name, bytes, fields } = Outer::LAYOUT else { panic!() };
    assert_eq!((name, bytes), ("Outer", size_of::<Outer>()));
    let fields: Vec<_> = fields.iter().map(|field| (field.name, field.offset, field.layout.size())).collect();
    let at = [offset_of!(Outer, count), offset_of!(Outer, inner), offset_of!(Outer, bools)];
    assert_eq!(fields, [("on", 0, 1), ("type", 2, 2), ("count", at[0], 8), ("inner", at[1], 32), ("bools", at[2], 3)]);
    assert_eq!(Outer::LAYOUT.size(), size_of::<Outer>());
}

#[test]
fn packed_and_aligned_structs_have_values_too() {
    #[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
    #[repr(C, packed(2))]
    struct Packed {
        tag: u8,
        value: u64,
    }

    #[derive(Debug, PartialEq, PerCpu)]
    #[repr(C, align(32))]
    struct Aligned {
        value: u64,
    }

    assert_eq!((size_of::<Packed>(), size_of::<Aligned>()), (10, 32));
    let packed = Packed { tag: 1, value: 2 };
    assert_eq!(bytes_of(&packed), [&[1, 0][..], &2u64.to_ne_bytes()].concat());
    assert_eq!(Packed::read(&bytes_of(&packed)), packed);
    // Neither `Copy` nor `Clone` is needed.
    let aligned = Aligned { value: 3 };
    assert_eq!(Aligned::read(&bytes_of(&aligned)), aligned);
    assert_eq!((Packed::LAYOUT.size(), Aligned::LAYOUT.size()), (10, 32));
}

#[test]
fn a_struct_may_have_no_fields() {
    #[derive(Debug, PerCpu)]
    #[repr(C)]
    struct Nothing {}

    Nothing::read(&[1]).write(&mut [2]);
    assert_eq!(Nothing::LAYOUT, TypeLayout::Struct { name: "Nothing", bytes: 0, fields: &[] });
}

/// Structs that are compared to the fixtures. That they compile is the test; what they hold is looked at below.
mod compared {
    use super::{PerCpu, Unaligned};

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    pub(super) struct CallRange {
        first_ns: u64,
        lowest: u32,
        highest: u32,
    }

    // The section is `.percpu` if nothing is said.
    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/counters.bpf.o")]
    pub(super) struct CounterValues {
        pub(super) hits: super::Count,
        pub(super) errors: u32,
        pub(super) last_pid: i32,
        pub(super) by_class: [u64; 4],
        pub(super) armed: bool,
        pub(super) calls: CallRange,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    struct Pair {
        small: i8,
        large: i64,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    struct Record {
        id: u32,
        pairs: [Pair; 2],
        tag: [i8; 6],
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_basic.bpf.o", section = ".percpu")]
    pub(super) struct Basic {
        total: u64,
        zero: i32,
        minus: i32,
        bytes: [u8; 5],
        grid: [[u32; 3]; 2],
        record: Record,
        ran_on: i32,
        tail: [u32; 1],
    }

    // 10 bytes, of which a Rust struct makes 16.
    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_basic.bpf.o", section = ".percpu.custom")]
    pub(super) struct Custom {
        custom_runs: u64,
        custom_word: u16,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_shapes.bpf.o", section = ".percpu.other")]
    pub(super) struct Other {
        other_total: u64,
        other_slots: [u64; 4],
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/maps_all.bpf.o", map = "percpu_array")]
    #[percpu(crate = skelgen_runtime)]
    pub(super) struct Totals {
        packets: u64,
        bytes: u64,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/maps_all.bpf.o", map = "percpu_cgroup_storage")]
    pub(super) struct CgroupTotals {
        packets: u64,
        bytes: u64,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    struct Point {
        x: i16,
        y: i32,
    }

    // Types of a generated skeleton stand for their C types as well.
    use super::percpu_types::types;

    // Every C type, and each of what it can be in Rust.
    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o")]
    pub(super) struct Types {
        letter: i8,
        text: [u8; 6],
        flag: u8,
        bools: [bool; 3],
        small: u16,
        large: i64,
        huge: u128,
        ratio: f64,
        grid: [[u16; 3]; 2],
        pub(super) state: types::State,
        pub(super) level: i32,
        pointer: u64,
        choice: types::Choice,
        shape: Shape,
        bits: types::Flags,
        inner: [u8; 16],
        packed: types::Packed,
        pub(super) r#type: u32,
        pub(super) self_: u32,
        pub(super) last: u8,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o", section = ".percpu.of_function")]
    pub(super) struct OfFunction {
        runs: u64,
        touch_count: u32,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o", map = "shapes")]
    pub(super) struct Shape {
        kind: u8,
        corners: [Point; 2],
        _pad20: [u8; 4],
        choice: [u8; 16],
    }

    // Bit-fields are kept by what lies over them.
    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o", map = "flags")]
    pub(super) struct Flags {
        before: u32,
        pub(super) _bits4: [u8; 4],
        after: u64,
    }

    // What has no name in C is named as in a generated skeleton, or left out.
    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o", map = "nameless")]
    pub(super) struct Nameless {
        id: u32,
        anon0: types::NamelessAnon0,
        r#type: u32,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o", map = "nameless")]
    pub(super) struct NamelessPadded {
        id: u32,
        _pad4: [u8; 8],
        r#type: u32,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C, packed)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o", map = "packed_values")]
    pub(super) struct Packed {
        tag: u8,
        value: u64,
        tail: u16,
    }

    #[derive(Clone, Copy, Debug, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_types.bpf.o", map = "packed_values")]
    pub(super) struct UnalignedFields {
        tag: u8,
        value: Unaligned<u64>,
        tail: Unaligned<u16>,
    }
}

#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../../fixtures/percpu_types.bpf.o")]
struct PercpuTypes;

#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../../fixtures/counters.bpf.o")]
struct Counters;

#[test]
fn the_initial_image_is_read_as_it_was_written_in_c() -> skelgen_runtime::Result<()> {
    use skelgen_runtime::Plain;

    let open = Counters::open()?;
    let bytes = open.percpu.as_bytes();
    let value = compared::CounterValues::read(bytes);
    assert_eq!((value.hits, value.errors, value.last_pid, value.by_class, value.armed), (0, 0, -1, [0; 4], true));
    assert_eq!(bytes_of(&value), bytes);

    let open = PercpuTypes::open()?;
    let bytes = open.percpu.as_bytes();
    let value = compared::Types::read(bytes);
    assert_eq!(
        (value.state, value.level, value.r#type, value.self_, value.last),
        (percpu_types::types::State::BUSY, -3, 8, 9, 10)
    );
    assert_eq!(bytes_of(&value), bytes);
    Ok(())
}

#[test]
fn what_lies_over_bit_fields_keeps_them() {
    let mut value = percpu_types::types::Flags::default();
    value.set_three(5);
    let read = compared::Flags::read(&bytes_of(&value));
    assert_eq!(read._bits4[0], value._bits4[0]);
    assert_eq!(bytes_of(&read), bytes_of(&value));
}

#[test]
fn what_is_compared_is_a_value() {
    fn size<T: Value>() -> usize {
        assert_eq!(T::LAYOUT.size(), size_of::<T>());
        size_of::<T>()
    }
    use compared::*;
    assert_eq!((size::<CounterValues>(), size::<Basic>(), size::<Custom>(), size::<Other>()), (72, 104, 16, 40));
    assert_eq!((size::<Totals>(), size::<CgroupTotals>(), size::<OfFunction>(), size::<Shape>()), (16, 16, 16, 40));
    assert_eq!(
        (size::<Nameless>(), size::<NamelessPadded>(), size::<Packed>(), size::<UnalignedFields>()),
        (16, 16, 11, 11)
    );
    assert_eq!((size::<Types>(), size::<Flags>()), (208, 16));
}

#[test]
fn a_macro_can_declare_the_struct() {
    macro_rules! totals {
        ($name:ident { $($field:ident: $ty:ty),* }) => {
            #[derive(PerCpu)]
            #[repr(C)]
            #[percpu(object = "../../fixtures/maps_all.bpf.o", map = "percpu_array")]
            struct $name { $($field: $ty),* }
        };
    }
    totals! { ByMacro { packets: Count, bytes: u64 } }

    let value = ByMacro { packets: 1, bytes: 2 };
    assert_eq!(bytes_of(&value), [1u64, 2].map(u64::to_ne_bytes).concat());
}

#[test]
fn a_function_can_have_values_of_its_own() {
    /// As a user would write it, with what lints look at.
    #[derive(Clone, Copy, Debug, Default, PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/percpu_basic.bpf.o", section = ".percpu.with_a_long_name")]
    struct LongName {
        /// Not to be used.
        #[deprecated]
        long_name: u32,
    }

    assert_eq!(bytes_of(&LongName::read(&[3, 2, 1, 0])), [3, 2, 1, 0]);
}

/// Nothing that the code refers to must be in scope, the runtime can have another name, and names can be in the way.
mod hygiene {
    #![no_implicit_prelude]
    #![allow(dead_code, non_camel_case_types, non_upper_case_globals, reason = "they are to be in the way")]

    pub(super) extern crate skelgen_runtime as renamed;

    /// The names that the code has itself, as types of fields and in their lengths.
    pub(super) const C: ::core::primitive::usize = 4;
    const LAYOUT: ::core::primitive::usize = 4;
    const bytes: ::core::primitive::usize = 4;
    const text: ::core::primitive::usize = 4;

    #[derive(renamed::PerCpu)]
    #[repr(C)]
    #[percpu(crate = crate::hygiene::renamed)]
    pub(super) struct Text {
        first_ns: ::core::primitive::u64,
        lowest: ::core::primitive::u32,
        highest: ::core::primitive::u32,
    }

    #[derive(renamed::PerCpu)]
    #[repr(C)]
    #[percpu(object = "../../fixtures/counters.bpf.o", crate = crate::hygiene::renamed)]
    pub(super) struct Value {
        hits: ::core::primitive::u64,
        errors: ::core::primitive::u32,
        last_pid: ::core::primitive::i32,
        by_class: [::core::primitive::u64; C],
        armed: ::core::primitive::bool,
        calls: Text,
    }

    struct CType;
    struct None;
    struct Option;
    struct Self_;
    struct Some;
    struct TypeLayout;
    struct bool;
    struct str;
    struct u8;
    struct usize;
}

#[test]
fn a_value_needs_nothing_in_scope() {
    assert_eq!(size_of::<hygiene::Value>(), <hygiene::Value as Value>::LAYOUT.size());
}
