//! Arenas: memory with pointers in it that programs and user space share.

use std::iter;
use std::mem::offset_of;
use std::os::fd::AsFd;

use skelgen_runtime::uapi::{BPF_F_MMAPABLE, BPF_F_SEGV_ON_FAULT, BPF_MAP_TYPE_ARENA};
use skelgen_runtime::{self as rt, Arena, Errno, Map};
use skelgen_tests::skeletons::arena::types::{ArenaSection, Node};
use skelgen_tests::skeletons::arena::{self, LoadedArena};
use skelgen_tests::skeletons::arena_fixed::{ArenaFixed, LoadedArenaFixed};
use skelgen_tests::{came_later, in_own_process, is_from, may_load, not_on_this_kernel};

use crate::cpus::run_on;
use crate::info::map_info;

/// Where `arena_fixed` is, as its source says.
const FIXED_ADDRESS: u64 = 1 << 44;

/// What was loaded; on kernels without arenas, which must say so, nothing.
fn loaded<T>(load: rt::Result<T>, map: &str) -> Option<T> {
    if is_from("BPF_MAP_TYPE_ARENA") {
        return Some(load.unwrap());
    }
    let Err(error) = load else { panic!("{}", came_later("BPF_MAP_TYPE_ARENA")) };
    assert_eq!(
        (error.operation(), error.subject_name(), error.errno()),
        ("create map", Some(map), Some(Errno::EINVAL))
    );
    assert_eq!(error.hint_text(), Some(&*came_later("BPF_MAP_TYPE_ARENA")));
    not_on_this_kernel(error);
    None
}

fn load(change: impl FnOnce(&mut arena::OpenArena)) -> Option<LoadedArena> {
    let mut open = arena::Arena::open().unwrap();
    change(&mut open);
    loaded(open.load(), "arena")
}

fn load_fixed() -> Option<LoadedArenaFixed> {
    loaded(ArenaFixed::open().unwrap().load(), "fixed")
}

fn page() -> u64 {
    // SAFETY: it reads a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.cast_unsigned()
}

#[test]
fn its_variables_begin_with_the_edited_value() {
    if !may_load() {
        return;
    }
    let open = arena::Arena::open().unwrap();
    assert_eq!((open.arena.answer, open.arena.ready.get(), open.arena.used), (42, true, 0));
    let Some(skel) = load(|open| {
        open.arena.answer = 6;
        open.arena.pool[299].value = 7;
    }) else {
        return;
    };
    let value = skel.arena.get_boxed();
    assert_eq!((value.answer, value.ready.get(), value.used, value.pool[299].value), (6, true, 0, 7));
    assert_eq!(run_on(0, &skel.progs.next_answer, [0; 2]), 7);
    assert_eq!(skel.arena.read::<u64>(offset_of!(ArenaSection, answer)).unwrap(), 7);
    skel.arena.update(|value| value.ready = false.into());
    assert_eq!(run_on(0, &skel.progs.next_answer, [0; 2]), 0);
    skel.arena.write(offset_of!(ArenaSection, ready), &1u8).unwrap();
    assert_eq!(run_on(0, &skel.progs.next_answer, [0; 2]), 8);
    let size = size_of::<ArenaSection>();
    assert!(skel.arena.read::<u64>(size - 7).is_err() && skel.arena.write(size, &0u8).is_err());
    assert_eq!(skel.arena.map().name(), "arena");
}

#[test]
fn the_kernel_has_it_as_the_object_does() {
    if !may_load() {
        return;
    }
    let Some(skel) = load(|_| {}) else { return };
    let info = map_info(skel.maps.arena.map());
    assert_eq!(
        (info.name(), info.map_type, info.max_entries, info.map_flags),
        ("arena", BPF_MAP_TYPE_ARENA, 16, BPF_F_MMAPABLE)
    );
    assert_eq!((info.key_size, info.value_size, info.map_extra), (0, 0, 0));
    assert_eq!(skel.maps.arena.size(), 16 * page());
}

