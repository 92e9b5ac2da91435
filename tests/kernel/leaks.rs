//! What stays open: nothing of a skeleton that is gone or was never loaded, and all that was lent to it.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};

use skelgen_runtime::{Errno, PerCpuMode, Plain, features};
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::percpu_basic::PercpuBasic;
use skelgen_tests::skeletons::verifier_reject::types::Table;
use skelgen_tests::skeletons::verifier_reject::{LoadedVerifierReject, VerifierReject};
use skelgen_tests::{in_own_process, may_load, not_on_this_kernel, open_fds};

use crate::cpus::{online, run_on};
use crate::modes::in_each_mode;

/// What this process has: its descriptors, and the maps in its memory.
fn held() -> (Vec<(i32, String)>, usize) {
    let memory = fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
    (open_fds(), memory.lines().filter(|line| line.contains("bpf-map")).count())
}

/// `verifier_reject` without the program that is refused.
fn load_what_is_fine() -> LoadedVerifierReject {
    let mut open = VerifierReject::open().unwrap();
    open.progs.unbounded.set_autoload(false);
    open.load().unwrap()
}

in_each_mode! {
    fn nothing_is_held_once_all_is_dropped(mode) {
        in_own_process(|| {
            let before = held();
            let mut open = PercpuBasic::open().unwrap();
            open.set_percpu_mode(mode);
            assert_eq!(held(), before);
            let skel = open.load().unwrap();
            let loaded = held();
            assert!(loaded.0.len() > before.0.len() && loaded.1 > before.1);

            for cpu in online().iter() {
                run_on(cpu, &skel.progs.change, [1, 0]);
                let value = skel.percpu.get(cpu).unwrap();
                skel.percpu.set(cpu, &value).unwrap();
            }
            skel.percpu.set_all(&skel.percpu.get(0).unwrap()).unwrap();
            skel.percpu.get(u32::MAX).unwrap_err();
            assert_eq!(held(), loaded);

            let link = skel.progs.sum_total.attach_iter_map(skel.percpu.map()).unwrap();
            link.iter().unwrap().read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(held().0.len(), loaded.0.len() + 1);
            drop(skel);
            drop(link);
            assert_eq!(held(), before);
        });
    }

    fn nothing_is_held_once_attached_programs_are_dropped(mode) {
        in_own_process(|| {
            let before = held();
            let mut open = Counters::open().unwrap();
            open.set_percpu_mode(mode);
            let skel = open.load().unwrap();
            let links = skel.attach().unwrap();
            assert!(links.on_sys_enter.is_some() && links.on_exec.is_some());
            drop(skel);
            drop(links);
            assert_eq!(held(), before);
        });
    }
}

#[test]
fn nothing_is_held_after_a_refused_program() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = held();
        let error = VerifierReject::open().unwrap().load().unwrap_err();
        assert_eq!(held(), before);

        assert_eq!(error.object_name(), Some("verifier_reject"));
        assert_eq!((error.operation(), error.subject_name()), ("load program", Some("unbounded")));
        // Which of the two has changed with the kernel, as have the words.
        assert!(matches!(error.errno(), Some(Errno::EACCES | Errno::EINVAL)), "{error}");
        // The whole log, of which the error's own words show the end.
        let log = error.verifier_log().unwrap();
        assert!(log.contains("call bpf_map_lookup_elem") && log.contains("processed "), "{log}");
        let shown = error.to_string();
        assert!(shown.starts_with("verifier_reject: load program unbounded: E") && shown.contains("\n  | "), "{shown}");
    });
}

#[test]
fn a_section_made_longer_goes_with_its_skeleton() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = held();
        for refused in [false, true] {
            let mut open = VerifierReject::open().unwrap();
            open.maps.bss.set_value_size(1 << 16).unwrap();
            open.progs.unbounded.set_autoload(refused);
            let result = open.load();
            assert_eq!(result.is_err(), refused);
            drop(result);
            assert_eq!(held(), before);
        }
    });
}

#[test]
fn nothing_is_held_after_a_refused_section() {
    if !may_load() {
        return;
    }
    if features::probe().unwrap().direct {
        return not_on_this_kernel("a refusal of sections with types");
    }
    in_own_process(|| {
        let before = held();
        for _ in 0..3 {
            let mut open = Counters::open().unwrap();
            open.set_percpu_mode(PerCpuMode::Native);
            open.load().unwrap_err();
            assert_eq!(held(), before);
        }
    });
}

#[test]
fn a_lent_map_outlives_its_borrowers() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let lender = load_what_is_fine();
        let table = Table { entries: [7; 16] };
        lender.maps.tables.insert(&0, &table).unwrap();
        let own = lender.maps.tables.as_fd().try_clone_to_owned().unwrap();
        let before = held();

        // One that loads, with a map and with a descriptor that it takes over.
        for by_fd in [false, true] {
            let mut open = VerifierReject::open().unwrap();
            open.progs.unbounded.set_autoload(false);
            match by_fd {
                true => open.maps.tables.reuse_fd(own.try_clone().unwrap()).unwrap(),
                false => open.maps.tables.reuse_map(lender.maps.tables.map()).unwrap(),
            }
            let borrower = open.load().unwrap();
            assert_eq!(borrower.maps.tables.get(&0).unwrap(), Some(table));
            drop(borrower);
            assert_eq!(held(), before);
        }

        // One that is refused, after the maps were made.
        let mut open = VerifierReject::open().unwrap();
        open.maps.tables.reuse_map(lender.maps.tables.map()).unwrap();
        let error = open.load().unwrap_err();
        assert_eq!(error.subject_name(), Some("unbounded"));
        assert_eq!(held(), before);

        // One that does not fit, and one that is never loaded.
        let mut open = VerifierReject::open().unwrap();
        let data = lender.bss.map().try_clone().unwrap();
        let error = open.maps.tables.reuse_map(&data).unwrap_err();
        assert_eq!(error.subject_name(), Some("tables"), "{error}");
        open.maps.tables.reuse_map(lender.maps.tables.map()).unwrap();
        drop((open, data));
        assert_eq!(held(), before);

        // The lender has what it had.
        assert!(own.as_raw_fd() >= 0 && lender.maps.tables.get(&0).unwrap().unwrap().as_bytes() == table.as_bytes());
    });
}
