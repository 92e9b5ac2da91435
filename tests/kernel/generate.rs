//! The generator looks at nothing of the machine: here, whatever kernel and CPUs this is, it makes what it made on the
//! machine that built these tests.

use skelgen::Skeleton;
use skelgen::emit::Options;

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
                assert!(skeleton!($fixture).loader.image == built);
            }
        )*
    };
}

same_source! { counters percpu_basic }
same_image! { agent_percpu percpu_shapes }
