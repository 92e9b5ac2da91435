//! Sections whose variables are static or hidden: the programs' own, and no shared memory.

use skelgen_runtime::uapi::{BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, MapFlags};
use skelgen_runtime::{Program, TestRun, Unmapped};
use skelgen_tests::skeletons::private_data::PrivateData;
use skelgen_tests::{kernel_version, may_load, not_on_this_kernel};

use crate::info::map_info;

fn run(program: &Program) -> u32 {
    program.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap().retval
}

#[test]
fn a_section_with_a_lock_loads_and_is_read_and_written_by_commands() {
    if !may_load() {
        return;
    }
    if kernel_version() < (6, 2) {
        return not_on_this_kernel("programs that take a lock in a section");
    }
    let mut open = PrivateData::open().unwrap();
    open.data_own.own_step = 6;
    open.rodata.shared_step = 2;
    open.bss_locked.guarded = 100;
    let skel = open.load().unwrap();

    let flags = [skel.bss_locked.map(), skel.data_own.map(), skel.rodata.map()].map(|map| map_info(map).map_flags);
    assert_eq!(flags, [MapFlags(0), MapFlags(0), BPF_F_MMAPABLE | BPF_F_RDONLY_PROG]);

    assert_eq!(run(&skel.progs.locked_add), 112);
    assert_eq!(skel.bss_locked.get().unwrap().guarded, 112);

    let mut own = skel.data_own.get().unwrap();
    assert_eq!(own.own_step, 6);
    own.own_step = 1;
    skel.data_own.set(&own).unwrap();
    let mut locked = skel.bss_locked.get().unwrap();
    locked.guarded = 0;
    skel.bss_locked.set(&locked).unwrap();
    assert_eq!(run(&skel.progs.locked_add), 2);
}

#[test]
fn a_type_that_is_longer_than_the_section_is_refused() {
    if !may_load() {
        return;
    }
    let mut open = PrivateData::open().unwrap();
    open.progs.locked_add.set_autoload(false);
    let skel = open.load().unwrap();
    let error = Unmapped::<[u64; 2]>::new(skel.data_own.map().try_clone().unwrap()).unwrap_err();
    assert!(error.to_string().contains("its value has 4 bytes, the type 16"), "{error}");
}
