//! How many bytes a value costs: what the kernel reads and writes for each flag, and which flags the runtime gives.
//!
//! The benchmark's tables take their bytes from the same [`value_bytes`].

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use skelgen_abi::attr::{MapCreate, MapElem};
use skelgen_runtime::uapi::*;
use skelgen_runtime::{PerCpuMap, PerCpuValues, Update, cpus, features};
use skelgen_tests::copied::value_bytes;
use skelgen_tests::traced::{begin, element_commands};
use skelgen_tests::{in_own_process, is_from, kernel_version, matrix, may_load};

const TYPES: [MapType; 3] = [BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH];
/// Whole numbers of 8 bytes, and others, up to more than a page.
const SIZES: [usize; 6] = [1, 8, 12, 64, 1024, 5000];

/// A map of `map_type` with one element, of zeroes.
fn create(map_type: MapType, value_size: usize) -> OwnedFd {
    // LRU lists want more than one element.
    let max_entries = if map_type == BPF_MAP_TYPE_LRU_PERCPU_HASH { 64 } else { 1 };
    let attr = MapCreate { map_type, key_size: 4, value_size: value_size as u32, max_entries, ..MapCreate::default() };
    // SAFETY: the attr is as long as is said, and holds no addresses.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE.0, &raw const attr, size_of_val(&attr)) };
    assert!(fd >= 0, "{}", io::Error::last_os_error());
    // SAFETY: the kernel just opened it, and nothing else knows it.
    let map = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    let mut memory = Guarded::new(value_size.next_multiple_of(8) * cpus::possible().unwrap().count());
    element(&map, BPF_MAP_UPDATE_ELEM, memory.last(memory.len).as_mut_ptr(), 0).unwrap();
    map
}

/// One command for the element at key 0, whatever the length of what is at `value`; the error is an errno.
fn element(map: &OwnedFd, command: Command, value: *mut u8, flags: u64) -> Result<(), i32> {
    let key = 0u32;
    let (key, value) = ((&raw const key).expose_provenance() as u64, value.expose_provenance() as u64);
    let attr = MapElem { map_fd: map.as_raw_fd().cast_unsigned(), pad: 0, key, value, flags };
    // SAFETY: the attr is as long as is said. The value ends where no memory can be reached, so that the kernel can
    // write nothing else; it says EFAULT instead.
    match unsafe { libc::syscall(libc::SYS_bpf, command.0, &raw const attr, size_of_val(&attr)) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error().raw_os_error().unwrap()),
    }
}

/// Zeroes, followed by a page that cannot be reached.
struct Guarded {
    start: *mut u8,
    len: usize,
    whole: usize,
}

const PAGE: usize = 4096;

impl Guarded {
    fn new(len: usize) -> Guarded {
        let whole = len.next_multiple_of(PAGE) + PAGE;
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory, at an address of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), whole, protection, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        let start = start.cast::<u8>();
        let last = start.wrapping_add(whole - PAGE);
        // SAFETY: the last page of it, to which nothing points.
        assert_eq!(unsafe { libc::mprotect(last.cast(), PAGE, libc::PROT_NONE) }, 0);
        Guarded { start, len: whole - PAGE, whole }
    }

    /// The last `len` bytes.
    fn last(&mut self, len: usize) -> &mut [u8] {
        assert!(len <= self.len);
        // SAFETY: `len` is all that can be read and written, and `self` is borrowed.
        let all = unsafe { std::slice::from_raw_parts_mut(self.start, self.len) };
        &mut all[self.len - len..]
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nothing borrows from it any more.
        unsafe { libc::munmap(self.start.cast(), self.whole) };
    }
}

/// Whether the kernel has the flags, as its version says where that is known.
fn has_flags() -> bool {
    let has = features::probe().unwrap().all_cpus;
    assert!(matrix().is_none() || has == (is_from("BPF_F_CPU, BPF_F_ALL_CPUS")));
    has
}

#[test]
fn the_kernel_reads_and_writes_these_bytes_and_no_more() {
    if !may_load() {
        return;
    }
    let possible = cpus::possible().unwrap();
    let one_cpu = BPF_F_CPU | u64::from(possible.last()) << 32;
    let (read, write) = (BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM);
    let all = [(read, 0), (write, 0), (read, one_cpu), (write, one_cpu), (write, BPF_F_ALL_CPUS)];
    for (map_type, size) in TYPES.into_iter().flat_map(|map_type| SIZES.map(|size| (map_type, size))) {
        let map = create(map_type, size);
        for (command, flags) in all.into_iter().filter(|&(_, flags)| flags == 0 || has_flags()) {
            let what = format!("{command} with flags {flags:#x}, {map_type}, {size} bytes");
            let bytes = value_bytes(flags, size, possible.count());
            let mut memory = Guarded::new(bytes + 1);
            memory.last(bytes + 1).fill(0xa5);
            let whole = element(&map, command, memory.last(bytes).as_mut_ptr(), flags);
            // So many are enough, and one less is not: the kernel ran into the page behind them.
            assert_eq!(whole, Ok(()), "{what}");
            assert_eq!(memory.last(bytes + 1)[0], 0xa5, "{what}");
            let less = element(&map, command, memory.last(bytes - 1).as_mut_ptr(), flags);
            assert_eq!(less, Err(libc::EFAULT), "{what}");
        }
    }
}

