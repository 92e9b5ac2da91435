//! libbpf, as it comes with Linux 7.3, with its default options.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{io, ptr};

use crate::outcome::{Outcome, Refusal, Stage};
use crate::snapshot::{Registered, SCHEDULER, STRUCT_OPS, Snapshot};

#[repr(C)]
struct BpfObject([u8; 0]);
#[repr(C)]
struct BpfProgram([u8; 0]);
#[repr(C)]
struct BpfMap([u8; 0]);
#[repr(C)]
struct BpfLink([u8; 0]);
#[repr(C)]
struct Btf([u8; 0]);

/// The start of `struct btf_type`.
#[repr(C)]
struct BtfType {
    name_off: u32,
}

/// `va_list`, as it is passed on x86_64.
type VaList = *mut c_void;

#[link(name = "bpf", kind = "static")]
unsafe extern "C" {
    fn libbpf_set_print(print: extern "C" fn(c_int, *const c_char, VaList) -> c_int) -> *mut c_void;
    fn bpf_object__open_file(path: *const c_char, opts: *const c_void) -> *mut BpfObject;
    fn bpf_object__load(object: *mut BpfObject) -> c_int;
    fn bpf_object__close(object: *mut BpfObject);
    fn bpf_object__next_program(object: *const BpfObject, before: *mut BpfProgram) -> *mut BpfProgram;
    fn bpf_object__next_map(object: *const BpfObject, before: *const BpfMap) -> *mut BpfMap;
    fn bpf_program__name(program: *const BpfProgram) -> *const c_char;
    fn bpf_program__fd(program: *const BpfProgram) -> c_int;
    fn bpf_program__set_autoload(program: *mut BpfProgram, autoload: bool) -> c_int;
    fn bpf_map__name(map: *const BpfMap) -> *const c_char;
    fn bpf_map__fd(map: *const BpfMap) -> c_int;
    fn bpf_map__is_internal(map: *const BpfMap) -> bool;
    fn bpf_map__type(map: *const BpfMap) -> u32;
    fn bpf_map__btf_value_type_id(map: *const BpfMap) -> u32;
    fn bpf_map__attach_struct_ops(map: *const BpfMap) -> *mut BpfLink;
    fn bpf_link__destroy(link: *mut BpfLink) -> c_int;
    fn bpf_object__btf(object: *const BpfObject) -> *const Btf;
    fn btf__type_by_id(btf: *const Btf, id: u32) -> *const BtfType;
    fn btf__name_by_offset(btf: *const Btf, offset: u32) -> *const c_char;
}

// What libbpf needs, behind it.
#[link(name = "elf", kind = "static")]
unsafe extern "C" {}
#[link(name = "z", kind = "static")]
unsafe extern "C" {}

unsafe extern "C" {
    fn vsnprintf(buffer: *mut c_char, size: usize, format: *const c_char, args: VaList) -> c_int;
}

