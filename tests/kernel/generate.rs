//! The generator looks at nothing of the machine: here, whatever kernel and CPUs this is, it makes what it made on the
//! machine that built these tests.

use skelgen::Skeleton;
use skelgen::emit::Options;

macro_rules! same_here {
    ($($fixture:ident)*) => {
        $(
            #[test]
            fn $fixture() {
                let name = concat!(stringify!($fixture), ".bpf.o");
                let object = include_bytes!(concat!("../../fixtures/", stringify!($fixture), ".bpf.o"));
                let built = include_str!(concat!(env!("OUT_DIR"), "/", stringify!($fixture), ".skel.rs"));
                let source = Skeleton::new(name, object).unwrap().source(&Options::default()).unwrap();
                // Not assert_eq, which would print both.
                assert!(source == built, "{name} gives another skeleton here");
            }
        )*
    };
}

same_here! { agent_percpu counters percpu_basic percpu_shapes }
