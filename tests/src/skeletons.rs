//! The fixtures' skeletons, a module each.

/// The objects that they are made from, by their files' names.
pub static OBJECTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/objects.rs"));

include!(concat!(env!("OUT_DIR"), "/skeletons.rs"));
