//! bpf(2): one function a command. The commands on a map's elements are in [`elem`](super::elem).
#![allow(unsafe_code, reason = "system calls that read and write memory by address")]

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::Errno;
use super::attr::{
    BtfInfo, BtfLoad, FuncInfo, GetFdById, Info, Insn, IterCgroupInfo, IterCreate, IterMapInfo, IterTaskInfo,
    LinkCreate, LinkCreateIter, LinkCreateTracingMulti, LinkCreateUprobeMulti, LinkDetach, LinkUpdate, MapCreate,
    MapFreeze, MapInfo, Obj, ProgBindMap, ProgInfo, ProgLoad, RawTracepoint, TestRun, TokenCreate,
};
use super::mmap::Mapping;
use super::signals;
use super::uapi::*;

/// `bpf(cmd, attr, sizeof(A))`, its result if it is not negative.
///
/// # Safety
///
/// Every address in `attr` that `cmd` reads or writes is 0 or that of memory for which it may, as long as `attr` says
/// or `cmd` takes it to be, and nothing else uses what it writes.
pub(super) unsafe fn sys_bpf<A>(cmd: Command, attr: &mut A) -> Result<i32, Errno> {
    // SAFETY: `attr` is `size_of::<A>()` bytes that the kernel may read and write; the rest is the caller's promise.
    let r = unsafe { libc::syscall(libc::SYS_bpf, cmd.0 as libc::c_long, ptr::from_mut(attr), size_of::<A>()) };
    // The results of bpf(2) fit an int; the cast to long is the C library's.
    if r < 0 { Err(Errno::last()) } else { Ok(i32::try_from(r).unwrap_or(i32::MAX)) }
}

/// `sys_bpf` for the commands that make a descriptor, again when a signal interrupts it: nothing is made then.
///
/// # Safety
///
/// As for [`sys_bpf`]; and `cmd` makes a descriptor.
unsafe fn sys_bpf_fd<A: Copy>(cmd: Command, attr: &mut A) -> Result<OwnedFd, Errno> {
    let fd = signals::persist(|| {
        // The kernel writes to some attrs when it fails.
        let mut attr = *attr;
        // SAFETY: the caller's promise.
        unsafe { sys_bpf(cmd, &mut attr) }
    })?;
    // SAFETY: the kernel made `fd` for this call, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A descriptor's number, as attrs have it.
pub(super) fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// The address of `items`, and 0 if there are none: for some commands a length of 0 means no limit.
pub(super) fn address<T>(items: &[T]) -> u64 {
    if items.is_empty() { 0 } else { items.as_ptr().expose_provenance() as u64 }
}

/// As [`address`], of memory that the kernel writes.
pub(super) fn address_mut(bytes: &mut [u8]) -> u64 {
    if bytes.is_empty() { 0 } else { bytes.as_mut_ptr().expose_provenance() as u64 }
}

/// A length, as attrs have it; `E2BIG` if it needs more than 32 bits.
fn length<T>(items: &[T]) -> Result<u32, Errno> {
    u32::try_from(items.len()).map_err(|_| Errno::E2BIG)
}

/// `BPF_MAP_CREATE`, with a token if there is one, for the program that has this hash alone if one is given.
pub(crate) fn map_create(
    mut attr: MapCreate,
    token: Option<BorrowedFd<'_>>,
    excl_prog_hash: Option<&[u8; 32]>,
) -> Result<OwnedFd, Errno> {
    if let Some(token) = token {
        attr.map_flags |= BPF_F_TOKEN_FD;
        attr.map_token_fd = raw(token);
    }
    attr.excl_prog_hash = excl_prog_hash.map_or(0, |hash| address(hash));
    attr.excl_prog_hash_size = excl_prog_hash.map_or(0, |hash| hash.len() as u32);
    // SAFETY: the hash is as long as said and outlives the call; `map_extra` is an address for arenas only, where the
    // kernel just takes it down.
    unsafe { sys_bpf_fd(BPF_MAP_CREATE, &mut attr) }
}

/// `BPF_TOKEN_CREATE`, from the root of a BPF file system.
pub(crate) fn token_create(bpffs: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let mut attr = TokenCreate { flags: 0, bpffs_fd: raw(bpffs) };
    // SAFETY: no address.
    unsafe { sys_bpf_fd(BPF_TOKEN_CREATE, &mut attr) }
}

/// `BPF_MAP_FREEZE`: user space cannot write the map any more.
pub(crate) fn map_freeze(map: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut attr = MapFreeze { map_fd: raw(map) };
    // SAFETY: no address.
    unsafe { sys_bpf(BPF_MAP_FREEZE, &mut attr) }.map(drop)
}

/// What `BPF_PROG_LOAD` reads; instructions and records are bytes, in the order of this machine.
#[derive(Default)]
pub(crate) struct Prog<'a> {
    pub(crate) prog_type: ProgType,
    pub(crate) expected_attach_type: AttachType,
    pub(crate) flags: ProgFlags,
    pub(crate) name: &'a str,
    pub(crate) license: &'a CStr,
    /// `struct bpf_insn`, 8 bytes each.
    pub(crate) insns: &'a [u8],
    pub(crate) btf: Option<BorrowedFd<'a>>,
    /// `struct bpf_func_info`, 8 bytes each; only with `btf`.
    pub(crate) func_info: &'a [u8],
    pub(crate) fd_array: &'a [BorrowedFd<'a>],
    /// What allows it, if this process may not by itself.
    pub(crate) token: Option<BorrowedFd<'a>>,
    /// Where the verifier writes its log, if it is to.
    pub(crate) log: Option<&'a Mapping>,
}

