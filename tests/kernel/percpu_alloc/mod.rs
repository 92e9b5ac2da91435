//! What upstream's test of the flags asserts (`percpu_alloc` of the kernel's BPF selftests), asserted of the runtime on
//! every kernel, and of the kernel itself where it has the flags.
//!
//! ```text
//! typed     PerCpuMap: what the flags do, on all kernels
//! flags     Map's calls with flags, and what they refuse in words before the kernel is asked
//! kernel    what the kernel itself says, asked by bpf(2)
//! create    elements that BPF_F_CPU makes
//! kptr      objects that programs make
//! ```
//!
//! Upstream's subtests `cpu_flag_percpu_array`, `cpu_flag_percpu_hash`, `cpu_flag_lru_percpu_hash` and
//! `cpu_flag_percpu_cgroup_storage` are the tests `…::array`, `…::hash`, `…::lru` and `…::cgroup` here. By the names of
//! their checks:
//!
//! | upstream's check | of the kernel | of the runtime |
//! |---|---|---|
//! | `lookup_elem_flags cpu\|all_cpus`, `update_elem cpu\|all_cpus` | `kernel::both_flags_at_once` | `flags::refusals_are_in_words` |
//! | `lookup_elem_flags all_cpus` | `kernel::all_cpus_is_for_updates` | `flags::refusals_are_in_words` |
//! | `lookup_elem_flags BPF_F_LOCK`, `update_elem BPF_F_LOCK` | `kernel::locks` | `flags::refusals_are_in_words` |
//! | `update_elem -ERANGE`, `lookup_elem_flags -ERANGE` of `bpf_map_*` and `bpf_map__*` | `kernel::an_impossible_cpu` | `flags::refusals_are_in_words`, `typed::an_impossible_cpu_is_refused` |
//! | `update_elem all_cpus`, `update_elem specified cpu`, `lookup_elem specified cpu`, `value on specified cpu` | `kernel::one_cpu_among_all` | `flags::one_cpu_among_all`, `typed::one_cpu_among_all` |
//! | `update_batch -ERANGE` | `kernel::an_impossible_cpu_in_a_batch` | `flags::refusals_are_in_words`, `typed::an_impossible_cpu_is_refused` |
//! | `update_batch all_cpus`, `update_batch specified cpu`, `lookup_batch specified cpu`, `lookup_batch all_cpus`, the `count` and the `value` of each | `kernel::batches_of_one_cpu_and_of_all` | `flags::batches_of_one_cpu_and_of_all`, `typed::batches_of_one_cpu_and_of_all` |
//! | `cpu_flag_create_*`: `update_elem all_cpus`, `delete_elem`, `update_elem specified cpu`, `lookup_elem_flags`, `value` | `create::the_kernel_makes_elements` | `create::set_makes_clean_elements` |
//! | `cpu_flag_array`, `cpu_flag_hash`: `update_elem all_cpus`, `update_batch all_cpus`, `lookup_elem_flags cpu`, `lookup_batch cpu` | `kernel::maps_with_one_value_for_all_cpus` | `flags::maps_with_one_value_for_all_cpus` |
//!
//! The subtests `array` and `cgrp_local_storage` are of per-CPU kptrs: the tests `kptr::array` and `kptr::cgroup`. Of the
//! other two, `array_sleepable` and `failure_tests`, only the verifier is the subject.

mod create;
mod flags;
mod kernel;
mod kptr;
mod typed;

use skelgen_runtime::{Map, Plain, cpus};

/// A value that none begins with.
const VALUE: u32 = 0xdead_c0de;

/// The lowest number that no possible CPU has.
fn impossible() -> u32 {
    cpus::possible().unwrap().last() + 1
}

/// Keys behind each other.
fn joined<K: Plain>(keys: &[K]) -> Vec<u8> {
    keys.iter().flat_map(|key| key.as_bytes().to_vec()).collect()
}

/// Whether the map has commands for many elements.
fn has_batches(map: &Map) -> bool {
    map.map_type() != skelgen_runtime::uapi::BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
}
