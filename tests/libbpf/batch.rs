//! libbpf's commands on many elements of a per-CPU map. libbpf-rs refuses to read such maps so, and when it writes them
//! takes a value to be one CPU's, which it is with the flags of Linux 7.0 only.

use std::os::fd::{AsFd, AsRawFd};
use std::{io, ptr};

use libbpf_rs::libbpf_sys::{self, bpf_map_batch_opts};
use libbpf_rs::{MapCore, MapHandle, num_possible_cpus};
use skelgen_runtime::uapi::{BPF_F_ALL_CPUS, BPF_F_CPU};

/// Bytes of a value in a command with these flags.
fn value_len(map: &MapHandle, elem_flags: u64) -> usize {
    let one = map.value_size() as usize;
    if elem_flags & (BPF_F_CPU | BPF_F_ALL_CPUS) != 0 {
        return one;
    }
    one.next_multiple_of(8) * num_possible_cpus().unwrap()
}

fn opts(elem_flags: u64) -> bpf_map_batch_opts {
    let sz = size_of::<bpf_map_batch_opts>() as libbpf_sys::size_t;
    bpf_map_batch_opts { sz, elem_flags, ..Default::default() }
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(()) }
}

/// All elements.
pub(crate) fn lookup(map: &MapHandle, elem_flags: u64) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut count = map.max_entries();
    let (key_len, value_len) = (map.key_size() as usize, value_len(map, elem_flags));
    let mut keys = vec![0; count as usize * key_len];
    let mut values = vec![0; count as usize * value_len];
    let mut cursor = vec![0; key_len.max(4)];
    let (fd, opts) = (map.as_fd().as_raw_fd(), opts(elem_flags));
    let (keys_at, values_at) = (keys.as_mut_ptr().cast(), values.as_mut_ptr().cast());
    let next = cursor.as_mut_ptr().cast::<u8>().cast();
    // SAFETY: there is room for `count` keys and values, as long as the kernel takes them to be with these flags, and for
    // the cursor, of which it is 4 bytes or a key.
    let result = unsafe {
        libbpf_sys::bpf_map_lookup_batch(fd, ptr::null_mut(), next, keys_at, values_at, &raw mut count, &raw const opts)
    };
    match check(result) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // The end of the map.
        _ => {}
    }
    let elements = keys.chunks_exact(key_len).zip(values.chunks_exact(value_len)).take(count as usize);
    Ok(elements.map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
}

/// Writes elements.
pub(crate) fn update(map: &MapHandle, elements: &[(Vec<u8>, Vec<u8>)], elem_flags: u64) -> io::Result<()> {
    let (key_len, value_len) = (map.key_size() as usize, value_len(map, elem_flags));
    assert!(elements.iter().all(|(key, value)| (key.len(), value.len()) == (key_len, value_len)));
    let (keys, values): (Vec<_>, Vec<_>) =
        elements.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).unzip();
    let (keys, values) = (keys.concat(), values.concat());
    let mut count = elements.len() as u32;
    let (fd, opts) = (map.as_fd().as_raw_fd(), opts(elem_flags));
    let (keys_at, values_at) = (keys.as_ptr().cast(), values.as_ptr().cast());
    // SAFETY: there are `count` keys and values, as long as the kernel takes them to be with these flags.
    check(unsafe { libbpf_sys::bpf_map_update_batch(fd, keys_at, values_at, &raw mut count, &raw const opts) })
}
