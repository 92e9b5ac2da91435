//! `PerCpu<T>`, the value at key 0 of a per-CPU array.

use libbpf_rs::{MapCore, MapFlags, MapType};
use skelgen_runtime::PerCpu;
use skelgen_tests::may_load;
use skelgen_tests::random::Random;

use crate::both::{Both, array};

const KEY: [u8; 4] = [0; 4];

#[test]
fn values_of_every_size() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    values_are_equal::<1>(&mut random);
    values_are_equal::<4>(&mut random);
    values_are_equal::<13>(&mut random);
    values_are_equal::<16>(&mut random);
    values_are_equal::<72>(&mut random);
}

fn values_are_equal<const N: usize>(random: &mut Random) {
    let Both { ours, libbpf, .. } = Both::array(MapType::PercpuArray, N as u32, 1);
    let percpu: PerCpu<[u8; N]> = PerCpu::new(ours).unwrap();
    let value = |random: &mut Random| array::<N>(&random.bytes(N));
    let libbpfs = || libbpf.lookup_percpu(&KEY, MapFlags::ANY).unwrap().unwrap();

    let one = value(random);
    percpu.set_all(&one).unwrap();
    let mut expected = vec![one.to_vec(); percpu.cpus().count()];
    assert_eq!(libbpfs(), expected);

    for round in 0..32 {
        // libbpf-rs tells the values of the possible CPUs one after another, without their numbers.
        let slot = random.below(expected.len());
        let cpu = percpu.cpus().iter().nth(slot).unwrap();
        let one = value(random);
        expected[slot] = one.to_vec();
        if round % 2 == 0 {
            percpu.set(cpu, &one).unwrap();
        } else {
            libbpf.update_percpu(&KEY, &expected, MapFlags::ANY).unwrap();
        }
        assert_eq!(libbpfs(), expected);
        assert_eq!(percpu.get(cpu).unwrap(), one);
        let ours: Vec<_> = percpu.values().unwrap().into_iter().map(|(_, value)| value.to_vec()).collect();
        assert_eq!(ours, expected);
    }
}
