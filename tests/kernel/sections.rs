//! Data sections: edited before the load, and live after it.

use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use skelgen_runtime::{Bool, Errno, Map, Mapped, MappedRo, Plain, Update};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::data_sections::types::{Bits, Bss, Colour, Data, Narrow, Packed, SignedLevel};
use skelgen_tests::skeletons::data_sections::{DataSections, LoadedDataSections};
use skelgen_tests::skeletons::percpu_basic::PercpuBasic;

use crate::cpus::{online, run_on};
use crate::info::map_info;

fn load() -> LoadedDataSections {
    DataSections::open().unwrap().load().unwrap()
}

/// Runs the program once.
fn touch(skel: &LoadedDataSections) -> u32 {
    run_on(online().last(), &skel.progs.touch, [0; 2])
}

#[test]
fn every_section_begins_as_the_object_has_it() {
    if !may_load() {
        return;
    }
    let open = DataSections::open().unwrap();
    let first = (*open.data, *open.data_x, *open.data_zero, *open.rodata, *open.rodata_x, *open.bss_x);
    let bss = open.bss.clone();
    let skel = open.load().unwrap();
    let live = (
        skel.data.get(),
        skel.data_x.get(),
        skel.data_zero.get(),
        skel.rodata.get(),
        skel.rodata_x.get(),
        skel.bss_x.get(),
    );
    assert_eq!(live, first);
    assert_eq!(skel.bss.get_boxed(), bss);
    assert!(bss.as_bytes().iter().all(|&byte| byte == 0));
    // As the map has it, byte by byte.
    for (map, bytes) in [(skel.data.map(), first.0.as_bytes()), (skel.rodata.map(), first.3.as_bytes())] {
        assert_eq!(map.lookup(&[0; 4]).unwrap().unwrap(), bytes[..map.value_size()], "{}", map.name());
    }
}

#[test]
fn the_program_adds_what_the_object_says() {
    if !may_load() {
        return;
    }
    let skel = load();
    // b_u64 + bx_u64 + d_static + r_static + rx_u32 + count
    assert_eq!(touch(&skel), 3 + 12 + (11 + 20) + 21 + 22 + 31);
    assert_eq!(touch(&skel), 6 + 24 + (11 + 40) + 21 + 22 + 32);
    let (data, bss, bss_x) = (skel.data.get(), skel.bss.get(), skel.bss_x.get());
    assert_eq!((data.d_static, data.touch_count, skel.data_zero.get().dz_zero), (51, 32, 2));
    assert_eq!((bss.b_u64, bss.b_static, bss_x.bx_u64), (6, 2, 24));
}

#[test]
fn what_is_edited_before_the_load_is_what_the_program_finds() {
    if !may_load() {
        return;
    }
    let mut open = DataSections::open().unwrap();
    open.data.d_u32 = 0xffff_fff5;
    open.data.touch_count = 1000;
    open.data.d_static = 1;
    open.data_x.dx_first = 70;
    open.data_zero.dz_zero = 8;
    open.rodata.r_u32 = 2;
    open.rodata.r_static = 300;
    open.rodata_x.rx_u32 = 40;
    // These have no bytes in the object: the value is not among what the loader fills in.
    open.bss.b_u64 = 10_000;
    open.bss.b_static = 6;
    open.bss.b_bool.set(true);
    open.bss.b_large[4999] = 9;
    open.bss_x.bx_u64 = 50_000;
    open.bss_x.bx_bits.set_negative(-2);
    let skel = open.load().unwrap();
    assert_eq!(skel.bss.get().b_u64, 10_000);
    assert_eq!(touch(&skel), (10_000 + 5) + (50_000 + 70) + (1 + 2) + 300 + 40 + 1001);
    let (data, bss, bss_x) = (skel.data.get(), skel.bss.get_boxed(), skel.bss_x.get());
    assert_eq!((data.d_static, data.touch_count, skel.data_zero.get().dz_zero), (3, 1001, 9));
    assert_eq!((bss.b_u64, bss.b_static, bss.b_bool.get(), bss.b_large[4999]), (10_005, 7, true, 9));
    assert_eq!((bss_x.bx_u64, bss_x.bx_bits.negative()), (50_070, -2));
    assert_eq!((skel.rodata.get().r_u32, skel.rodata_x.get().rx_u32), (2, 40));
    // Others of the same object are not changed by it.
    assert_eq!(touch(&load()), 120);
}