/// `BPF_PROG_LOAD`.
pub(crate) fn prog_load(prog: &Prog<'_>) -> Result<OwnedFd, Errno> {
    let fds: Vec<u8> = prog.fd_array.iter().flat_map(|fd| fd.as_raw_fd().to_ne_bytes()).collect();
    let mut attr = ProgLoad {
        prog_type: prog.prog_type,
        insn_cnt: length(prog.insns)? / size_of::<Insn>() as u32,
        insns: address(prog.insns),
        license: address(prog.license.to_bytes_with_nul()),
        prog_flags: prog.flags,
        expected_attach_type: prog.expected_attach_type,
        prog_name: object_name(prog.name),
        fd_array: address(&fds),
        ..Default::default()
    };
    if let (Some(btf), false) = (prog.btf, prog.func_info.is_empty()) {
        attr.prog_btf_fd = raw(btf);
        attr.func_info_rec_size = size_of::<FuncInfo>() as u32;
        attr.func_info = address(prog.func_info);
        attr.func_info_cnt = length(prog.func_info)? / attr.func_info_rec_size;
    }
    if let Some(token) = prog.token {
        attr.prog_flags |= ProgFlags::BPF_F_TOKEN_FD;
        attr.prog_token_fd = raw(token);
    }
    if let Some(log) = prog.log {
        attr.log_level = 1;
        attr.log_size = u32::try_from(log.len()).map_err(|_| Errno::E2BIG)?;
        attr.log_buf = log.address();
    }
    // SAFETY: counts and addresses are those of slices that outlive the call, the log's those of a mapping made to be
    // written from outside; the kernel checks each descriptor that it reads from `fd_array`.
    unsafe { sys_bpf_fd(BPF_PROG_LOAD, &mut attr) }
}

/// `BPF_BTF_LOAD`.
pub(crate) fn btf_load(btf: &[u8], token: Option<BorrowedFd<'_>>, log: Option<&Mapping>) -> Result<OwnedFd, Errno> {
    let mut attr = BtfLoad { btf: address(btf), btf_size: length(btf)?, ..Default::default() };
    if let Some(token) = token {
        attr.btf_flags |= BPF_F_TOKEN_FD.0;
        attr.btf_token_fd = raw(token);
    }
    if let Some(log) = log {
        attr.btf_log_level = 1;
        attr.btf_log_size = u32::try_from(log.len()).map_err(|_| Errno::E2BIG)?;
        attr.btf_log_buf = log.address();
    }
    // SAFETY: address and size are the slice's; the log's those of a mapping made to be written from outside.
    unsafe { sys_bpf_fd(BPF_BTF_LOAD, &mut attr) }
}

/// What `BPF_PROG_TEST_RUN` reads and writes.
#[derive(Default)]
pub(crate) struct Run<'a> {
    pub(crate) data_in: &'a [u8],
    pub(crate) data_out: &'a mut [u8],
    /// Written too, for `BPF_PROG_TYPE_SYSCALL`.
    pub(crate) ctx_in: &'a mut [u8],
    pub(crate) ctx_out: &'a mut [u8],
    pub(crate) repeat: u32,
    pub(crate) flags: u32,
    pub(crate) cpu: u32,
}

/// What `BPF_PROG_TEST_RUN` says; sizes are how much there is, which with `ENOSPC` is more than was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) retval: u32,
    /// Nanoseconds a repetition.
    pub(crate) duration: u32,
    pub(crate) data_size: usize,
    pub(crate) ctx_size: usize,
    /// The output did not fit and was cut.
    pub(crate) cut: bool,
}

