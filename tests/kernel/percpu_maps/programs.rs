//! Programs and user space see each other's writes, on each CPU.

use std::net::UdpSocket;

use skelgen_runtime::{Errno, PerCpuMap, Program};
use skelgen_tests::skeletons::percpu_maps::{LoadedPercpuMaps, PercpuMaps};
use skelgen_tests::{Cgroup, allowed_cpus, in_own_process, may_load, on_cpu};

use crate::cpus::{online, run_on};

fn load() -> LoadedPercpuMaps {
    PercpuMaps::open().unwrap().load().unwrap()
}

/// Writes a value for each CPU, has a program add to it on each CPU that is there, and reads them all.
fn add_on_each_cpu(map: &PerCpuMap<u32, u32>, add: &Program) {
    const KEY: u32 = 5;
    let added = |cpu: u32| if online().contains(cpu) { 100 + cpu } else { 0 };
    map.set_all(&KEY, &0).unwrap();
    for cpu in map.cpus().iter() {
        map.set(&KEY, cpu, &(1000 * cpu)).unwrap();
    }
    for cpu in online().iter() {
        assert_eq!(run_on(cpu, add, [KEY.into(), (100 + cpu).into()]), 1000 * cpu + 100 + cpu, "CPU {cpu}");
    }
    for (cpu, value) in map.values(&KEY).unwrap().unwrap() {
        assert_eq!(value, 1000 * cpu + added(cpu), "CPU {cpu}");
        assert_eq!(map.get(&KEY, cpu).unwrap(), Some(value));
    }
    // One CPU's value written leaves what programs wrote on the others.
    let last = map.cpus().last();
    map.set(&KEY, last, &7).unwrap();
    for (cpu, value) in map.values(&KEY).unwrap().unwrap() {
        assert_eq!(value, if cpu == last { 7 } else { 1000 * cpu + added(cpu) }, "CPU {cpu}");
    }
    map.set_all(&KEY, &50).unwrap();
    for cpu in online().iter() {
        assert_eq!(run_on(cpu, add, [KEY.into(), 1]), 51, "CPU {cpu}");
        // No element there.
        assert_eq!(run_on(cpu, add, [99, 1]), u32::MAX);
    }
}

#[test]
fn of_an_array() {
    if may_load() {
        let skel = load();
        add_on_each_cpu(&skel.maps.array_word, &skel.progs.add_to_array);
    }
}

#[test]
fn of_a_hash() {
    if may_load() {
        let skel = load();
        add_on_each_cpu(&skel.maps.hash_word, &skel.progs.add_to_hash);
    }
}

#[test]
fn of_an_lru_hash() {
    if may_load() {
        let skel = load();
        add_on_each_cpu(&skel.maps.lru_word, &skel.progs.add_to_lru);
    }
}

#[test]
fn an_element_that_a_program_made() {
    if !may_load() {
        return;
    }
    let skel = load();
    let (map, make) = (&skel.maps.hash_word, &skel.progs.make_in_hash);
    for cpu in online().iter() {
        assert_eq!(run_on(cpu, make, [cpu.into(), 77]), 0);
        for (other, value) in map.values(&cpu).unwrap().unwrap() {
            assert_eq!(value, if other == cpu { 77 } else { 0 }, "CPU {other}, made on CPU {cpu}");
        }
        // And the other way round, one that user space made.
        let exists = (-Errno::EEXIST.number()).cast_unsigned();
        assert_eq!(run_on(cpu, make, [cpu.into(), 78]), exists);
        map.set(&1000, cpu, &1).unwrap();
        assert_eq!(run_on(cpu, make, [1000, 78]), exists);
    }
}

/// In a process of its own, as it is the process that enters the cgroup.
#[test]
fn of_a_cgroups_storage() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let Some(cgroup) = Cgroup::new("storage") else { return };
        let skel = load();
        let map = &skel.maps.cgroup_word;
        assert_eq!(map.keys().count(), 0);
        let _link = skel.progs.storage_of_words.attach_cgroup(&cgroup).unwrap();
        let key = map.keys().next().unwrap().unwrap();
        assert_eq!((key.cgroup, map.keys().count()), (cgroup.id(), 1));
        for cpu in map.cpus().iter() {
            map.set(&key, cpu, &(1000 * cpu)).unwrap();
        }
        let allowed = allowed_cpus().unwrap();
        cgroup.inside(|| {
            let (from, to) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
            for &cpu in &allowed {
                // The program runs where the packet is sent, as often as the CPU's number and one.
                let send = |_| assert_eq!(from.send_to(&[0], to.local_addr().unwrap()).unwrap(), 1);
                on_cpu(cpu, || (0..=cpu).for_each(send)).unwrap();
            }
        });
        for (cpu, value) in map.values(&key).unwrap().unwrap() {
            let sent = if allowed.contains(&cpu) { cpu + 1 } else { 0 };
            assert_eq!(value, 1000 * cpu + sent, "CPU {cpu}");
        }
    });
}
