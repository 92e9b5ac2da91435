//! Per-CPU storage of a cgroup, which is there while a program that uses it is attached to the cgroup.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{io, process, ptr};

use libbpf_rs::libbpf_sys::{self, bpf_insn};
use libbpf_rs::{MapType, ProgramHandle};
use skelgen_runtime::uapi::{BPF_CGROUP_INET_EGRESS, BPF_PSEUDO_MAP_FD, CALL, LD_IMM64};
use skelgen_runtime::{Link, Program};
use skelgen_tests::not_on_this_kernel;

use crate::both::Both;

/// A map of a cgroup's storage, with one key.
pub(crate) struct Storage {
    pub(crate) both: Both,
    // In the order in which they go.
    _link: Link,
    _cgroup: Cgroup,
}

/// The storage of a new cgroup; `None`, and noted, where none can be made.
pub(crate) fn storage(value_size: u32) -> Option<Storage> {
    let cgroup = match Cgroup::new() {
        Ok(cgroup) => cgroup,
        Err(error) => {
            not_on_this_kernel(format!("a cgroup of version 2: {error}"));
            return None;
        }
    };
    // struct bpf_cgroup_storage_key: the cgroup's number, which is its directory's, and the attach type.
    let id = fs::metadata(&cgroup.0).unwrap().ino();
    let key = [id.to_ne_bytes(), u64::from(libbpf_sys::BPF_CGROUP_INET_EGRESS).to_ne_bytes()].concat();
    let both = Both::new(MapType::PercpuCgroupStorage, [16, value_size, 0], vec![key]);
    let program = uses(&both);
    let link = program.attach_cgroup(File::open(&cgroup.0).unwrap()).unwrap();
    Some(Storage { both, _link: link, _cgroup: cgroup })
}

/// A program that lets every packet pass, and uses the storage.
fn uses(both: &Both) -> Program {
    const MOV64_IMM: u8 = 0xb7;
    let insn = |code, dst: u8, src: u8, imm| {
        let mut insn = bpf_insn { code, imm, ..Default::default() };
        insn.set_dst_reg(dst);
        insn.set_src_reg(src);
        insn
    };
    let insns = [
        // r1 = the map (BPF_LD_IMM64 of BPF_PSEUDO_MAP_FD, two slots)
        insn(LD_IMM64, 1, BPF_PSEUDO_MAP_FD, both.ours.as_fd().as_raw_fd()),
        insn(0, 0, 0, 0),
        // r2 = 0; r0 = bpf_get_local_storage(r1, r2)
        insn(MOV64_IMM, 2, 0, 0),
        insn(CALL, 0, 0, 81),
        // return 1
        insn(MOV64_IMM, 0, 0, 1),
        insn(0x95, 0, 0, 0),
    ];
    let mut opts = libbpf_sys::bpf_prog_load_opts {
        sz: size_of::<libbpf_sys::bpf_prog_load_opts>() as libbpf_sys::size_t,
        expected_attach_type: libbpf_sys::BPF_CGROUP_INET_EGRESS,
        ..Default::default()
    };
    // SAFETY: all that is pointed to outlives the call; the strings end with a 0, and `insns` are as many as is said.
    let fd = unsafe {
        libbpf_sys::bpf_prog_load(
            libbpf_sys::BPF_PROG_TYPE_CGROUP_SKB,
            c"uses_storage".as_ptr(),
            c"GPL".as_ptr(),
            insns.as_ptr(),
            insns.len() as libbpf_sys::size_t,
            ptr::from_mut(&mut opts),
        )
    };
    assert!(fd >= 0, "{}", io::Error::from_raw_os_error(-fd));
    // SAFETY: the call above made it, for nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let id = libbpf_rs::Program::id_from_fd(fd.as_fd()).unwrap();
    let handle = ProgramHandle::from_prog_id(id).unwrap();
    Program::from_handle(&handle, BPF_CGROUP_INET_EGRESS).unwrap()
}

/// A cgroup without processes, so that programs on it change nothing.
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    fn new() -> io::Result<Cgroup> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, nth) = (process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = mounted()?.join(format!("skelgen_libbpf_{process}_{nth}"));
        fs::create_dir(&path)?;
        Ok(Cgroup(path))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Where cgroups of version 2 are mounted.
fn mounted() -> io::Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let of_cgroup2 = |line: &str| {
        let mut words = line.split(' ');
        let path = words.nth(1)?;
        (words.next()? == "cgroup2").then(|| Path::new(path).to_path_buf())
    };
    mounts.lines().find_map(of_cgroup2).ok_or_else(|| io::Error::other("none is mounted"))
}