/// `BPF_PROG_TEST_RUN`; `EINTR` if a signal came between two of several repetitions.
pub(crate) fn prog_test_run(prog: BorrowedFd<'_>, run: &mut Run<'_>) -> Result<Ran, Errno> {
    let mut attr = TestRun {
        prog_fd: raw(prog),
        data_size_in: length(run.data_in)?,
        data_size_out: length(run.data_out)?,
        data_in: address(run.data_in),
        data_out: address_mut(run.data_out),
        repeat: run.repeat,
        ctx_size_in: length(run.ctx_in)?,
        ctx_size_out: length(run.ctx_out)?,
        ctx_in: address_mut(run.ctx_in),
        ctx_out: address_mut(run.ctx_out),
        flags: run.flags,
        cpu: run.cpu,
        ..Default::default()
    };
    // SAFETY: sizes and addresses are those of slices that outlive the call, mutable where the kernel writes, and an
    // address is 0 where there are no bytes, as the kernel takes an output's size of 0 for no limit.
    let cut = match unsafe { sys_bpf(BPF_PROG_TEST_RUN, &mut attr) } {
        Ok(_) => false,
        // Without room for output there is none to cut.
        Err(Errno::ENOSPC) if attr.data_out != 0 || attr.ctx_out != 0 => true,
        Err(error) => return Err(error),
    };
    Ok(Ran {
        retval: attr.retval,
        duration: attr.duration,
        data_size: attr.data_size_out as usize,
        ctx_size: attr.ctx_size_out as usize,
        cut,
    })
}

/// `BPF_RAW_TRACEPOINT_OPEN`; without a name, for programs that know their target since they were loaded.
pub(crate) fn raw_tracepoint_open(name: Option<&CStr>, prog: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let name = name.map_or(0, |name| address(name.to_bytes_with_nul()));
    let mut attr = RawTracepoint { name, prog_fd: raw(prog), pad: 0 };
    // SAFETY: the name ends with a 0 and outlives the call.
    unsafe { sys_bpf_fd(BPF_RAW_TRACEPOINT_OPEN, &mut attr) }
}

/// `BPF_LINK_CREATE` for a target that is a number: a descriptor, an interface's index, or 0 for none.
pub(crate) fn link_create(
    prog: BorrowedFd<'_>,
    target: u32,
    attach_type: AttachType,
    flags: u32,
    cookie: u64,
) -> Result<OwnedFd, Errno> {
    let mut attr = LinkCreate { prog_fd: raw(prog), target_fd: target, attach_type, flags, bpf_cookie: cookie };
    // The kernel refuses bytes that the kind of link does not know, but for a cookie of 0.
    // SAFETY: the struct has no address. For an iterator `bpf_cookie` would be one, which `iter_info_len`, 0 as the
    // kernel fills up what is not given, keeps from being read.
    unsafe { sys_bpf_fd(BPF_LINK_CREATE, &mut attr) }
}

/// Where in a binary, for [`link_create_uprobe_multi`]. The slices are as long as `offsets`, or empty.
#[derive(Default)]
pub(crate) struct UprobeMulti<'a> {
    pub(crate) attach_type: AttachType,
    pub(crate) path: &'a CStr,
    pub(crate) offsets: &'a [u64],
    pub(crate) ref_ctr_offsets: &'a [u64],
    pub(crate) cookies: &'a [u64],
    pub(crate) flags: u32,
    pub(crate) pid: u32,
}

/// `BPF_LINK_CREATE` of many places in a binary; `EINVAL` if the slices are not of one length.
pub(crate) fn link_create_uprobe_multi(prog: BorrowedFd<'_>, probes: &UprobeMulti<'_>) -> Result<OwnedFd, Errno> {
    let cnt = length(probes.offsets)?;
    if [probes.ref_ctr_offsets, probes.cookies].iter().any(|words| !words.is_empty() && words.len() != cnt as usize) {
        return Err(Errno::EINVAL);
    }
    let mut attr = LinkCreateUprobeMulti {
        prog_fd: raw(prog),
        attach_type: probes.attach_type,
        path: address(probes.path.to_bytes_with_nul()),
        offsets: address(probes.offsets),
        ref_ctr_offsets: address(probes.ref_ctr_offsets),
        cookies: address(probes.cookies),
        cnt,
        uprobe_flags: probes.flags,
        pid: probes.pid,
        ..Default::default()
    };
    // SAFETY: the path ends with a 0, the slices have `cnt` words each or their address is 0, and all outlive the call.
    unsafe { sys_bpf_fd(BPF_LINK_CREATE, &mut attr) }
}

