//! `BPF_F_CPU` and `BPF_F_ALL_CPUS`, where the kernel has them, by libbpf's own calls: libbpf-rs has none for them.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::{MapType, libbpf_sys};
use skelgen_runtime::uapi::{BPF_F_ALL_CPUS, BPF_F_CPU};
use skelgen_runtime::{PerCpu, features};
use skelgen_tests::random::Random;
use skelgen_tests::{may_load, not_on_this_kernel};

use crate::both::{Both, array};

const KEY: [u8; 4] = [0; 4];

#[test]
fn one_cpu_and_all() {
    if !may_load() {
        return;
    }
    if !features::probe().unwrap().all_cpus {
        return not_on_this_kernel("BPF_F_CPU and BPF_F_ALL_CPUS (Linux 7.0)");
    }
    let mut random = Random::new();
    one_and_all::<1>(&mut random);
    one_and_all::<4>(&mut random);
    one_and_all::<13>(&mut random);
    one_and_all::<16>(&mut random);
    one_and_all::<72>(&mut random);
}

fn one_and_all<const N: usize>(random: &mut Random) {
    let Both { ours, libbpf, .. } = Both::array(MapType::PercpuArray, N as u32, 1);
    let percpu: PerCpu<[u8; N]> = PerCpu::new(ours).unwrap();
    let value = |random: &mut Random| array::<N>(&random.bytes(N));
    for round in 0..8 {
        let all = value(random);
        if round % 2 == 0 {
            percpu.set_all(&all).unwrap();
        } else {
            update(&libbpf, &all, BPF_F_ALL_CPUS);
        }
        let cpu = random.pick(&percpu.cpus().iter().collect::<Vec<_>>());
        let one = value(random);
        let only = BPF_F_CPU | u64::from(cpu) << 32;
        if round % 3 == 0 {
            percpu.set(cpu, &one).unwrap();
        } else {
            update(&libbpf, &one, only);
        }
        for other in percpu.cpus().iter() {
            let expected = if other == cpu { one } else { all };
            assert_eq!(percpu.get(other).unwrap(), expected);
            assert_eq!(lookup::<N>(&libbpf, BPF_F_CPU | u64::from(other) << 32), expected);
        }
    }
}

fn update<const N: usize>(map: impl AsFd, value: &[u8; N], flags: u64) {
    let fd = map.as_fd().as_raw_fd();
    // SAFETY: with these flags the kernel reads as many bytes as the map's values have, which are `N`.
    let result = unsafe { libbpf_sys::bpf_map_update_elem(fd, KEY.as_ptr().cast(), value.as_ptr().cast(), flags) };
    assert_eq!(result, 0, "{}", io::Error::from_raw_os_error(-result));
}

fn lookup<const N: usize>(map: impl AsFd, flags: u64) -> [u8; N] {
    let fd = map.as_fd().as_raw_fd();
    let mut value = [0; N];
    let place = value.as_mut_ptr().cast();
    // SAFETY: with these flags the kernel writes as many bytes as the map's values have, which are `N`.
    let result = unsafe { libbpf_sys::bpf_map_lookup_elem_flags(fd, KEY.as_ptr().cast(), place, flags) };
    assert_eq!(result, 0, "{}", io::Error::from_raw_os_error(-result));
    value
}