#[test]
fn live_variables_are_shared_both_ways() {
    if !may_load() {
        return;
    }
    let skel = load();
    // One, by its place.
    skel.data.write(offset_of!(Data, d_static), &100u32).unwrap();
    skel.bss_x.update(|bss| bss.bx_u64 = 1000);
    skel.bss.write(offset_of!(Bss, b_u64), &5u64).unwrap();
    assert_eq!(touch(&skel), (5 + 3) + (1000 + 12) + (100 + 20) + 21 + 22 + 31);
    assert_eq!(skel.data.read::<u32>(offset_of!(Data, d_static)).unwrap(), 120);
    assert_eq!(skel.bss.read::<u64>(offset_of!(Bss, b_u64)).unwrap(), 8);
    assert_eq!(skel.rodata_x.read::<[u8; 8]>(4).unwrap(), *b"rodata\0\0");

    // All: what only user space looks at is there as well.
    let mut data = skel.data.get();
    data.d_static = 0;
    data.d_colour = Colour::BLUE;
    data.d_nested.points[1].y = i32::MIN;
    skel.data.set(&data);
    assert_eq!(skel.data.get(), data);
    assert_eq!(touch(&skel), (8 + 3) + (1012 + 12) + 20 + 21 + 22 + 32);

    // Some: the others stay as they are.
    skel.data.update(|data| {
        data.d_bools[1].set(true);
        data.d_packed_array[1].value.set(u64::MAX);
    });
    let now = skel.data.get();
    assert_eq!((now.d_bools, now.d_packed_array[1].value.get()), ([Bool::TRUE; 3], u64::MAX));
    assert_eq!((now.d_static, now.touch_count, now.d_packed_array[1].tail.get()), (20, 32, 6));

    // The map is the same memory.
    let bytes = skel.data.map().lookup(&[0; 4]).unwrap().unwrap();
    assert_eq!(bytes, now.as_bytes()[..skel.data.map().value_size()]);
}

#[test]
fn accesses_outside_of_a_section_are_refused() {
    if !may_load() {
        return;
    }
    let skel = load();
    let len = skel.data.map().value_size();
    assert!(skel.data.read::<u8>(len - 1).is_ok() && skel.data.write(len - 4, &11u32).is_ok());
    for offset in [len - 3, len, usize::MAX] {
        let errors = [skel.data.read::<u32>(offset).unwrap_err(), skel.data.write(offset, &0u32).unwrap_err()];
        for error in errors {
            assert_eq!(error.subject_name(), Some(".data"), "{error}");
            assert!(error.to_string().contains(&format!("{len} bytes")), "{error}");
        }
    }
    assert!(skel.data_zero.read::<u64>(0).is_err());
}

#[test]
fn a_variable_is_whole_while_a_program_writes_it() {
    if !may_load() {
        return;
    }
    let skel = load();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..500 {
                touch(&skel);
            }
            done.store(true, Ordering::Release);
        });
        let mut last = 0;
        let mut updates = 0;
        while !done.load(Ordering::Acquire) {
            let now = skel.bss.read::<u64>(offset_of!(Bss, b_u64)).unwrap();
            assert!(now >= last && now.is_multiple_of(3), "{last}, then {now}");
            last = now;
            // Changes to one variable take nothing away from those that the program changes.
            updates += 1;
            skel.bss_x.update(|bss| bss.bx_bits.set_wide(updates));
            skel.data.update(|data| data.d_u64 = updates);
            assert_eq!(skel.data.read::<u64>(offset_of!(Data, d_u64)).unwrap(), updates);
        }
        writer.join().unwrap();
        assert_eq!(skel.bss_x.get().bx_bits.wide(), updates & 0xff_ffff_ffff);
    });
    assert_eq!((skel.bss.get().b_u64, skel.bss_x.get().bx_u64), (3 * 500, 12 * 500));
    assert_eq!((skel.data.get().touch_count, skel.data_zero.get().dz_zero), (30 + 500, 500));
}

