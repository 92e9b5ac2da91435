//! Objects as a compiler makes them, of source that asks for what cannot be.

use std::collections::BTreeSet;

use skelgen_tests::fixtures;

use super::{generate, refusal};

/// What a user reads after the object's name.
const REFUSED: [(&str, &str); 31] = [
    (
        "bad/address_in_arena",
        "section .addr_space.1: pointer: byte 8 holds an address, which is known only once it is loaded",
    ),
    ("bad/address_in_data", "section .data: address: byte 8 holds an address, which is known only once it is loaded"),
    (
        "bad/address_in_percpu",
        "section .percpu: address: byte 0 holds an address, which is known only once it is loaded",
    ),
    (
        "bad/arena_faults",
        "section .addr_space.1: arena: with BPF_F_SEGV_ON_FAULT user space cannot write the initial values of the object's \
         variables",
    ),
    (
        "bad/arena_missing",
        "section .addr_space.1: variables in an arena, but no arena (BPF_MAP_TYPE_ARENA) is declared in .maps",
    ),
    ("bad/arena_two", "section .maps: second: a second arena, beside `first`; an object can have one"),
    (
        "bad/common_symbol",
        "section raw_tp: reads_common: insn 0: refers to `tentative`, a common symbol, which has no section: compile with \
         -fno-common, or initialise it",
    ),
    (
        "bad/function_without_btf",
        "section .text: undescribed: .BTF.ext has no func_info for it, but for other functions of the program, and the \
         kernel refuses that: compile it with -g and without __attribute__((nodebug)); write assembly as C",
    ),
    (
        "bad/map_sections",
        "section maps/alone: one section per map, the style of gobpf and old bcc: declare the map in SEC(\".maps\")",
    ),
    ("bad/kconfig_name", "section .kconfig: HZ: names in .kconfig must begin with CONFIG_ or LINUX_"),
    ("bad/kconfig_too_big", "section .kconfig: CONFIG_DEFAULT_HOSTNAME: with it the values would pass 1048576 bytes"),
    (
        "bad/kconfig_type",
        "section .kconfig: CONFIG_HZ: `struct limits`: a value in .kconfig is a bool, a char, an integer of up to 8 \
         bytes, an array of chars or `enum libbpf_tristate`",
    ),
    (
        "bad/kconfig_unknown",
        "section .kconfig: LINUX_HAS_FLUX_CAPACITOR: the LINUX_ names are LINUX_KERNEL_VERSION, \
         LINUX_HAS_BPF_COOKIE, LINUX_HAS_SYSCALL_WRAPPER; declare others __weak to read 0",
    ),
    ("bad/map_size_mismatch", "section .maps: contradiction: `key`: 4 bytes, and 8 bytes elsewhere in the declaration"),
    ("bad/map_without_type", "section .maps: typeless: the declaration has no `type`"),
    (
        "bad/extern_map",
        "section .maps: elsewhere: declared here and defined in another object: link the two with `bpftool gen object`",
    ),
    ("bad/no_btf", "no BTF, which declares the maps: compile with -g, and strip with llvm-strip -g, which keeps BTF"),
    ("bad/percpu_too_big", "section .percpu: 32776 bytes for each CPU; the kernel allocates at most 32768"),
    (
        "bad/reloc_to_license",
        "section raw_tp: reads_licence: insn 2: refers to byte 0 of section license, which is neither code nor a map \
         nor data",
    ),
    (
        "bad/reloc_to_strange_section",
        "section raw_tp: reads_lost: insn 0: refers to byte 0 of section strange, which is neither code nor a map nor \
         data",
    ),
    ("bad/static_map", "section .maps: hidden: a static map; maps must be global"),
    (
        "bad/struct_ops_address",
        "section .struct_ops: wrong: `owner` holds the address of `variable`, but is not a pointer to a function",
    ),
    (
        "bad/struct_ops_wrong_program",
        "section .struct_ops: wrong: `ssthresh` refers to program `of_another_type` of section raw_tp, which is not \
         of struct_ops",
    ),
    (
        "bad/tc_map",
        "section maps: of_tc: a map definition of 36 bytes, as `struct bpf_elf_map` of iproute2 and Cilium; known are \
         `struct bpf_map_def` (20) and aya's (28): declare the map in SEC(\".maps\")",
    ),
    ("bad/unknown_map_attribute", "section .maps: strange: `frobnicate`: not an attribute of a map"),
    (
        "bad/unresolved_extern",
        "section raw_tp: calls_nowhere: insn 1: refers to `nowhere`, which the object declares and does not define; \
         what the kernel has is declared with __ksym, its options with __kconfig",
    ),
    (
        "bad/unresolved_variable",
        "section raw_tp: reads_nowhere: insn 0: refers to `nowhere`, which the object declares and does not define; \
         what the kernel has is declared with __ksym, its options with __kconfig",
    ),
    ("bad/values_of_an_array", "section .maps: plain: `values`: only maps of maps and program arrays have them"),
    (
        "deep_chain",
        "section raw_tp: callee: the call chain down to it needs 544 bytes of stack with the lookup of per-CPU data, \
         and the kernel's limit is 512; with min_kernel 7.3 or newer it needs no lookup",
    ),
    (
        "deep_stack",
        "section raw_tp: deep: needs more than 512 bytes of stack with the lookup of its per-CPU data; with min_kernel \
         7.3 or newer it needs no lookup",
    ),
    (
        "tail_call_stack",
        "section tc: jump: makes a tail call, and the call chain above it needs 256 bytes of stack with the lookup of \
         per-CPU data, and the kernel's limit is 255; with min_kernel 7.3 or newer it needs no lookup",
    ),
];

/// These can be refused only when they are loaded: `kernel` has the tests.
const REFUSED_AT_LOAD: [&str; 4] = ["bad/kconfig_missing", "bad/no_license", "bad/storage_key", "bad/verifier_reject"];

#[test]
fn each_is_refused_in_words_that_say_where() {
    for (name, expected) in REFUSED {
        assert_eq!(refusal(name, &fixtures::bytes(name)), format!("{name}.bpf.o: {expected}"));
    }
}

#[test]
fn every_bad_fixture_is_among_them() {
    let tested = REFUSED.iter().map(|(name, _)| *name).chain(REFUSED_AT_LOAD);
    let tested: BTreeSet<_> = tested.filter(|name| name.starts_with("bad/")).map(str::to_owned).collect();
    assert_eq!(tested, BTreeSet::from_iter(fixtures::bad_names()));
}

#[test]
fn every_other_fixture_is_accepted() {
    let refused = |name: &String| REFUSED.iter().any(|(refused, _)| refused == name);
    let others = fixtures::names().into_iter().filter(|name| !refused(name));
    for name in others.chain(REFUSED_AT_LOAD.map(str::to_owned)) {
        if let Err(error) = generate(&name, &fixtures::bytes(&name)) {
            panic!("{error}");
        }
    }
}