/// `BPF_LINK_CREATE` of many functions, by their ids in the BTF that the program was loaded for; `EINVAL` if there are
/// cookies, but not as many.
pub(crate) fn link_create_tracing_multi(
    prog: BorrowedFd<'_>,
    attach_type: AttachType,
    ids: &[u32],
    cookies: &[u64],
) -> Result<OwnedFd, Errno> {
    if !cookies.is_empty() && cookies.len() != ids.len() {
        return Err(Errno::EINVAL);
    }
    let mut attr = LinkCreateTracingMulti {
        prog_fd: raw(prog),
        attach_type,
        ids: address(ids),
        cookies: address(cookies),
        cnt: length(ids)?,
        ..Default::default()
    };
    // SAFETY: the slices have `cnt` elements each or their address is 0, and outlive the call.
    unsafe { sys_bpf_fd(BPF_LINK_CREATE, &mut attr) }
}

/// What an iterator is to walk; as [`link_create_iter`] takes it.
#[derive(Clone, Copy)]
pub(crate) enum IterOver<'a> {
    /// What its program says, all of it.
    All,
    /// The elements of a map.
    Map(BorrowedFd<'a>),
    Cgroup(IterCgroupInfo),
    Task(IterTaskInfo),
}

/// `BPF_LINK_CREATE` of an iterator.
pub(crate) fn link_create_iter(prog: BorrowedFd<'_>, over: IterOver<'_>) -> Result<OwnedFd, Errno> {
    match over {
        IterOver::All => iter_with(prog, &[] as &[IterMapInfo]),
        IterOver::Map(map) => iter_with(prog, &[IterMapInfo { map_fd: raw(map), pad: [0; 3] }]),
        IterOver::Cgroup(info) => iter_with(prog, &[info]),
        IterOver::Task(info) => iter_with(prog, &[info]),
    }
}

/// With one `union bpf_iter_link_info`, or none.
fn iter_with<T>(prog: BorrowedFd<'_>, info: &[T]) -> Result<OwnedFd, Errno> {
    let mut attr = LinkCreateIter {
        prog_fd: raw(prog),
        attach_type: BPF_TRACE_ITER,
        iter_info: address(info),
        iter_info_len: size_of_val(info) as u32,
        ..Default::default()
    };
    // SAFETY: `info` outlives the call and is as long as said.
    unsafe { sys_bpf_fd(BPF_LINK_CREATE, &mut attr) }
}

/// `BPF_ITER_CREATE`.
pub(crate) fn iter_create(link: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let mut attr = IterCreate { link_fd: raw(link), flags: 0 };
    // SAFETY: no address.
    unsafe { sys_bpf_fd(BPF_ITER_CREATE, &mut attr) }
}

/// `BPF_LINK_UPDATE` of a struct_ops map's link: `map` takes the place of the one before.
pub(crate) fn link_update_map(link: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut attr = LinkUpdate { link_fd: raw(link), new_map_fd: raw(map), ..Default::default() };
    // SAFETY: no address.
    unsafe { sys_bpf(BPF_LINK_UPDATE, &mut attr) }.map(drop)
}

/// `BPF_PROG_BIND_MAP`: the program keeps the map as one that it uses.
pub(crate) fn prog_bind_map(prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut attr = ProgBindMap { prog_fd: raw(prog), map_fd: raw(map), flags: 0 };
    // SAFETY: no address.
    unsafe { sys_bpf(BPF_PROG_BIND_MAP, &mut attr) }.map(drop)
}

/// `BPF_LINK_DETACH`.
pub(crate) fn link_detach(link: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut attr = LinkDetach { link_fd: raw(link) };
    // SAFETY: no address.
    unsafe { sys_bpf(BPF_LINK_DETACH, &mut attr) }.map(drop)
}

/// `BPF_OBJ_PIN`.
pub(crate) fn obj_pin(fd: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let mut attr = Obj { pathname: address(path.to_bytes_with_nul()), bpf_fd: raw(fd), file_flags: 0 };
    // SAFETY: the path ends with a 0 and outlives the call.
    unsafe { sys_bpf(BPF_OBJ_PIN, &mut attr) }.map(drop)
}