#[test]
fn both_sides_follow_each_others_pointers() {
    if !may_load() {
        return;
    }
    let Some(skel) = load(|_| {}) else { return };
    let shared = &skel.maps.arena;
    for value in [3, 5, 8] {
        run_on(0, &skel.progs.push, [value, 0]);
    }
    assert_eq!(run_on(0, &skel.progs.sum, [0; 2]), 16);

    // A program's list, read here.
    let head = skel.arena.read::<u64>(offset_of!(ArenaSection, head)).unwrap();
    assert_eq!(skel.bss.get().newest & u64::from(u32::MAX), head & u64::from(u32::MAX));
    let mut values = Vec::new();
    let mut next = head;
    while next != 0 {
        let node: Node = shared.follow(next).unwrap();
        values.push(node.value);
        next = node.next;
    }
    assert_eq!(values, [8, 5, 3]);

    // A node of ours, in a page that nobody has used yet, read by a program.
    let here = if shared.offset_of(head).unwrap() < page() * 8 { 12 * page() } else { page() };
    shared.write(here, &Node { next: head, value: 100 }).unwrap();
    let ours = shared.pointer_to(here).unwrap();
    assert_eq!(shared.offset_of(ours), Some(here));
    skel.arena.write(offset_of!(ArenaSection, head), &ours).unwrap();
    assert_eq!(run_on(0, &skel.progs.sum, [0; 2]), 116);
}

#[test]
fn what_is_outside_is_refused() {
    if !may_load() {
        return;
    }
    let Some(skel) = load(|_| {}) else { return };
    let shared = &skel.maps.arena;
    let (base, size) = (shared.base().unwrap(), shared.size());
    assert_eq!(shared.read::<u8>(size - 1).unwrap(), 0);
    for offset in [size, size - 3, u64::MAX] {
        let error = shared.read::<u32>(offset).unwrap_err();
        assert!(error.to_string().contains("are not inside its"), "{error}");
        assert!(shared.write(offset, &0u32).is_err());
    }
    for pointer in [0, base - 1, base + size, base ^ 1 << 40] {
        assert_eq!(shared.offset_of(pointer), None, "{pointer:#x}");
        let error = shared.follow::<u8>(pointer).unwrap_err();
        assert!(error.to_string().contains("does not lead into it"), "{error}");
    }
    // As a program has it that was not told to convert pointers; null stays null.
    let low = (base + 8) & u64::from(u32::MAX);
    assert_eq!((shared.offset_of(base + 8), shared.offset_of(low)), (Some(8), Some(8)));
    assert_eq!((shared.pointer_to(size), shared.pointer_to(0)), (None, Some(base)));
}

#[test]
fn its_pages_are_as_many_as_was_asked_for() {
    if !may_load() {
        return;
    }
    let Some(skel) = load(|open| open.maps.arena.set_max_entries(1 << 18).unwrap()) else { return };
    assert_eq!((skel.maps.arena.size(), map_info(skel.maps.arena.map()).max_entries), (page() << 18, 1 << 18));
    assert_eq!(run_on(0, &skel.progs.next_answer, [0; 2]), 43);
    drop(skel);

    let mut open = arena::Arena::open().unwrap();
    let needed = size_of::<ArenaSection>().div_ceil(page() as usize) as u32;
    open.maps.arena.set_max_entries(needed - 1).unwrap();
    let error = open.load().unwrap_err().to_string();
    let (few, unit) = (needed - 1, page());
    if needed > 1 {
        let why = format!("its {few} pages of {unit} bytes are too few for its variables, which have {needed}");
        assert!(error.contains(&why), "{error}");
    }
}

#[test]
fn two_objects_share_one() {
    if !may_load() {
        return;
    }
    let Some(first) = load(|_| {}) else { return };
    run_on(0, &first.progs.push, [5, 0]);
    let second = load(|open| {
        open.arena.answer = 1000;
        open.maps.arena.reuse_map(first.maps.arena.map()).unwrap();
    });
    let second = second.unwrap();
    // Nothing is filled that exists, and both have it at one address.
    assert_eq!(second.maps.arena.base(), first.maps.arena.base());
    assert_eq!(run_on(0, &second.progs.sum, [0; 2]), 5);
    assert_eq!(run_on(0, &second.progs.next_answer, [0; 2]), 43);
    drop(second);
    assert_eq!(first.arena.get_boxed().answer, 43);
}

#[test]
fn pages_that_may_not_be_made_are_an_error() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let Some(skel) = load_fixed() else { return };
        let fixed = &skel.maps.fixed;
        assert_eq!((fixed.base(), fixed.size()), (Some(FIXED_ADDRESS), 4 * page()));
        let info = map_info(fixed.map());
        assert_eq!((info.map_flags, info.map_extra), (BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT, FIXED_ADDRESS));
        for error in [fixed.read::<u32>(8).unwrap_err(), fixed.write(8, &1u32).unwrap_err()] {
            assert_eq!(error.errno(), Some(Errno::EFAULT));
            assert!(error.hint_text().unwrap().contains("no program has allocated that page"), "{error}");
        }
        // What is not there reads as zeroes for a program.
        assert_eq!(run_on(0, &skel.progs.load, [FIXED_ADDRESS + 8, 0]), 0);
    });
}

