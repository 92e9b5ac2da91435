//! Fixtures as descriptions, as generated code has them in statics and `cargo skelgen load` makes them at run time.
#![allow(dead_code, unused_imports, reason = "each test crate uses what it needs")]

use skelgen::describe::Description;
use skelgen::object::Object;
use skelgen::plan::LoadPlan;
use skelgen::{link, loader, plan};
use skelgen_runtime::{Loaded, ObjectDesc, Opened};

pub(crate) use skelgen_tests::may_load;

/// A fixture's bytes, which are part of the test, as that also runs where there are no files.
fn bytes(fixture: &str) -> &'static [u8] {
    macro_rules! fixtures {
        ($($name:literal)*) => {
            match fixture {
                $($name => include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/", $name, ".bpf.o")),)*
                _ => panic!("{fixture} is not among the fixtures that the tests embed"),
            }
        };
    }
    fixtures! { "agent" "attach_all" "attach_perf" "bad/verifier_reject" "counters" "jump_tables" "kconfig" "many" "maps_all" "percpu_basic" "struct_ops" }
}

/// The description of a fixture, named as in `fixtures/`.
pub(crate) fn describe(fixture: &str) -> ObjectDesc<'static> {
    describe_changed(fixture, |_| {})
}

/// The description of a fixture whose plan is not quite what the object says.
pub(crate) fn describe_changed(fixture: &str, change: impl FnOnce(&mut LoadPlan)) -> ObjectDesc<'static> {
    let bytes = bytes(fixture);
    let object = Object::parse(&format!("{fixture}.bpf.o"), bytes).unwrap();
    let mut plan = plan::plan(&object, link::link(&object).unwrap()).unwrap();
    change(&mut plan);
    let loader = loader::assemble(&plan).unwrap();
    let (plan, loader) = (&*Box::leak(Box::new(plan)), &*Box::leak(Box::new(loader)));
    Box::leak(Box::new(Description::of(plan, loader))).object()
}

/// The fixture, opened.
pub(crate) fn open(fixture: &str) -> Opened<'static> {
    Opened::new(&describe(fixture)).unwrap()
}

/// The fixture, loaded as it is.
pub(crate) fn load(fixture: &str) -> Loaded {
    open(fixture).load([], [], &[]).unwrap()
}

/// Index of a map of the object.
pub(crate) fn map(opened: &Opened<'_>, name: &str) -> usize {
    opened.maps().iter().position(|map| map.name == name).expect(name)
}

/// Index of a program of the object.
pub(crate) fn prog(opened: &Opened<'_>, name: &str) -> usize {
    opened.programs().iter().position(|prog| prog.name == name).expect(name)
}
