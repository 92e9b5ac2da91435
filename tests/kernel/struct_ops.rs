//! struct_ops maps: TCP congestion controls made of programs, which the kernel lists while they are registered.

use std::fs;
use std::os::fd::OwnedFd;

use skelgen_runtime::{Errno, Map, Update};
use skelgen_tests::congestion::send_with;
use skelgen_tests::skeletons::struct_ops::{OpenStructOps, StructOps, StructOpsProg};
use skelgen_tests::skeletons::struct_ops_link::{self, StructOpsLink};
use skelgen_tests::{came_later, in_own_process, is_from, kernel_version, may_load, not_on_this_kernel, open_fds};

use crate::watch::{runs, soon, stops};

/// `TCP_CONG_NEEDS_ECN`: a flag that the kernel takes from BPF.
const NEEDS_ECN: u32 = 2;

/// The name of a congestion control, each test's own, as they run at once.
fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

/// Whether the kernel has a congestion control of this name.
fn is_registered(name: &str) -> bool {
    let all = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap();
    all.split_whitespace().any(|one| one == name)
}

/// The fixture, its congestion control under another name.
fn open(text: &str) -> OpenStructOps {
    let mut open = StructOps::open().unwrap();
    assert_eq!(open.struct_ops.flat.name, name("skelgen_flat"));
    open.struct_ops.flat.name = name(text);
    open
}

#[test]
fn registered_while_attached() {
    if !may_load() {
        return;
    }
    let skel = open("skg_attached").load().unwrap();
    assert!(!is_registered("skg_attached"));
    assert_eq!(skel.maps.flat.get().unwrap().name, [0; 16]);
    let links = skel.attach().unwrap();
    assert!(is_registered("skg_attached"));
    let flat = skel.maps.flat.get().unwrap();
    assert_eq!(flat.name, name("skg_attached"));
    // The kernel gives the programs' ids.
    assert!(flat.ssthresh != 0 && flat.cong_avoid != 0 && flat.undo_cwnd != 0 && flat.set_state == 0);
    assert!(links.optional.is_none() && links.later.is_none() && links.flat_ssthresh.is_none());
    drop(links);
    assert!(!is_registered("skg_attached"));
}

#[test]
fn the_kernel_calls_the_programs() {
    if !may_load() {
        return;
    }
    let skel = open("skg_calls").load().unwrap();
    assert!(send_with("skg_calls").is_err());
    let _links = skel.attach().unwrap();
    runs("flat", || skel.bss.get().calls, || send_with("skg_calls").unwrap());
}

#[test]
fn values_are_set_before_the_load() {
    if !may_load() {
        return;
    }
    let mut open = open("skg_values");
    open.struct_ops.flat.flags = NEEDS_ECN;
    let skel = open.load().unwrap();
    let _link = skel.maps.flat.attach().unwrap();
    assert_eq!(skel.maps.flat.get().unwrap().flags, NEEDS_ECN);
    assert!(is_registered("skg_values"));
}

#[test]
fn another_program_takes_a_members_place() {
    if !may_load() {
        return;
    }
    let mut open = open("skg_other");
    assert_eq!(open.struct_ops.flat.ssthresh, Some(StructOpsProg::FlatSsthresh));
    open.struct_ops.flat.ssthresh = Some(StructOpsProg::OtherSsthresh);
    let skel = open.load().unwrap();
    assert!(skel.progs.other_ssthresh.is_loaded() && !skel.progs.flat_ssthresh.is_loaded());
    let _link = skel.maps.flat.attach().unwrap();
    assert!(is_registered("skg_other"));
}

#[test]
fn a_program_that_is_left_out_is_not_loaded() {
    if !may_load() {
        return;
    }
    let mut open = open("skg_less");
    open.struct_ops.flat.undo_cwnd = None;
    let skel = open.load().unwrap();
    assert!(!skel.progs.flat_undo_cwnd.is_loaded() && skel.progs.flat_ssthresh.is_loaded());
    // This one the kernel cannot do without.
    let error = skel.attach().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("attach map", Some("flat")));
    assert_eq!(error.errno(), Some(Errno::EINVAL));
    assert!(error.hint_text().is_some_and(|hint| hint.contains("lacks a member")), "{error}");
    assert!(!is_registered("skg_less"));
}

#[test]
fn optional_maps_are_created_if_asked_for() {
    if !may_load() {
        return;
    }
    let skel = open("skg_without").load().unwrap();
    assert!(!skel.maps.optional.is_created() && !skel.progs.only_optional.is_loaded());
    let error = skel.maps.optional.attach().unwrap_err();
    assert!(error.to_string().contains("autocreate is off"), "{error}");

    let mut open = open("skg_with");
    open.struct_ops.optional.name = name("skg_optional");
    assert!(open.maps.flat.autocreate() && !open.maps.optional.autocreate());
    open.maps.optional.set_autocreate(true).unwrap();
    let skel = open.load().unwrap();
    assert!(skel.maps.optional.is_created() && skel.progs.only_optional.is_loaded());
    let links = skel.attach().unwrap();
    assert!(links.flat.is_some() && links.optional.is_some());
    assert!(is_registered("skg_with") && is_registered("skg_optional"));
    // They share programs.
    let (flat, optional) = (skel.maps.flat.get().unwrap(), skel.maps.optional.get().unwrap());
    assert_eq!(flat.cong_avoid, optional.cong_avoid);
    assert_ne!(flat.ssthresh, optional.ssthresh);
}

