//! Maps that are not to be created, and what refers to them.

use skelgen_runtime::{Errno, Error, PerCpuMode, Result, RingBuf, TestRun, Update};
use skelgen_tests::skeletons::optional_maps::{LoadedOptionalMaps, OpenOptionalMaps, OptionalMaps};
use skelgen_tests::{in_own_process, may_load, open_fds};

/// The object without the maps that its constant switches off.
fn open_without() -> OpenOptionalMaps {
    let mut open = OptionalMaps::open().unwrap();
    open.maps.extra.set_autocreate(false).unwrap();
    open.maps.of_cpus.set_autocreate(false).unwrap();
    open
}

fn run(skel: &LoadedOptionalMaps) -> (u32, u32) {
    let raw_tp = || TestRun { ctx_in: &[0; 16], ..TestRun::default() };
    let guarded = skel.progs.guarded.test_run(raw_tp()).unwrap().retval;
    (guarded % 1000, guarded / 1000)
}

fn slots(skel: &LoadedOptionalMaps) -> u32 {
    skel.progs.slots.test_run(TestRun { ctx_in: &[0; 16], ..TestRun::default() }).unwrap().retval
}

/// How `.percpu` variables are reached on this kernel: by lookup on all, directly on some.
fn modes() -> Vec<PerCpuMode> {
    let direct = skelgen_runtime::features::probe().unwrap().direct;
    [PerCpuMode::Lowered].into_iter().chain(direct.then_some(PerCpuMode::Native)).collect()
}

#[test]
fn code_that_is_not_reached_may_use_them() {
    if !may_load() {
        return;
    }
    for mode in modes() {
        let mut open = open_without();
        open.set_percpu_mode(mode);
        assert!(!open.maps.extra.autocreate() && open.maps.first.autocreate());
        let skel = open.load().unwrap_or_else(|error| panic!("{mode:?}: {error}"));
        assert!(!skel.maps.extra.map().is_created() && skel.maps.first.map().is_created());
        assert!(run(&skel).0 >= 1);
        assert_eq!((run(&skel).1, slots(&skel)), (0, 3), "{mode:?}");
        let hits: u64 = skel.percpu.iter().unwrap().map(|(_, value)| value.hits).sum();
        assert_eq!(hits, 2, "{mode:?}");

        // With the maps the same object uses them.
        let mut open = OptionalMaps::open().unwrap();
        open.set_percpu_mode(mode);
        open.rodata.use_extra = true.into();
        let skel = open.load().unwrap();
        assert_eq!((run(&skel).1, run(&skel).1), (1, 2), "{mode:?}");
        assert_eq!(skel.maps.extra.get(&1).unwrap(), Some(2));
    }
}

#[test]
fn code_that_is_reached_may_not_and_the_map_is_named() {
    if !may_load() {
        return;
    }
    for mode in modes() {
        let mut open = open_without();
        open.set_percpu_mode(mode);
        open.progs.reached.set_autoload(true);
        let error = open.load().unwrap_err();
        assert_refused(&error, "reached", "extra");

        let mut open = OptionalMaps::open().unwrap();
        open.set_percpu_mode(mode);
        open.rodata.use_extra = true.into();
        open.maps.of_cpus.set_autocreate(false).unwrap();
        assert_refused(&open.load().unwrap_err(), "guarded", "of_cpus");
    }
}

fn assert_refused(error: &Error, program: &str, map: &str) {
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some(program)), "{error}");
    let why = format!("it uses map {map}, which was not created: its autocreate is off");
    assert_eq!(error.reason(), Some(why.as_str()), "{error}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("set_autoload(false)")), "{error}");
}

