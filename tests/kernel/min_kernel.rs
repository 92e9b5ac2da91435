//! Skeletons for new kernels only, whose programs have no second form.

use skelgen::link::link;
use skelgen::object::Object;
use skelgen::plan::{LoadPlan, plan_since};
use skelgen_runtime::{PerCpuMode, features};
use skelgen_tests::{kernel_version, may_load, not_on_this_kernel};

use crate::in_memory;

/// `counters` for kernels from `min_kernel` on. (The programs of others are not what this is about.)
fn counters(min_kernel: (u32, u32)) -> LoadPlan {
    let object = Object::parse("counters.bpf.o", include_bytes!("../../fixtures/counters.bpf.o")).unwrap();
    plan_since(Some(min_kernel.into()), &object, link(&object).unwrap()).unwrap()
}

fn refused(plan: &LoadPlan, mode: PerCpuMode) -> String {
    in_memory::load(plan, mode).unwrap_err().to_string()
}

#[test]
fn an_older_kernel_is_refused_in_words() {
    if !may_load() {
        return;
    }
    let (major, minor) = kernel_version();
    let next = (major, minor + 1);
    let error = refused(&counters(next), PerCpuMode::Auto);
    let expected = format!(
        "counters: load the object: it was generated for Linux {}.{} and newer, and this kernel is {major}.{minor}",
        next.0, next.1
    );
    assert!(error.starts_with(&expected), "{error}");
    let mut loaded = in_memory::load(&counters((6, 1)), PerCpuMode::Auto).unwrap();
    assert!(loaded.program(0).is_ok());
}

#[test]
fn without_a_second_form_programs_load_where_they_need_none() {
    if !may_load() {
        return;
    }
    if !features::probe().unwrap().direct {
        return not_on_this_kernel("programs that address `.percpu` directly");
    }
    let plan = counters((7, 3));
    for mode in [PerCpuMode::Auto, PerCpuMode::Native] {
        let mut loaded = in_memory::load(&plan, mode).unwrap();
        assert!((0..plan.programs.len()).all(|index| loaded.program(index).is_ok_and(|program| program.is_loaded())));
    }
    assert_eq!(
        refused(&plan, PerCpuMode::Lowered),
        "counters: load the object: it was generated for Linux 7.3 and newer, so that no program of it looks its \
         `.percpu` variables up"
    );
}

/// 240 bytes of stack above a tail call: too much with a lookup, and for kernels that round frames to 32 bytes.
#[test]
fn a_stack_without_room_for_a_lookup_loads_where_programs_need_none() {
    if !may_load() {
        return;
    }
    if !features::probe().unwrap().direct {
        return not_on_this_kernel("programs that address `.percpu` directly");
    }
    let bytes = include_bytes!("../../fixtures/tail_call_stack.bpf.o");
    let object = Object::parse("tail_call_stack.bpf.o", bytes).unwrap();
    let plan = plan_since(Some((7, 3).into()), &object, link(&object).unwrap()).unwrap();
    let mut loaded = in_memory::load(&plan, PerCpuMode::Auto).unwrap();
    assert!(loaded.program(0).is_ok_and(|program| program.is_loaded()));
}
