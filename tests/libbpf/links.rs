//! Links handed over, in the two ways that there are.

use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;

use libbpf_rs::query::{LinkInfo, LinkTypeInfo};
use libbpf_rs::{Object, ObjectBuilder, ProgramMut};
use skelgen_runtime::{Link, unpin};
use skelgen_tests::skeletons::attach_all::AttachAll;
use skelgen_tests::{may_load, not_on_this_kernel};

pub(crate) static ATTACH_ALL: &[u8] = include_bytes!("../../fixtures/attach_all.bpf.o");
static ATTACH_PERF: &[u8] = include_bytes!("../../fixtures/attach_perf.bpf.o");

/// The object with one program only.
pub(crate) fn load_one(object: &[u8], name: &str) -> Object {
    let mut object = ObjectBuilder::default().open_memory(object).unwrap();
    for mut program in object.progs_mut() {
        let only = program.name() == name;
        program.set_autoload(only);
    }
    object.load().unwrap()
}

fn program<'o>(object: &'o mut Object, name: &str) -> ProgramMut<'o> {
    object.progs_mut().find(|program| program.name() == name).unwrap()
}

fn program_of(link: impl AsFd) -> u32 {
    LinkInfo::from_fd(link.as_fd()).unwrap().prog_id
}

#[test]
fn a_link_of_libbpf_becomes_one_of_ours() {
    if !may_load() {
        return;
    }
    let mut object = load_one(ATTACH_ALL, "on_raw_tp");
    let program = program(&mut object, "on_raw_tp");
    let id = libbpf_rs::Program::id_from_fd(program.as_fd()).unwrap();
    let libbpfs = program.attach_raw_tracepoint("sys_enter").unwrap();
    let link = Link::try_from(&libbpfs).unwrap();
    let number = libbpfs.info().unwrap().id;
    drop(libbpfs);
    // libbpf has let go; the program stays attached.
    let info = LinkInfo::from_fd(link.as_fd()).unwrap();
    assert_eq!((info.id, info.prog_id), (number, id));
    assert!(matches!(info.info, LinkTypeInfo::RawTracepoint(_)), "{info:?}");
    // A link to a tracepoint cannot be detached while others hold it, and the error says whose it is.
    let error = link.detach().unwrap_err();
    assert_eq!(error.subject_name(), Some(format!("number {id}").as_str()));
}

#[test]
fn the_link_of_a_perf_event_stays_libbpfs() {
    if !may_load() {
        return;
    }
    let mut object = load_one(ATTACH_PERF, "on_tracepoint");
    let libbpfs =
        program(&mut object, "on_tracepoint").attach_tracepoint(libbpf_rs::TracepointCategory::Sched, "sched_switch");
    let libbpfs = match libbpfs {
        Ok(link) => link,
        Err(error) => return not_on_this_kernel(format!("perf events of tracepoints: {error:#}")),
    };
    let error = Link::try_from(&libbpfs).unwrap_err();
    assert!(error.to_string().contains("take over libbpf's link: it is a perf event's"), "{error}");
}

#[test]
fn a_link_of_ours_becomes_libbpfs_by_a_pin() {
    if !may_load() {
        return;
    }
    let path = PathBuf::from(format!("/sys/fs/bpf/skelgen_libbpf_link_{}", std::process::id()));
    let mut open = AttachAll::open().unwrap();
    macro_rules! off {
        ($($name:ident)*) => { $(open.progs.$name.set_autoload(false);)* };
    }
    off! { on_tp_btf on_fentry on_fexit on_fmod_ret on_lsm }
    let skel = open.load().unwrap();
    let ours = skel.progs.on_raw_tp.attach().unwrap();
    if let Err(error) = ours.pin(&path) {
        return not_on_this_kernel(format!("a BPF file system at /sys/fs/bpf: {error}"));
    }
    let libbpfs = libbpf_rs::Link::open(&path).unwrap();
    assert_eq!(program_of(&libbpfs), program_of(&ours));
    assert_eq!(libbpfs.pin_path().as_deref(), Some(path.as_path()));
    unpin(&path).unwrap();
    assert!(fs::metadata(&path).is_err());
    drop(ours);
    // And back.
    let back = Link::try_from(&libbpfs).unwrap();
    let number = program_of(&back);
    drop(libbpfs);
    assert_eq!(program_of(&back), number);
}
