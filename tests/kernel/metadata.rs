//! Variables that tell something of the programs.

use skelgen_tests::may_load;
use skelgen_tests::skeletons::metadata::Metadata;

use crate::info::{map_info, maps_of};

#[test]
fn every_program_keeps_them() {
    if !may_load() {
        return;
    }
    let mut open = Metadata::open().unwrap();
    open.rodata.bpf_metadata_version = 4;
    let skel = open.load().unwrap();
    let id = map_info(skel.rodata.map()).id;
    // That of `.rodata.other` is nobody's.
    assert_eq!(maps_of(&skel.progs.uses_none), [id]);
    assert_eq!(maps_of(&skel.progs.uses_it), [id]);
    assert!(!skel.progs.not_loaded.is_loaded());
    assert_eq!(skel.rodata.get().bpf_metadata_version, 4);
}
