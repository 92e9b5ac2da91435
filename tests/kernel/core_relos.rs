//! Each kind of CO-RE relocation: what the program finds is what this kernel has, with per-CPU data as it has it and as
//! it is lowered to.

use std::fs;

use libc::{SCHED_OTHER, SCHED_RESET_ON_FORK, sched_param, sched_setscheduler};
use skelgen::Endian;
use skelgen::btf::{Btf, Kind, Type};
use skelgen::object::Object;
use skelgen_runtime::{PerCpuMode, Program, TestRun};
use skelgen_tests::skeletons::core_relos::{CoreRelos, LoadedCoreRelos, types::Found};
use skelgen_tests::{in_own_process, may_load};

use crate::modes::in_each_mode;

const OBJECT: &[u8] = include_bytes!("../../fixtures/core_relos.bpf.o");

/// The threads of this process.
fn thread_count() -> i32 {
    fs::read_dir("/proc/self/task").unwrap().count().try_into().unwrap()
}

/// The flags of this thread: the ninth field of proc_pid_stat(5), the seventh behind the name in its brackets.
fn task_flags() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    rest.split_whitespace().nth(6).unwrap().parse().unwrap()
}

fn load(mode: PerCpuMode) -> LoadedCoreRelos {
    let mut open = CoreRelos::open().unwrap();
    open.set_percpu_mode(mode);
    open.load().unwrap()
}

/// What `program` finds of the thread that runs it: which is this one, as no CPU is asked for.
fn run(skel: &LoadedCoreRelos, program: &Program) -> Found {
    skel.percpu.set_all(&Default::default()).unwrap();
    assert_eq!(program.test_run(TestRun { ctx_in: &[0; 16], ..TestRun::default() }).unwrap().retval, 0);
    let values = skel.percpu.iter().unwrap();
    let ran = values.map(|(_, value)| value.found).find(|found| *found != Found::default());
    ran.expect("it ran on some CPU")
}

in_each_mode! {
    fn fields_are_where_the_kernel_has_them(mode) {
        in_own_process(|| {
            let skel = load(mode);
            let found = run(&skel, &skel.progs.fields);
            let pid = std::process::id().cast_signed();
            assert_eq!((found.tgid, found.tgid_of_leader), (pid, pid));
        assert_eq!(found.nr_threads, thread_count());
            let comm = fs::read("/proc/self/comm").unwrap();
            assert_eq!((found.third_of_comm, found.size_of_comm), (comm[2], 16));
            assert_eq!((found.has_tgid, found.has_no_such_member), (1, 0));
            assert_eq!((found.is_tgid_signed, found.is_flags_signed), (1, 0));
            assert_eq!(found.flags, task_flags());
            assert_eq!(found.flags_of_wider, found.flags);
            assert_ne!(found.start_time, 0);
            assert_eq!(found.start_time_of_narrower, found.start_time);
        });
    }
}

in_each_mode! {
    fn a_bitfield_is_read_from_the_bits_that_it_has(mode) {
        in_own_process(|| {
            let skel = load(mode);
            assert_eq!(run(&skel, &skel.progs.fields).sched_reset_on_fork, 0);
            let param = sched_param { sched_priority: 0 };
            // SAFETY: `param` outlives the call, which only reads it.
            let status = unsafe { sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &raw const param) };
            assert_eq!(status, 0);
            assert_eq!(run(&skel, &skel.progs.fields).sched_reset_on_fork, 1);
        });
    }
}

in_each_mode! {
    fn types_are_those_of_the_kernel(mode) {
        let skel = load(mode);
        let found = run(&skel, &skel.progs.types);

        let endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };
        let kernel = Btf::parse(&fs::read("/sys/kernel/btf/vmlinux").unwrap(), endian).unwrap();
        let id = kernel.find(Kind::Struct, "task_struct").unwrap();
        let Type::Struct(task) = kernel.get(id) else { panic!("{:?}", kernel.get(id)) };
        assert_eq!((found.target_id, found.size_of_type), (id.0, task.size));
        let object = Object::parse("core_relos.bpf.o", OBJECT).unwrap();
        assert_eq!(object.btf.find(Kind::Struct, "task_struct").map(|id| id.0), Some(found.local_id));

        assert_eq!((found.has_type, found.has_no_such_type), (1, 0));
        assert_eq!((found.matches, found.other_matches), (1, 0));
    }
}

in_each_mode! {
    fn enumerators_have_the_kernels_values(mode) {
        let skel = load(mode);
        let found = run(&skel, &skel.progs.values);
        // BPF_LINK_TYPE_ITER of uapi/linux/bpf.h, which the fixture has as 999.
        assert_eq!((found.has_link, found.link, found.has_no_such_link), (1, 4, 0));
    }
}

#[test]
fn a_member_that_the_kernel_lacks_is_named() {
    if !may_load() {
        return;
    }
    let mut open = CoreRelos::open().unwrap();
    open.progs.missing.set_autoload(true);
    let error = open.load().unwrap_err();
    assert_eq!(error.subject_name(), Some("missing"));
    assert_eq!(error.reason(), Some("this kernel has no `struct task_struct.skelgen_no_such_member`"), "{error}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("bpf_core_field_exists")), "{error}");
}