#[test]
fn programs_of_maps_that_are_not_created_are_not_loaded() {
    if !may_load() {
        return;
    }
    let mut open = open("skg_none");
    open.maps.flat.set_autocreate(false).unwrap();
    // Even if they are asked for, as by themselves they are of no use.
    open.progs.flat_ssthresh.set_autoload(true);
    let skel = open.load().unwrap();
    assert!(!skel.maps.flat.is_created() && !skel.progs.flat_ssthresh.is_loaded());
    assert!(skel.attach().unwrap().flat.is_none());
}

#[test]
fn maps_that_are_not_to_be_attached_are_not() {
    if !may_load() {
        return;
    }
    let mut open = open("skg_alone");
    open.maps.flat.set_autoattach(false).unwrap();
    let skel = open.load().unwrap();
    assert!(skel.attach().unwrap().flat.is_none() && !is_registered("skg_alone"));
    let _link = skel.maps.flat.attach().unwrap();
    assert!(is_registered("skg_alone"));
}

#[test]
fn members_that_the_kernel_lacks_must_be_empty() {
    if !may_load() {
        return;
    }
    let open = |text: &str| {
        let mut open = StructOps::open().unwrap();
        open.maps.flat.set_autocreate(false).unwrap();
        open.maps.later.set_autocreate(true).unwrap();
        open.struct_ops.later.name = name(text);
        open
    };
    let skel = open("skg_later").load().unwrap();
    let _link = skel.maps.later.attach().unwrap();
    assert!(is_registered("skg_later"));
    let later = skel.maps.later.get().unwrap();
    assert_eq!((later.name, later.skelgen_value), (name("skg_later"), 0));
    assert!(later.ssthresh != 0 && later.cong_avoid != 0 && later.undo_cwnd != 0);

    let mut open_value = open("skg_later2");
    open_value.struct_ops.later.skelgen_value = 1;
    let error = open_value.load().unwrap_err();
    let expected = "struct_ops: lay out struct_ops map later: `skelgen_value` is not empty, and this kernel's struct has \
                    no such member";
    assert_eq!(error.to_string(), expected);

    let mut open_function = open("skg_later3");
    open_function.struct_ops.later.skelgen_function = Some(StructOpsProg::OtherSsthresh);
    let error = open_function.load().unwrap_err();
    assert!(error.to_string().contains("`skelgen_function` is not empty"), "{error}");
}

#[test]
fn structs_that_the_kernel_does_not_take_are_named() {
    if !may_load() {
        return;
    }
    let mut open = StructOps::open().unwrap();
    open.maps.unknown.set_autocreate(true).unwrap();
    let expected = "struct_ops: lay out struct_ops map unknown: this kernel has no `struct skelgen_ops`: there is no \
                    bpf_struct_ops_skelgen_ops in its BTF or in a module's";
    assert_eq!(open.load().unwrap_err().to_string(), expected);

    let mut open = StructOps::open().unwrap();
    open.maps.wide.set_autocreate(true).unwrap();
    let expected =
        "struct_ops: lay out struct_ops map wide: `flags` has 4 bytes in this kernel, and 8 bytes in the object";
    assert_eq!(open.load().unwrap_err().to_string(), expected);
}

#[test]
fn a_program_is_for_one_member() {
    if !may_load() {
        return;
    }
    let mut open = open("skg_one");
    open.struct_ops.flat.undo_cwnd = Some(StructOpsProg::FlatSsthresh);
    let expected = "struct_ops: lay out struct_ops map flat: `undo_cwnd` has program flat_ssthresh, as has another \
                    member: each is verified for one";
    assert_eq!(open.load().unwrap_err().to_string(), expected);
}

#[test]
fn programs_that_are_in_no_map_are_named() {
    if !may_load() {
        return;
    }
    let mut open = open("skg_forgotten");
    open.progs.other_ssthresh.set_autoload(true);
    let error = open.load().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some("other_ssthresh")));
    assert!(error.to_string().contains("it is for a struct_ops map, and none refers to it"), "{error}");
}

#[test]
fn without_a_link_a_map_is_registered_once() {
    if !may_load() {
        return;
    }
    let skel = open("skg_once").load().unwrap();
    drop(skel.maps.flat.attach().unwrap());
    let error = skel.maps.flat.attach().unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EBUSY));
    assert!(error.hint_text().is_some_and(|hint| hint.contains(".struct_ops.link")), "{error}");

    // Two of one name.
    let (one, other) = (open("skg_twice").load().unwrap(), open("skg_twice").load().unwrap());
    let link = one.maps.flat.attach().unwrap();
    let error = other.maps.flat.attach().unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EEXIST), "{error}");
    // Which did not take what is there with it.
    assert!(is_registered("skg_twice"));
    link.detach().unwrap();
    assert!(!is_registered("skg_twice"));
    drop(link);
    drop(other.maps.flat.attach().unwrap());
}

