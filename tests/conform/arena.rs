//! Arenas: where they are in this process' memory, and what is in them.

use std::fs;
use std::ops::Range;

const PAGE: u64 = 4096;

/// Pages that are looked at: so many at the start, and at the end, where variables are.
const PAGES: u64 = 16;

/// Where mapped maps of `size` bytes are, the arena among them.
pub(crate) fn mapped(size: u64) -> Vec<Range<u64>> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let ranges = maps.lines().filter(|line| line.contains("bpf-map") || line.contains("bpf_map")).filter_map(|line| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
    });
    ranges.filter(|range| range.end - range.start == size).collect()
}

/// The pages that are not all zeroes, with where they are in it.
pub(crate) fn pages(range: &Range<u64>) -> Vec<(u64, Vec<u8>)> {
    let count = (range.end - range.start) / PAGE;
    let all = (0..count).filter(|page| *page < PAGES || *page + PAGES >= count);
    let read = all.filter_map(|page| Some((page * PAGE, read(range.start + page * PAGE)?)));
    read.filter(|(_, bytes)| bytes.iter().any(|&byte| byte != 0)).collect()
}

/// A page of this process' own memory, by a system call: an arena may have it that who touches an empty page dies.
fn read(address: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0u8; PAGE as usize];
    let to = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let from = libc::iovec { iov_base: std::ptr::without_provenance_mut(address as usize), iov_len: bytes.len() };
    let this = std::process::id().cast_signed();
    // SAFETY: there is one of each; the kernel checks what it reads from, and has room where it writes.
    let done = unsafe { libc::process_vm_readv(this, &raw const to, 1, &raw const from, 1, 0) };
    (done == PAGE as isize).then_some(bytes)
}