/// Of each operation, whether its commands write, and their flags without the CPU's number.
type Commands = Vec<(String, Vec<(bool, u64)>)>;

/// The commands of what `f` begins, but for its `setup`.
fn commands(f: impl FnOnce()) -> Commands {
    let mut operations = Commands::new();
    for command in element_commands(f).unwrap() {
        let flags = command.flags & u64::from(u32::MAX);
        match operations.last_mut() {
            Some((operation, commands)) if *operation == command.during => commands.push((command.is_update, flags)),
            _ => operations.push((command.during, vec![(command.is_update, flags)])),
        }
    }
    operations.retain(|(operation, _)| operation != "setup");
    operations
}

/// What each operation gives the kernel.
fn operate(map: &PerCpuMap<u32, [u64; 8]>, cpu: u32) {
    begin("setup");
    // What is found out once in a process: what the kernel can do, and that it has as many CPUs.
    map.set(&0, cpu, &[1; 8]).unwrap();
    map.values(&0).unwrap();
    begin("get");
    assert_eq!(map.get(&0, cpu).unwrap(), Some([1; 8]));
    begin("set");
    map.set(&0, cpu, &[2; 8]).unwrap();
    begin("set_all");
    map.set_all(&0, &[3; 8]).unwrap();
    begin("update_all");
    map.update_all(&0, &[3; 8], Update::Existing).unwrap();
    begin("values");
    let mut values = map.values(&0).unwrap().unwrap();
    begin("values_into");
    assert!(map.values_into(&0, &mut values).unwrap());
    assert_eq!(values, PerCpuValues::from_fn(map.cpus(), |_| [3; 8]));
    begin("set_values");
    map.set_values(&0, &values).unwrap();
}

#[test]
fn one_value_is_all_that_is_copied_where_the_kernel_has_the_flags() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let possible = cpus::possible().unwrap();
        for map_type in TYPES {
            let map = PerCpuMap::from_fd(create(map_type, 64), "copied").unwrap();
            let found = commands(|| operate(&map, possible.last()));
            let (get, set_all) = if has_flags() { (BPF_F_CPU, BPF_F_ALL_CPUS) } else { (0, 0) };
            // Any write to an array is to an existing element; a hash has to be told.
            let update_all = match map_type {
                BPF_MAP_TYPE_PERCPU_ARRAY if has_flags() => BPF_F_ALL_CPUS,
                _ => BPF_EXIST,
            };
            // What was read is written back to an element that is there.
            let read_and_written_back = vec![(false, 0), (true, BPF_EXIST)];
            let set = match (has_flags(), map_type) {
                (false, _) => read_and_written_back,
                (true, BPF_MAP_TYPE_PERCPU_HASH) if makes_unclean_elements(&found) => {
                    vec![(false, BPF_F_CPU), (true, BPF_F_CPU)]
                }
                (true, BPF_MAP_TYPE_LRU_PERCPU_HASH) if makes_unclean_elements(&found) => read_and_written_back,
                (true, _) => vec![(true, BPF_F_CPU)],
            };
            let all = [
                ("get", vec![(false, get)]),
                ("set", set),
                ("set_all", vec![(true, set_all)]),
                ("update_all", vec![(true, update_all)]),
                ("values", vec![(false, 0)]),
                ("values_into", vec![(false, 0)]),
                ("set_values", vec![(true, 0)]),
            ];
            assert_eq!(found, all.map(|(operation, commands)| (operation.to_owned(), commands)), "{map_type}");
        }
    });
}

/// The first write proves the number of CPUs by reading the element twice; the next ones are one command each.
#[test]
fn a_process_that_only_writes_proves_the_number_of_cpus_once() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        for map_type in TYPES {
            let map = PerCpuMap::<u32, [u64; 8]>::from_fd(create(map_type, 64), "copied").unwrap();
            let values = PerCpuValues::from_fn(map.cpus(), |cpu| [u64::from(cpu); 8]);
            let found = commands(|| {
                begin("first");
                map.set_values(&0, &values).unwrap();
                begin("second");
                map.set_values(&0, &values).unwrap();
            });
            let [first, second] = [vec![(true, 0), (false, 0), (false, 0)], vec![(true, 0)]];
            assert_eq!(found, [("first".to_owned(), first), ("second".to_owned(), second)], "map type {map_type}");
        }
    });
}

/// Whether the kernel is one whose `BPF_F_CPU` makes unclean elements of a hash, as that of 7.0 and 7.1 does. One that is
/// not of the matrix may have the mend.
fn makes_unclean_elements(found: &Commands) -> bool {
    let may = kernel_version() < (7, 2) && cpus::possible().unwrap().count() > 1;
    may && (matrix().is_some() || found.iter().any(|(operation, commands)| operation == "set" && commands.len() == 2))
}