#[test]
fn they_are_not_put_into_other_maps() {
    if !may_load() {
        return;
    }
    let without = |leave_out: fn(&mut OpenOptionalMaps) -> Result<()>| {
        let mut open = OptionalMaps::open().unwrap();
        leave_out(&mut open).unwrap();
        open.load()
    };
    assert_eq!(slots(&without(|open| open.maps.first.set_autocreate(false)).unwrap()), 2);
    assert_eq!(slots(&without(|open| open.maps.second.set_autocreate(false)).unwrap()), 1);
    // The map of maps itself, which `slots` cannot do without.
    let mut open = OptionalMaps::open().unwrap();
    open.maps.outer.set_autocreate(false).unwrap();
    open.progs.slots.set_autoload(false);
    let skel = open.load().unwrap();
    assert!(!skel.maps.outer.is_created() && skel.maps.second.map().is_created());
    assert_refused(&without(|open| open.maps.outer.set_autocreate(false)).unwrap_err(), "slots", "outer");
}

#[test]
fn a_map_that_was_handed_in_or_is_to_be_pinned_is_not_used() {
    if !may_load() {
        return;
    }
    let other = OptionalMaps::open().unwrap().load().unwrap();
    let mut open = open_without();
    open.maps.extra.reuse_map(&other.maps.extra).unwrap();
    open.maps.extra.set_pin_path("/sys/fs/bpf/skelgen_not_created");
    assert!(!open.load().unwrap().maps.extra.map().is_created());
    assert!(!std::path::Path::new("/sys/fs/bpf/skelgen_not_created").exists());
}

#[test]
fn their_handles_refuse_everything_and_leave_nothing_open() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let mut open = open_without();
        open.maps.events.set_autocreate(false).unwrap();
        open.maps.of_tasks.set_autocreate(false).unwrap();
        let skel = open.load().unwrap();
        let maps = &skel.maps;
        let cpu = maps.of_cpus.cpus().iter().next().unwrap();
        let results = [
            ("read the value of CPU", maps.of_cpus.get(&1, cpu).map(drop)),
            ("write the value of CPU", maps.of_cpus.set(&1, cpu, &1)),
            ("", maps.of_cpus.set_all(&1, &1)),
            ("", maps.of_cpus.values(&1).map(drop)),
            ("", maps.of_cpus.iter().try_for_each(|element| element.map(drop))),
            ("", maps.extra.get(&1).map(drop)),
            ("", maps.extra.update(&1, &1, Update::Any)),
            ("", maps.extra.delete(&1).map(drop)),
            ("", maps.extra.iter().try_for_each(|element| element.map(drop))),
            ("", maps.extra.map().keys().try_for_each(|key| key.map(drop))),
            ("", maps.extra.map().freeze()),
            ("pin map", maps.extra.map().pin("/sys/fs/bpf/skelgen_absent")),
            ("", maps.extra.map().try_clone().unwrap().lookup(&[0; 4]).map(drop)),
            ("", maps.of_tasks.lookup(&[0; 4]).map(drop)),
        ];
        for (index, (operation, result)) in results.into_iter().enumerate() {
            let error = result.expect_err("there is no map");
            assert!(error.operation().starts_with(operation), "{error}");
            assert_eq!(error.reason(), Some("it was not created: its autocreate is off"), "{index}: {error}");
            assert_eq!(error.errno(), Some(Errno::EBADF), "{index}: {error}");
        }
        let error = RingBuf::<u64>::new(&maps.events).unwrap_err();
        assert_eq!(error.reason(), Some("it was not created: its autocreate is off"), "{error}");
        let error = OptionalMaps::open().unwrap().maps.extra.reuse_map(&maps.extra).unwrap_err();
        assert!(error.to_string().contains("the descriptor is not a map's"), "{error}");

        let whole = OptionalMaps::open().unwrap().load().unwrap();
        whole.maps.of_cpus.set(&1, cpu, &7).unwrap();
        assert_eq!(whole.maps.of_cpus.get(&1, cpu).unwrap(), Some(7));
        drop((skel, whole));
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn what_holds_variables_is_always_created() {
    let mut open = OptionalMaps::open().unwrap();
    let error = open.maps.rodata.set_autocreate(false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "set autocreate of map .rodata: it is a data section, whose variables the skeleton's handle has"
    );
    open.maps.rodata.set_autocreate(true).unwrap();
    let mut arena = skelgen_tests::skeletons::arena::Arena::open().unwrap();
    assert!(arena.maps.arena.set_autocreate(false).is_err());
}
