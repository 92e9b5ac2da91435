//! How many arguments each helper takes.
//!
//! The counts are those of the prototypes in the comment above `enum bpf_func_id` in `include/uapi/linux/bpf.h`.
//! The list is closed: since Linux 6.2 the kernel gets new functions as kfuncs only.

use super::regs::Regs;

/// `bpf_map_lookup_elem`
pub(super) const MAP_LOOKUP_ELEM: i32 = 1;
/// `bpf_trace_printk`
const TRACE_PRINTK: i32 = 6;
/// `bpf_tail_call`
pub(super) const TAIL_CALL: i32 = 12;
/// `bpf_timer_set_callback`
pub(super) const TIMER_SET_CALLBACK: i32 = 170;

/// The number of arguments by helper id, 20 ids a line; id 0 is no helper.
const COUNTS: &[u8; 212] = b"\
    02423020055533002131\
    44221543533323103232\
    21032311254344243522\
    42243254544444434141\
    02425513224431111115\
    54333444215533332104\
    45113053124322221111\
    14443423354142124202\
    03154534132311113414\
    54332101144533231442\
    255333220442";

/// What a call of helper `id` reads: surely, and perhaps.
pub(super) fn reads(id: i32) -> (Regs, Regs) {
    let count = usize::try_from(id).ok().filter(|&id| id != 0).and_then(|id| COUNTS.get(id));
    match count {
        // What the format asks for comes behind the two arguments that the verifier checks.
        Some(_) if id == TRACE_PRINTK => (Regs::first_args(2), Regs::ARGS),
        Some(count) => (Regs::first_args(usize::from(count - b'0')), Regs::NONE),
        None => (Regs::NONE, Regs::ARGS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_prototypes() {
        let table = [
            (MAP_LOOKUP_ELEM, 2),
            (4, 3), // probe_read
            (5, 0), // ktime_get_ns
            (8, 0), // get_smp_processor_id
            (TAIL_CALL, 3),
            (25, 5),  // perf_event_output
            (130, 4), // ringbuf_output
            (165, 5), // snprintf
            (TIMER_SET_CALLBACK, 2),
            (174, 1), // get_attach_cookie
            (181, 4), // loop
            (195, 3), // map_lookup_percpu_elem
            (209, 4), // user_ringbuf_drain
            (210, 4), // cgrp_storage_get
            (211, 2), // cgrp_storage_delete
        ];
        for (id, count) in table {
            assert_eq!(reads(id), (Regs::first_args(count), Regs::NONE), "helper {id}");
        }
    }

    #[test]
    fn of_an_unknown_helper_nothing_is_sure() {
        for id in [i32::MIN, -1, 0, 212, i32::MAX] {
            assert_eq!(reads(id), (Regs::NONE, Regs::ARGS), "helper {id}");
        }
        assert_eq!(reads(TRACE_PRINTK), (Regs::first_args(2), Regs::ARGS));
    }
}
