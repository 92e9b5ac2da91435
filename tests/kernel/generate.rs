//! The generator looks at nothing of the machine: here, whatever kernel and CPUs this is, it makes what it made on the
//! machine that built these tests, and it does so where it cannot ask the machine for anything.

use skelgen::Skeleton;
use skelgen::emit::Options;
use skelgen_tests::in_own_process;
use skelgen_tests::shut_in::shut_in;

macro_rules! skeleton {
    ($fixture:ident) => {
        Skeleton::new(
            concat!(stringify!($fixture), ".bpf.o"),
            include_bytes!(concat!("../../fixtures/", stringify!($fixture), ".bpf.o")),
        )
        .unwrap()
    };
}

macro_rules! same_source {
    ($($fixture:ident)*) => {
        $(
            #[test]
            fn $fixture() {
                let built = include_str!(concat!(env!("OUT_DIR"), "/", stringify!($fixture), ".skel.rs"));
                // Not assert_eq, which would print both.
                assert!(skeleton!($fixture).source(&Options::default()).unwrap() == built);
            }
        )*
    };
}

/// Of a large skeleton the image is a file of its own.
macro_rules! same_image {
    ($($fixture:ident)*) => {
        $(
            #[test]
            fn $fixture() {
                let built = include_bytes!(concat!(env!("OUT_DIR"), "/", stringify!($fixture), ".skel.image"));
                assert!(skeleton!($fixture).loader.image_at_rest() == built.as_slice());
            }
        )*
    };
}

same_source! { agent_percpu counters percpu_basic }
same_image! { percpu_shapes }

#[test]
fn nothing_is_asked_of_the_machine() {
    in_own_process(|| {
        shut_in().unwrap();
        let built = include_str!(concat!(env!("OUT_DIR"), "/counters.skel.rs"));
        assert!(skeleton!(counters).source(&Options::default()).unwrap() == built);
        let built = include_bytes!(concat!(env!("OUT_DIR"), "/percpu_shapes.skel.image"));
        assert!(skeleton!(percpu_shapes).loader.image_at_rest() == built.as_slice());
    });
}

/// The test above can fail.
#[test]
#[should_panic(expected = "in a process of its own")]
fn who_asks_is_ended() {
    in_own_process(|| {
        shut_in().unwrap();
        assert!(std::fs::read("/proc/version").is_err());
        drop(std::thread::available_parallelism());
    });
}