#[test]
fn constants_cannot_be_written_any_more() {
    if !may_load() {
        return;
    }
    let skel = load();
    for map in [skel.rodata.map(), skel.rodata_x.map()] {
        let before = map.lookup(&[0; 4]).unwrap().unwrap();
        let error = map.update(&[0; 4], &vec![1; map.value_size()], Update::Any).unwrap_err();
        assert_eq!((error.subject_name(), error.errno()), (Some(map.name()), Some(Errno::EPERM)), "{error}");
        map.freeze().unwrap_err();
        // Nor by memory: it can be mapped to read, and for nothing else.
        let writable = Mapped::<[u8; 12]>::new(skel.rodata_x.map().try_clone().unwrap());
        assert_eq!(writable.unwrap_err().errno(), Some(Errno::EPERM));
        assert!(MappedRo::<[u8; 12]>::new(skel.rodata_x.map().try_clone().unwrap()).is_ok());
        assert_eq!(map.lookup(&[0; 4]).unwrap().unwrap(), before);
    }
    // The others are not frozen.
    for map in [skel.data.map(), skel.data_x.map(), skel.bss.map()] {
        let value = map.lookup(&[0; 4]).unwrap().unwrap();
        map.update(&[0; 4], &value, Update::Existing).unwrap();
    }
}

#[test]
fn maps_are_named_after_object_and_section() {
    if !may_load() {
        return;
    }
    let skel = load();
    let name = |map: &Map| map_info(map).name().to_owned();
    let plain = [skel.data.map(), skel.rodata.map(), skel.bss.map()].map(name);
    assert_eq!(plain, ["data_sec.data", "data_sec.rodata", "data_sec.bss"]);
    let custom = [skel.data_x.map(), skel.rodata_x.map(), skel.bss_x.map(), skel.data_zero.map()].map(name);
    assert_eq!(custom, [".data.x", ".rodata.x", ".bss.x", ".data.zero"]);
    let basic = PercpuBasic::open().unwrap().load().unwrap();
    assert_eq!(name(basic.data_percpu.map()), ".data.percpu");
}

