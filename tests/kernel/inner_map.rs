//! Maps of maps that are made after a map that exists.

use std::os::fd::{AsFd, AsRawFd};

use skelgen::describe::Description;
use skelgen::loader::assemble;
use skelgen::object::{Map, MapDef};
use skelgen::uapi::BPF_MAP_TYPE_ARRAY_OF_MAPS;
use skelgen_runtime::{Errno, Opened, Update};
use skelgen_tests::may_load;

use crate::in_memory;
use crate::info::map_info;
use crate::maps::{load, open};

/// A map of maps whose declaration has no `values`.
fn undeclared() -> Map {
    let def = MapDef {
        map_type: BPF_MAP_TYPE_ARRAY_OF_MAPS,
        key_size: 4,
        value_size: 4,
        max_entries: 2,
        ..MapDef::default()
    };
    Map {
        name: "undeclared".to_owned(),
        kernel_name: "undeclared".to_owned(),
        def,
        inner: None,
        slots: Vec::new(),
        data: None,
        struct_ops: None,
        arena: None,
    }
}

#[test]
fn what_the_object_does_not_say_the_user_can() {
    if !may_load() {
        return;
    }
    let object = in_memory::object("unsaid", vec![undeclared()], Vec::new());
    let plan = in_memory::plan_of(&object);
    let loader = assemble(&plan).unwrap();
    let description = Description::of(&plan, &loader);
    let desc = description.object();
    let error = Opened::new(&desc).unwrap().load([], [], &[]).unwrap_err();
    assert_eq!((error.subject_name(), error.errno()), (Some("undeclared"), None), "{error}");
    assert!(error.to_string().contains("set_inner_map"), "{error}");

    let maps = load().maps;
    let opened = Opened::new(&desc).unwrap();
    let mut outer = opened.map(0).unwrap();
    outer.set_inner_map(maps.typed.map()).unwrap();
    let outer = opened.load([outer], [], &[]).unwrap().map(0).unwrap();
    let put = |fd: i32| outer.update(&1u32.to_ne_bytes(), &fd.to_ne_bytes(), Update::Any);
    put(maps.typed.map().as_fd().as_raw_fd()).unwrap();
    let id = outer.lookup(&1u32.to_ne_bytes()).unwrap().unwrap();
    assert_eq!(id, map_info(&maps.typed).id.to_ne_bytes());
    let error = put(maps.array.map().as_fd().as_raw_fd()).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
}

#[test]
fn what_the_object_says_is_left_out() {
    if !may_load() {
        return;
    }
    let first = load().maps;
    let mut open = open();
    // The object has arrays of one number there, and puts two of them into slots of the other.
    open.maps.array_of_maps.set_inner_map(first.typed.map()).unwrap();
    let maps = open.load().unwrap().maps;
    let typed = maps.typed.map().as_fd().as_raw_fd();
    maps.array_of_maps.update(&0u32.to_ne_bytes(), &typed.to_ne_bytes(), Update::Any).unwrap();

    let mut open = self::open();
    open.maps.array_of_maps_filled.set_inner_map(first.typed.map()).unwrap();
    let error = open.load().unwrap_err();
    assert_eq!((error.subject_name(), error.errno()), (Some("array_of_maps_filled"), Some(Errno::EINVAL)), "{error}");
}

#[test]
fn other_maps_hold_no_maps() {
    if !may_load() {
        return;
    }
    let maps = load().maps;
    let mut open = open();
    let error = open.maps.array.set_inner_map(maps.typed.map()).unwrap_err();
    assert_eq!((error.subject_name(), error.reason()), (Some("array"), Some("it is not a map of maps")));
    open.maps.array_of_maps.reuse_map(&maps.array_of_maps).unwrap();
    let error = open.maps.array_of_maps.set_inner_map(maps.typed.map()).unwrap_err();
    assert_eq!(error.reason(), Some("the map exists already"));
}