/// `BPF_OBJ_GET`.
pub(crate) fn obj_get(path: &CStr) -> Result<OwnedFd, Errno> {
    let mut attr = Obj { pathname: address(path.to_bytes_with_nul()), ..Default::default() };
    // SAFETY: the path ends with a 0 and outlives the call.
    unsafe { sys_bpf_fd(BPF_OBJ_GET, &mut attr) }
}

/// `BPF_OBJ_GET_INFO_BY_FD` of a map; of anything else numbers that mean nothing, which no command on elements takes.
pub(crate) fn map_info(map: BorrowedFd<'_>) -> Result<MapInfo, Errno> {
    let mut info = MapInfo::default();
    let mut attr = Info {
        bpf_fd: raw(map),
        info_len: size_of::<MapInfo>() as u32,
        info: ptr::from_mut(&mut info).expose_provenance() as u64,
    };
    // SAFETY: `info` is as long as said, of integers only, and outlives the call. What the struct of a program or link
    // has for addresses to write to is 0.
    unsafe { sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr) }?;
    Ok(info)
}

/// `BPF_OBJ_GET_INFO_BY_FD` of a program: the id of its BTF, 0 if it has none.
pub(crate) fn prog_btf_id(prog: BorrowedFd<'_>) -> Result<u32, Errno> {
    let mut info = ProgInfo::default();
    let mut attr = Info {
        bpf_fd: raw(prog),
        info_len: size_of::<ProgInfo>() as u32,
        info: ptr::from_mut(&mut info).expose_provenance() as u64,
    };
    // SAFETY: `info` is as long as said, of integers only, and outlives the call; the lengths and addresses in it are 0.
    unsafe { sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr) }?;
    Ok(info.btf_id)
}

/// `BPF_BTF_GET_NEXT_ID`: the id after `last`.
pub(crate) fn btf_get_next_id(last: u32) -> Result<u32, Errno> {
    let mut attr = GetFdById { id: last, ..Default::default() };
    // SAFETY: no address.
    unsafe { sys_bpf(BPF_BTF_GET_NEXT_ID, &mut attr) }?;
    Ok(attr.next_id)
}

/// `BPF_BTF_GET_FD_BY_ID`.
pub(crate) fn btf_by_id(id: u32) -> Result<OwnedFd, Errno> {
    let mut attr = GetFdById { id, ..Default::default() };
    // SAFETY: no address.
    unsafe { sys_bpf_fd(BPF_BTF_GET_FD_BY_ID, &mut attr) }
}

/// The bytes of BTF in the kernel.
pub(crate) fn btf_bytes(btf: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; btf_info(btf, &mut [], &mut [])?.btf_size as usize];
    let info = btf_info(btf, &mut bytes, &mut [])?;
    bytes.truncate(info.btf_size as usize);
    Ok(bytes)
}

/// The name of the module that BTF is of; `vmlinux` for the kernel's; empty for what a process has loaded.
pub(crate) fn btf_name(btf: BorrowedFd<'_>) -> Result<String, Errno> {
    // A module's name has at most 55 bytes.
    let mut name = [0; 64];
    btf_info(btf, &mut [], &mut name)?;
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// `BPF_OBJ_GET_INFO_BY_FD` of a module's BTF: the module's name, and the BTF; `None` of any other.
pub(crate) fn module_btf(fd: BorrowedFd<'_>) -> Result<Option<(String, Vec<u8>)>, Errno> {
    let name = btf_name(fd)?;
    if btf_info(fd, &mut [], &mut [])?.kernel_btf == 0 || name == "vmlinux" {
        return Ok(None);
    }
    Ok(Some((name, btf_bytes(fd)?)))
}

/// The number of the BTF behind `fd`, by which the kernel knows it.
pub(crate) fn btf_id(fd: BorrowedFd<'_>) -> Result<u32, Errno> {
    btf_info(fd, &mut [], &mut []).map(|info| info.id)
}

/// `BPF_OBJ_GET_INFO_BY_FD` of BTF, with as many of its bytes as `bytes` can take.
fn btf_info(btf: BorrowedFd<'_>, bytes: &mut [u8], name: &mut [u8]) -> Result<BtfInfo, Errno> {
    let mut info = BtfInfo {
        btf: address_mut(bytes),
        btf_size: length(bytes)?,
        name: address_mut(name),
        name_len: length(name)?,
        ..Default::default()
    };
    let mut attr = Info {
        bpf_fd: raw(btf),
        info_len: size_of::<BtfInfo>() as u32,
        info: ptr::from_mut(&mut info).expose_provenance() as u64,
    };
    // SAFETY: `info` and the slices are as long as said, mutable, and outlive the call.
    unsafe { sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr) }?;
    Ok(info)
}