#[test]
fn an_address_that_is_taken_is_refused() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let Some(skel) = load_fixed() else { return };
        let error = ArenaFixed::open().unwrap().load().unwrap_err();
        assert_eq!((error.operation(), error.errno()), ("map into memory", Some(Errno::EEXIST)));
        assert!(error.hint_text().unwrap().contains("map_extra"), "{error}");
        // Of the same arena there can be more handles, and when the last goes the address is free again.
        let again = Arena::new(skel.maps.fixed.map().try_clone().unwrap()).unwrap();
        drop(skel);
        assert_eq!(again.base(), Some(FIXED_ADDRESS));
        drop(again);
        assert!(load_fixed().is_some());
    });
}

#[test]
fn only_an_arena_is_one() {
    if !may_load() {
        return;
    }
    let Some(skel) = load(|_| {}) else { return };
    let bss: Map = skel.bss.map().try_clone().unwrap();
    let error = Arena::new(bss).unwrap_err().to_string();
    assert!(error.contains("its type is not BPF_MAP_TYPE_ARENA"), "{error}");
}

#[test]
fn an_arena_is_mapped_again_after_its_last_handle_is_dropped() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let Some(skel) = load(|_| {}) else { return };
        let (map, base) = (skel.maps.arena.map().try_clone().unwrap(), skel.maps.arena.base().unwrap());
        run_on(0, &skel.progs.push, [7, 0]);
        let head = skel.arena.read::<u64>(offset_of!(ArenaSection, head)).unwrap();
        drop(skel);
        for round in 0..3 {
            // This mapping could take the address.
            let others: Vec<_> = (0..8).map(|_| vec![1u8; 1 << 20]).collect();
            let arena = Arena::new(map.try_clone().unwrap()).unwrap();
            assert_eq!(arena.base(), Some(base), "round {round}");
            assert_eq!(arena.follow::<Node>(head).unwrap().value, 7);
            drop(others);
        }
        // Addresses are kept, but not for ever.
        let mappings_after = |loads: u32| {
            (0..loads).for_each(|_| drop(load(|_| {})));
            std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
        };
        let (some, more) = (mappings_after(70), mappings_after(30));
        assert!(more < some + 15, "{some} mappings, and {more} after 30 more arenas");
    });
}

#[test]
fn without_descriptors_its_address_is_kept_for_later() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let Some(skel) = load(|_| {}) else { return };
        let (map, base) = (skel.maps.arena.map().try_clone().unwrap(), skel.maps.arena.base().unwrap());
        drop(skel);
        let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
        // SAFETY: it reads a struct.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        let spare = map.try_clone().unwrap();
        let all_that_are_left: Vec<_> = iter::from_fn(|| map.as_fd().try_clone_to_owned().ok()).collect();
        let error = Arena::new(spare).unwrap().read::<u64>(0).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EMFILE), "{error}");
        assert!(error.hint_text().unwrap().contains("RLIMIT_NOFILE"), "{error}");
        drop(all_that_are_left);
        assert_eq!(Arena::new(map).unwrap().base(), Some(base));
    });
}

/// Runs `f` in a forked child; returns whether the child finished it.
fn in_child(f: impl FnOnce()) -> bool {
    // SAFETY: the child runs `f` and ends.
    match unsafe { libc::fork() } {
        0 => {
            let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err();
            // SAFETY: nothing of the parent's is to be run at the end of its copy.
            unsafe { libc::_exit(failed.into()) }
        }
        child => {
            let mut status = 0;
            // SAFETY: the status is there.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            status == 0
        }
    }
}

#[test]
fn a_forked_child_shares_the_arena() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let Some(skel) = load(|_| {}) else { return };
        let head = offset_of!(ArenaSection, answer);
        assert!(in_child(|| {
            assert_eq!(skel.arena.get_boxed().answer, 42);
            skel.arena.write(head, &77u64).unwrap();
            assert_eq!(skel.maps.arena.read::<u8>(3 * page()).unwrap(), 0);
            // The child's own child has it too, with a new handle.
            assert!(in_child(|| {
                assert_eq!(skel.arena.get_boxed().answer, 77);
                let again = Arena::new(skel.maps.arena.map().try_clone().unwrap()).unwrap();
                again.write(5 * page(), &9u64).unwrap();
            }));
        }));
        assert_eq!(skel.arena.get_boxed().answer, 77);
        assert_eq!(skel.maps.arena.read::<u64>(5 * page()).unwrap(), 9);
        assert_eq!(run_on(0, &skel.progs.next_answer, [0; 2]), 78);
    });
}
