//! Programs as the kernel loaded them: those that were asked for, each of its section's type.

use skelgen_runtime::uapi::ProgType;
use skelgen_tests::skeletons::sec_forms::SecForms;
use skelgen_tests::{in_own_process, may_load, open_fds};

use crate::info::prog_info;

#[test]
fn nothing_that_is_optional_loads() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let skel = SecForms::open().unwrap().load().unwrap();
        assert!(!skel.progs.raw_tp.is_loaded() && !skel.progs.xdp.is_loaded());
        assert_eq!(open_fds(), before);
        assert_eq!(format!("{:?}", skel.attach().unwrap()).matches("Some").count(), 0);

        let mut open = SecForms::open().unwrap();
        assert!(!open.progs.xdp.autoload());
        open.progs.xdp.set_autoload(true);
        let skel = open.load().unwrap();
        assert!(skel.progs.xdp.is_loaded() && !skel.progs.raw_tp.is_loaded());
        assert_eq!(prog_info(&skel.progs.xdp).name(), "xdp");
        assert_eq!(open_fds().len(), before.len() + 1);
    });
}

#[test]
fn programs_are_of_their_sections_types() {
    if !may_load() {
        return;
    }
    let mut open = SecForms::open().unwrap();
    // Of those that every kernel since 6.1 has, whatever its configuration.
    macro_rules! these {
        ($($name:ident $ty:literal)*) => {
            $(open.progs.$name.set_autoload(true);)*
            let skel = open.load().unwrap();
            $(
                let info = prog_info(&skel.progs.$name);
                assert_eq!((info.name(), info.prog_type), (kernel_name(stringify!($name)), ProgType($ty)));
                assert_eq!(skel.progs.$name.prog_type(), ProgType($ty));
            )*
        };
    }
    these! {
        socket 1
        kprobe 2
        tc 3
        action 4
        tracepoint 5
        tp 5
        xdp 6
        xdp_frags 6
        perf_event 7
        cgroup_skb_ingress 8
        cgroup_skb 8
        sockops 13
        raw_tracepoint 17
        raw_tp_sys_enter 17
        cgroup_connect4 18
        raw_tp_w 24
        cgroup_setsockopt 25
        iter 26
        tp_btf 26
        syscall 31
    }
}

/// The kernel keeps 15 characters.
fn kernel_name(name: &str) -> &str {
    &name[..name.len().min(15)]
}
