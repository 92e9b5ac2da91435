//! What programs are attached as: the attach type of a section, as the kernel has it of the link.

use std::fs::File;

use skelgen_runtime::Link;
use skelgen_tests::skeletons::attach_all::AttachAll;
use skelgen_tests::skeletons::sec_forms::SecForms;
use skelgen_tests::{matrix, may_load, not_on_this_kernel};

use crate::cgroup::Cgroup;
use crate::info::{link_info, prog_info};

#[test]
fn programs_of_cgroups() {
    if !may_load() {
        return;
    }
    let Some(cgroup) = Cgroup::new("attach_types") else { return };
    let mut open = SecForms::open().unwrap();
    // enum bpf_attach_type
    macro_rules! these {
        ($($name:ident $ty:literal)*) => {
            $(open.progs.$name.set_autoload(true);)*
            let skel = open.load().unwrap();
            let folder = File::open(cgroup.path()).unwrap();
            $(
                let link = skel.progs.$name.attach_cgroup(&folder).unwrap();
                let info = link_info(&link);
                assert_eq!(info.prog_id, prog_info(&skel.progs.$name).id);
                assert_eq!(info.of_cgroup(), $ty, stringify!($name));
            )*
        };
    }
    these! {
        cgroup_skb_ingress 0
        cgroup_skb_egress 1
        cgroup_sock_create 2
        sockops 3
        cgroup_dev 6
        cgroup_bind4 8
        cgroup_bind6 9
        cgroup_connect4 10
        cgroup_connect6 11
        cgroup_post_bind4 12
        cgroup_post_bind6 13
        cgroup_sendmsg4 14
        cgroup_sendmsg6 15
        cgroup_sysctl 18
        cgroup_getsockopt 21
        cgroup_setsockopt 22
        cgroup_sock_release 34
    }
}

#[test]
fn the_verifier_knows_the_attach_type() {
    if !may_load() {
        return;
    }
    // Those that may not refuse must return 1; these return 0.
    macro_rules! these {
        ($($name:ident)*) => {$(
            let mut open = SecForms::open().unwrap();
            open.progs.$name.set_autoload(true);
            let error = open.load().unwrap_err();
            assert_eq!(error.subject_name(), Some(stringify!($name)));
            assert!(error.verifier_log().unwrap().contains("At program exit the register R0"), "{error}");
        )*};
    }
    these!(cgroup_recvmsg4 cgroup_recvmsg6 cgroup_getpeername4 cgroup_getpeername6 cgroup_getsockname4);
}

#[test]
fn programs_of_tracing() {
    if !may_load() {
        return;
    }
    let open = AttachAll::open().unwrap();
    let skel = match open.load() {
        Ok(skel) => skel,
        Err(error) => {
            assert!(matrix().is_none(), "{error}");
            return not_on_this_kernel(error);
        }
    };
    let links = skel.attach().unwrap();
    let attach_type = |link: &Option<Link>| link_info(link.as_ref().unwrap()).of_tracing();
    let types = [&links.on_fentry, &links.on_fexit, &links.on_fmod_ret, &links.on_lsm].map(attach_type);
    assert_eq!(types, [24, 25, 26, 27]);
    assert_eq!(link_info(links.on_lsm.as_ref().unwrap()).prog_id, prog_info(&skel.progs.on_lsm).id);
}
