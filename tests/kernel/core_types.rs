//! CO-RE relocations of types that nest deeper than the kernel's own CO-RE follows.

use skelgen_runtime::{PerCpuMode, Program, TestRun};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::core_types::{CoreTypes, LoadedCoreTypes, types::Found};

use crate::modes::in_each_mode;

fn run(skel: &LoadedCoreTypes, program: &Program) -> Found {
    skel.percpu.set_all(&Default::default()).unwrap();
    assert_eq!(program.test_run(TestRun { ctx_in: &[0; 16], ..TestRun::default() }).unwrap().retval, 0);
    let values = skel.percpu.iter().unwrap();
    let ran = values.map(|(_, value)| value.found).find(|found| *found != Found::default());
    ran.expect("it ran on some CPU")
}

in_each_mode! {
    fn types_match_however_deep_they_are(mode) {
        let mut open = CoreTypes::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        let tgid = std::process::id().cast_signed();
        let expected = Found {
            same: 1,
            flavoured: 1,
            other: 0,
            missing: 0,
            exists: 1,
            size: 4,
            tgid,
            tgid_again: tgid,
        };
        assert_eq!(run(&skel, &skel.progs.deep), expected);
        assert_eq!(run(&skel, &skel.progs.deep_again), Found { same: 1, ..Found::default() });
    }
}

#[test]
fn other_errors_are_still_reported() {
    if !may_load() {
        return;
    }
    let mut open = CoreTypes::open().unwrap();
    open.set_percpu_mode(PerCpuMode::Auto);
    open.progs.refused.set_autoload(true);
    let error = open.load().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some("refused")));
    assert!(error.verifier_log().unwrap().contains("invalid mem access"), "{error}");
}
