//! The fixtures' skeletons, a module each.

include!(concat!(env!("OUT_DIR"), "/skeletons.rs"));