#[test]
fn a_descriptor_keeps_a_map_registered() {
    if !may_load() {
        return;
    }
    let skel = open("skg_kept").load().unwrap();
    let fd = OwnedFd::from(skel.attach().unwrap().flat.unwrap());
    assert!(is_registered("skg_kept"));
    drop(skel);
    assert!(is_registered("skg_kept"));
    assert!(Map::from_fd(fd, "flat").unwrap().delete(&[0; 4]).unwrap());
    assert!(!is_registered("skg_kept"));
}

#[test]
fn programs_stay_whatever_becomes_of_the_skeletons() {
    if !may_load() {
        return;
    }
    let skel = open("skg_programs").load().unwrap();
    drop(skel.progs);
    let _link = skel.maps.flat.attach().unwrap();
    assert!(is_registered("skg_programs"));
}

#[test]
fn nothing_stays_open() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let skel = open("skg_fds").load().unwrap();
        let links = skel.attach().unwrap();
        drop((skel, links));
        assert_eq!(open_fds(), before);
        let mut broken = open("skg_fds");
        broken.maps.unknown.set_autocreate(true).unwrap();
        broken.load().unwrap_err();
        assert_eq!(open_fds(), before);
    });
}

/// Whether the kernel has links for them. Others say which kernels have.
fn has_links() -> bool {
    if is_from("BPF_F_LINK") {
        return true;
    }
    let error = StructOpsLink::open().unwrap().load().unwrap_err();
    assert_eq!((error.operation(), error.errno()), ("create map", Some(Errno::EINVAL)));
    let why = came_later("BPF_F_LINK").replace("BPF_F_LINK", "this kernel has no links for struct_ops maps, which");
    assert!(error.reason().is_some_and(|reason| reason.starts_with(&why)), "{error}");
    not_on_this_kernel(came_later("BPF_F_LINK"));
    false
}

/// The fixture, both its congestion controls under another name.
fn open_link(text: &str) -> struct_ops_link::OpenStructOpsLink {
    let mut open = StructOpsLink::open().unwrap();
    open.struct_ops.first.name = name(text);
    open.struct_ops.second.name = name(text);
    open
}

#[test]
fn links_register_again_and_again() {
    if !may_load() || !has_links() {
        return;
    }
    let skel = open_link("skg_again").load().unwrap();
    for _ in 0..2 {
        let link = skel.maps.first.attach().unwrap();
        assert!(is_registered("skg_again"));
        // Only one of a name.
        assert_eq!(skel.maps.second.attach().unwrap_err().errno(), Some(Errno::EEXIST));
        drop(link);
        soon("skg_again is unregistered", || !is_registered("skg_again"));
    }
    let link = skel.maps.second.attach().unwrap();
    assert!(is_registered("skg_again"));
    if kernel_version() >= (6, 10) {
        link.detach().unwrap();
        assert!(!is_registered("skg_again"));
    }
    // What was registered once cannot be changed.
    assert!(skel.maps.first.map().unwrap().update(&[0; 4], &[0; 8], Update::Any).is_err());
}

#[test]
fn links_go_over_to_other_maps() {
    if !may_load() || !has_links() {
        return;
    }
    let skel = open_link("skg_update").load().unwrap();
    let link = skel.maps.first.attach().unwrap();
    let send = || send_with("skg_update").unwrap();
    runs("first", || skel.bss.get().first_calls, send);
    assert_eq!(skel.bss.get().second_calls, 0);
    link.update_map(&skel.maps.second).unwrap();
    runs("second", || skel.bss.get().second_calls, send);
    // And back: what was sent until now calls the first no more.
    stops("first", || skel.bss.get().first_calls, send);
    link.update_map(&skel.maps.first).unwrap();
    runs("first", || skel.bss.get().first_calls, send);

    // Another name is another place.
    let other = open_link("skg_elsewhere").load().unwrap();
    assert_eq!(link.update_map(&other.maps.first).unwrap_err().errno(), Some(Errno::EINVAL));

    // A map without a link has none that it could take over, and none to give.
    let without = open("skg_nolink").load().unwrap();
    let error = link.update_map(&without.maps.flat).unwrap_err();
    assert!(error.to_string().contains("only maps of section .struct_ops.link have links"), "{error}");
    let registration = without.maps.flat.attach().unwrap();
    let error = registration.update_map(&skel.maps.first).unwrap_err();
    assert!(error.to_string().contains("only maps of section .struct_ops.link have links"), "{error}");
    drop(link);
    soon("skg_update is unregistered", || !is_registered("skg_update"));
}
