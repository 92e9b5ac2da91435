//! Hidden, weak and uncalled functions.

use skelgen::link::link;
use skelgen::object::{Function, Object};
use skelgen_runtime::{PerCpuMode, TestRun};
use skelgen_tests::skeletons::exception_callback::ExceptionCallback;
use skelgen_tests::skeletons::linkage::Linkage;
use skelgen_tests::{came_later, is_from, may_load, not_on_this_kernel};

use crate::cpus::{online, run_on};
use crate::in_memory;
use crate::info::map_info;

#[test]
fn hidden_and_weak_things_are_like_others() {
    if !may_load() {
        return;
    }
    let mut open = Linkage::open().unwrap();
    assert_eq!((open.data.hidden_variable, open.data.weak_variable), (5, 6));
    open.data.weak_variable = 60;
    let skel = open.load().unwrap();
    // The kernel takes the pointer to the stack that a global function could not be given.
    assert_eq!(run_on(online().last(), &skel.progs.hidden_program, [0; 2]), 1 + 5 + 10 + 60);
    assert_eq!(run_on(online().last(), &skel.progs.weak_program, [0; 2]), 1);
    assert_eq!(map_info(skel.maps.hidden_map.map()).name(), "hidden_map");
    assert_eq!(map_info(skel.maps.weak_map.map()).name(), "weak_map");
}

#[test]
fn an_exception_callback_stands_behind_the_program() {
    if !may_load() {
        return;
    }
    if !is_from("bpf_throw") {
        let mut open = ExceptionCallback::open().unwrap();
        open.progs.with_callback.set_autoload(false);
        assert!(open.load().is_ok());
        return not_on_this_kernel(came_later("bpf_throw"));
    }
    let skel = ExceptionCallback::open().unwrap().load().unwrap();
    let packet = [0; 64];
    let run = TestRun { data_in: &packet, ..TestRun::default() };
    let retvals =
        [&skel.progs.with_callback, &skel.progs.without_callback].map(|program| program.test_run(run).unwrap().retval);
    assert_eq!(retvals, [2, 3]);
}

/// `counters`, whose `on_exec` calls `fill`, with `change` done to one function.
fn counters(function: &str, change: impl Fn(&mut Function)) -> Object {
    let bytes = include_bytes!("../../../fixtures/counters.bpf.o");
    let mut object = Object::parse("counters.bpf.o", bytes).unwrap();
    change(object.functions.iter_mut().find(|found| found.name == function).expect("it has this function"));
    object
}

/// libbpf drops the func_info of a program whose entry has none, and likewise line_info.
#[test]
fn a_program_without_whole_func_info_or_line_info_loads_without() {
    if !may_load() {
        return;
    }
    let without_all = |function: &mut Function| {
        function.type_id = None;
        function.lines.clear();
    };
    let without_lines = |function: &mut Function| function.lines.clear();
    for (name, object) in [
        ("an entry in assembly", counters("on_exec", without_all)),
        ("an entry without lines", counters("on_exec", without_lines)),
        ("a subprogram without lines", counters("fill", without_lines)),
        ("an entry without a type", counters("on_exec", |function| function.type_id = None)),
    ] {
        let plan = in_memory::plan_of(&object);
        let mut loaded = in_memory::load(&plan, PerCpuMode::Auto).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((0..plan.programs.len()).all(|index| loaded.program(index).is_ok_and(|program| program.is_loaded())));
    }
    // libbpf refuses this one as well.
    let error = link(&counters("fill", |function| function.type_id = None)).unwrap_err().to_string();
    assert!(error.contains("fill: .BTF.ext has no func_info for it"), "{error}");
}