#[test]
fn values_are_those_of_the_initialisers() {
    if !may_load() {
        return;
    }
    // What the kernel has, so that it is the whole way there and back.
    let skel = load();
    let data = skel.data.get();
    assert_eq!((data.d_u8, data.d_s8, data.d_u16, data.d_s16), (0x11, -2, 0x2222, -3));
    assert_eq!((data.d_u32, data.d_s32, data.d_u64, data.d_s64), (0x3333_3333, -4, 0x4444_4444_4444_4444, -5));
    assert_eq!((data.d_u128, data.d_s128, data.d_long, data.d_char), (7, -7, -6, b'c'));
    assert_eq!((data.d_double, data.d_float, data.d_volatile), (1.5, -0.25, 8));
    assert_eq!((data.d_text, data.d_matrix), (*b"text\0\0\0\0\0\0", [[1, 2, 3], [4, 5, 6]]));
    assert!(data.d_bool.get());
    assert_eq!(data.d_bools.map(Bool::get), [true, false, true]);

    assert_eq!(
        (data.d_colour, data.d_narrow, data.d_user, data.d_triple),
        (Colour::GREEN, Narrow::NARROW_B, 1000, [1, 2, 3])
    );
    assert_eq!((data.d_level, data.d_level.0.cast_signed()), (SignedLevel::BELOW, -3));
    assert_eq!((data.d_wide.0, data.d_answer.0), (0x12_3456_789a, 1));
    assert_eq!((data.d_unnamed.owner, data.d_unnamed.said.0, data.d_anonymous.inner), (1001, 1, 10));

    let nested = data.d_nested;
    let halves = nested.anon0.as_anon0();
    assert_eq!((nested.kind, halves.low, halves.high), (1, 2, 3));
    assert_eq!(nested.points.map(|point| (point.x, point.y)), [(4, -5), (6, -7)]);
    if cfg!(target_endian = "little") {
        assert_eq!((nested.anon0.as_whole(), nested.anon0.as_parts().bytes), (2 | 3 << 32, [2, 0, 0, 0]));
        assert_eq!(nested.anon0.as_parts().anon0.as_half(), 3);
    }
    assert_eq!((data.d_alias.kind, skel.data_x.get().dx_nested.kind), (9, 13));
    assert_eq!(data.d_choice.as_text(), *b"choice\0\0\0\0\0\0");

    let bits = data.d_bits;
    assert_eq!((bits.one(), bits.three(), bits.negative(), bits.wide()), (1, 5, -7, 0xab_cdef_0123));
    assert_eq!((bits.rest(), bits.flag(), bits.last), (9, true, 255));
    let packed = |packed: Packed| (packed.tag, packed.value.get(), packed.tail.get());
    assert_eq!((packed(data.d_packed), data.d_packed_array.map(packed)), ((1, 2, 3), [(1, 2, 3), (4, 5, 6)]));
    assert_eq!(
        (data.d_before_hole, data.d_aligned, data.d_before_line, data.d_line.used, data.d_after_line),
        (1, 2, 3, 4, 5)
    );

    let taken = [data.r#type, data.r#match, data.self_, data.crate_, data.r#fn, data.Self_, data.r#dyn];
    assert_eq!((taken, data.u64.self_, data.Option.r#type, data.__leading), ([1, 2, 3, 4, 5, 6, 7], 8, 9, 10));

    let rodata = skel.rodata.get();
    assert_eq!((rodata.r_u32, rodata.r_bool.get(), rodata.r_text, rodata.r_static), (20, true, *b"const\0", 21));
    assert_eq!((rodata.r_bits.three(), rodata.r_levels), (7, [SignedLevel::ABOVE, SignedLevel::BELOW]));
    assert_eq!((skel.rodata_x.get().rx_u32, skel.rodata_x.get().rx_text), (22, *b"rodata\0\0"));
}

#[test]
fn bits_are_written_without_their_neighbours() {
    if !may_load() {
        return;
    }
    let skel = load();
    let change = |change: fn(&mut Bits)| {
        skel.data.update(|data| change(&mut data.d_bits));
        let bits = skel.data.get().d_bits;
        (bits.one(), bits.three(), bits.negative(), bits.wide(), bits.rest(), bits.flag(), bits.last)
    };
    assert_eq!(change(|bits| bits.set_three(2)), (1, 2, -7, 0xab_cdef_0123, 9, true, 255));
    assert_eq!(change(|bits| bits.set_negative(15)), (1, 2, 15, 0xab_cdef_0123, 9, true, 255));
    assert_eq!(change(|bits| bits.set_wide(1)), (1, 2, 15, 1, 9, true, 255));
    assert_eq!(change(|bits| bits.set_rest(0xff_ffff)), (1, 2, 15, 1, 0xff_ffff, true, 255));
    assert_eq!(change(|bits| bits.set_flag(false)), (1, 2, 15, 1, 0xff_ffff, false, 255));
}

#[test]
fn configuration_reaches_attached_programs() {
    if !may_load() {
        return;
    }
    // 0 is every process, and no process has the other number.
    for (target_pid, counts) in [(0, true), (u32::MAX, false)] {
        let mut open = Counters::open().unwrap();
        open.rodata.target_pid = target_pid;
        open.data.next_event_id = 77;
        open.bss.dropped = 3;
        let skel = open.load().unwrap();
        let _links = skel.attach().unwrap();
        (0..10).for_each(|_| drop(std::fs::read("/proc/self/stat")));
        assert_eq!(skel.percpu.values().unwrap().fold(0, |sum, value| sum + value.hits) > 0, counts);
        assert!(skel.data.get().next_event_id >= 77 && skel.bss.get().dropped >= 3);
    }
}