thread_local! {
    /// What libbpf has said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps warnings, `LIBBPF_WARN`; the other levels tell what it does.
extern "C" fn print(level: c_int, format: *const c_char, args: VaList) -> c_int {
    if level != 0 {
        return 0;
    }
    // The list is read to its end each time, so each time needs one of its own.
    // SAFETY: on x86_64 a `va_list` is a struct of this size, which libbpf points to.
    let list = unsafe { *args.cast::<[u64; 3]>() };
    let (mut first, mut second) = (list, list);
    // SAFETY: no room is needed to ask for the length; format and arguments are libbpf's, and fit each other.
    let length = unsafe { vsnprintf(ptr::null_mut(), 0, format, first.as_mut_ptr().cast()) };
    let mut buffer = vec![0u8; usize::try_from(length).unwrap_or_default() + 1];
    let to = buffer.as_mut_ptr().cast();
    // SAFETY: the buffer is as long as is said; the rest as above.
    unsafe { vsnprintf(to, buffer.len(), format, second.as_mut_ptr().cast()) };
    let text = CStr::from_bytes_until_nul(&buffer).unwrap_or_default().to_string_lossy();
    SAID.with_borrow_mut(|said| said.push_str(&text));
    0
}

/// Opens an object.
pub(crate) struct Object(*mut BpfObject);

impl Object {
    pub(crate) fn open(path: &Path) -> Result<Object, Refusal> {
        // SAFETY: the function lives as long as the process.
        unsafe { libbpf_set_print(print) };
        SAID.take();
        let path = CString::new(path.as_os_str().as_bytes()).expect("a path has no byte 0");
        // SAFETY: the path is a string; no options are the default ones.
        let object = unsafe { bpf_object__open_file(path.as_ptr(), ptr::null()) };
        if object.is_null() {
            return Err(refusal(Stage::Open, io::Error::last_os_error()));
        }
        Ok(Object(object))
    }

    /// The programs' names.
    pub(crate) fn program_names(&self) -> Vec<String> {
        // SAFETY: they are programs of an object that is open.
        self.programs().map(|program| string(unsafe { bpf_program__name(program) })).collect()
    }

    /// Loads no program but number `only`.
    pub(crate) fn select(&self, only: usize) {
        for (index, program) in self.programs().enumerate() {
            // SAFETY: it is a program of an object that is open and not loaded.
            unsafe { bpf_program__set_autoload(program, index == only) };
        }
    }

    /// Loads it and, if that is asked for, registers its struct_ops maps one after the other.
    pub(crate) fn load(&self, register: bool) -> Outcome {
        // SAFETY: the object is open.
        let result = unsafe { bpf_object__load(self.0) };
        if result != 0 {
            return Outcome::Refused(refusal(Stage::Load, io::Error::from_raw_os_error(-result)));
        }
        let maps: Vec<_> = self.maps().filter_map(|map| Some((map_name(map), borrowed(map_fd(map))?))).collect();
        let fds = self.programs().map(|program| {
            // SAFETY: it is a program of an object that is open.
            borrowed(unsafe { bpf_program__fd(program) })
        });
        let programs: Vec<_> = self.program_names().into_iter().zip(fds).collect();
        let mut snapshot = Snapshot::take(&maps, &programs);
        if let (Ok(snapshot), true) = (&mut snapshot, register) {
            let created = self.maps().filter(|map| map_type(*map) == STRUCT_OPS && map_fd(*map) >= 0);
            created.for_each(|map| snapshot.registered(&map_name(map), &self.register(map)));
        }
        Outcome::of_snapshot(snapshot)
    }

    /// Registers a struct_ops map, and takes that back.
    fn register(&self, map: *mut BpfMap) -> Registered {
        if self.struct_name(map) == SCHEDULER {
            return Registered::NotTried;
        }
        // SAFETY: it is a map of an object that is open.
        let link = unsafe { bpf_map__attach_struct_ops(map) };
        if link.is_null() {
            return Registered::Refused(io::Error::last_os_error());
        }
        // SAFETY: libbpf has just made it, and nobody else has it.
        unsafe { bpf_link__destroy(link) };
        Registered::Yes
    }

    /// The name of a struct_ops map's struct.
    fn struct_name(&self, map: *const BpfMap) -> String {
        // SAFETY: the object is open, and an object with such a map has BTF.
        let btf = unsafe { bpf_object__btf(self.0) };
        // SAFETY: it is a map of an object that is open.
        let id = unsafe { bpf_map__btf_value_type_id(map) };
        // SAFETY: the BTF lives as long as the object.
        let struct_type = unsafe { btf__type_by_id(btf, id) };
        // SAFETY: libbpf has read the struct's name by this id when it opened the object.
        let name_off = unsafe { (*struct_type).name_off };
        // SAFETY: as above.
        string(unsafe { btf__name_by_offset(btf, name_off) })
    }

    fn programs(&self) -> impl Iterator<Item = *mut BpfProgram> {
        // SAFETY: the object is open, and what comes before is one of its programs or null.
        let next = |before| unsafe { bpf_object__next_program(self.0, before) };
        std::iter::successors(Some(next(ptr::null_mut())), move |&before| Some(next(before)))
            .take_while(|program| !program.is_null())
    }

    fn maps(&self) -> impl Iterator<Item = *mut BpfMap> {
        // SAFETY: the object is open, and what comes before is one of its maps or null.
        let next = |before: *mut BpfMap| unsafe { bpf_object__next_map(self.0, before) };
        std::iter::successors(Some(next(ptr::null_mut())), move |&before| Some(next(before)))
            .take_while(|map| !map.is_null())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody else has it.
        unsafe { bpf_object__close(self.0) };
    }
}

/// A data section's map is called as its section: libbpf puts a piece of the object's name in front of some.
fn map_name(map: *mut BpfMap) -> String {
    // SAFETY: it is a map of an object that is open.
    let name = string(unsafe { bpf_map__name(map) });
    // SAFETY: as above.
    let internal = unsafe { bpf_map__is_internal(map) };
    match name.find('.') {
        Some(dot) if internal => name[dot..].to_owned(),
        _ => name,
    }
}

fn map_type(map: *mut BpfMap) -> u32 {
    // SAFETY: it is a map of an object that is open.
    unsafe { bpf_map__type(map) }
}

fn map_fd(map: *mut BpfMap) -> c_int {
    // SAFETY: it is a map of an object that is open.
    unsafe { bpf_map__fd(map) }
}

fn borrowed<'fd>(fd: c_int) -> Option<BorrowedFd<'fd>> {
    // SAFETY: libbpf keeps it open while the object is.
    (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
}

fn string(text: *const c_char) -> String {
    // SAFETY: libbpf's names are strings, and live as long as the object.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// What is refused if the kernel lacks a symbol or a struct that the object declares, or does not tell how it is configured.
pub(crate) const LACKING: &str = "what the kernel lacks";

/// What was refused, as libbpf's words tell it.
fn refusal(stage: Stage, error: io::Error) -> Refusal {
    let said = SAID.take();
    let lines = || said.lines().filter_map(|line| line.strip_prefix("libbpf: "));
    // "prog 'NAME': BPF program load failed: Invalid argument", and words about maps.
    let named = |line: &str, kind: &str| {
        let (name, rest) = line.strip_prefix(kind)?.strip_prefix(" '")?.split_once("': ")?;
        ["load failed", "failed to", "missing", "can't"].iter().any(|word| rest.contains(word)).then(|| name.to_owned())
    };
    // "extern (func ksym) 'NAME': not found in kernel or module BTFs", "struct_ops init_kern: struct NAME is not found in
    // kernel BTF". Several can be lacking, and either may find another first.
    let lacking = |line: &str| {
        let symbol =
            line.starts_with("extern ") && (line.contains("not found in kernel") || line.ends_with("not resolved"));
        let lacking = symbol || line.starts_with("struct_ops init_kern") || line == "failed to open system Kconfig";
        lacking.then(|| LACKING.to_owned())
    };
    let subject = lines().find_map(|line| {
        let [prog, map] = ["prog", "map"].map(|kind| Some(format!("{kind} {}", named(line, kind)?)));
        prog.or(map).or_else(|| lacking(line))
    });
    let log =
        said.split_once("-- BEGIN PROG LOAD LOG --\n").and_then(|(_, rest)| rest.split_once("-- END PROG LOAD LOG --"));
    let words = match log {
        Some((log, _)) if !log.trim().is_empty() => last_words(log),
        _ => lines().next().unwrap_or_default().to_owned(),
    };
    let subject = subject.unwrap_or_default();
    // What is looked for in the kernel's BTF is not there.
    let own = subject == LACKING || error.raw_os_error() == Some(libc::ESRCH);
    Refusal {
        stage,
        subject,
        errno: error.raw_os_error().filter(|_| !own).unwrap_or_default(),
        verified: log.is_some_and(|(log, _)| !log.trim().is_empty()),
        words,
    }
}

/// Why the verifier refused: the last line of its log that is not statistics.
pub(crate) fn last_words(log: &str) -> String {
    let statistics = ["processed ", "verification time ", "stack depth ", "max_states_per_insn ", "insns processed"];
    let useful = |line: &&str| !line.trim().is_empty() && !statistics.iter().any(|start| line.starts_with(start));
    log.lines().rev().find(useful).unwrap_or_default().to_owned()
}
