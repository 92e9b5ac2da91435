//! `.percpu` sections that a skeleton has loaded.

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};
use skelgen_runtime::{PerCpu, PerCpuMode, Plain, features};
use skelgen_tests::may_load;
use skelgen_tests::random::Random;
use skelgen_tests::skeletons::percpu_basic::{LoadedPercpuBasic, PercpuBasic};

const KEY: [u8; 4] = [0; 4];

#[test]
fn sections_are_read_equal() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    for mode in modes() {
        let mut open = PercpuBasic::open().unwrap();
        open.set_percpu_mode(mode);
        // As the object has it, and then as the user has edited it.
        let skel = open.load().unwrap();
        all_sections(&skel, &mut random);

        let mut open = PercpuBasic::open().unwrap();
        open.set_percpu_mode(mode);
        randomise(&mut *open.percpu, &mut random);
        let edited = open.percpu.as_bytes().to_vec();
        let skel = open.load().unwrap();
        let libbpfs = MapHandle::try_from(skel.percpu.map()).unwrap();
        for value in libbpfs.lookup_percpu(&KEY, MapFlags::ANY).unwrap().unwrap() {
            assert_eq!(value, edited[..value.len()]);
        }
        all_sections(&skel, &mut random);
    }
}

/// Those that the kernel has.
fn modes() -> Vec<PerCpuMode> {
    let direct = features::probe().unwrap().direct;
    [PerCpuMode::Lowered].into_iter().chain(direct.then_some(PerCpuMode::Native)).collect()
}

fn all_sections(skel: &LoadedPercpuBasic, random: &mut Random) {
    values_are_equal(&skel.percpu, random);
    values_are_equal(&skel.percpu_custom, random);
    values_are_equal(&skel.percpu_with_a_long_name, random);
}

fn values_are_equal<T: Plain>(section: &PerCpu<T>, random: &mut Random) {
    let libbpf = MapHandle::try_from(section.map()).unwrap();
    assert_eq!(libbpf.map_type(), MapType::PercpuArray);
    same(section, &libbpf);
    for cpu in section.cpus().iter() {
        let mut value = T::zeroed();
        randomise(&mut value, random);
        section.set(cpu, &value).unwrap();
    }
    same(section, &libbpf);
    // The other way round.
    let values: Vec<_> = section.cpus().iter().map(|_| random.bytes(section.map().value_size())).collect();
    libbpf.update_percpu(&KEY, &values, MapFlags::ANY).unwrap();
    assert_eq!(same(section, &libbpf), values);
}

/// What libbpf reads, which must be what we read, at once and CPU by CPU.
fn same<T: Plain>(section: &PerCpu<T>, libbpf: &MapHandle) -> Vec<Vec<u8>> {
    let libbpfs = libbpf.lookup_percpu(&KEY, MapFlags::ANY).unwrap().unwrap();
    let values = section.values().unwrap();
    for (cpu, expected) in section.cpus().iter().zip(&libbpfs) {
        // `T` has what its alignment adds.
        assert_eq!(&values[cpu].as_bytes()[..expected.len()], expected, "CPU {cpu}");
        assert_eq!(&section.get(cpu).unwrap().as_bytes()[..expected.len()], expected, "CPU {cpu}");
    }
    assert_eq!(libbpfs.len(), section.cpus().count());
    libbpfs
}

fn randomise<T: Plain>(value: &mut T, random: &mut Random) {
    let bytes = value.as_bytes_mut();
    let len = bytes.len();
    bytes.copy_from_slice(&random.bytes(len));
}
