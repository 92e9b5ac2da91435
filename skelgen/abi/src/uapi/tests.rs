use super::*;
use alloc::string::ToString;

#[test]
fn enumerations_have_no_gaps() {
    assert!(MapType::ALL.iter().enumerate().all(|(at, value)| value.0 as usize == at));
    assert!(ProgType::ALL.iter().enumerate().all(|(at, value)| value.0 as usize == at));
    assert!(AttachType::ALL.iter().enumerate().all(|(at, value)| value.0 as usize == at));
    assert!(Command::ALL.iter().enumerate().all(|(at, value)| value.0 as usize == at));
    assert!(BtfKind::ALL.iter().enumerate().all(|(at, value)| value.0 as usize == at));
}

#[test]
fn the_last_values_have_the_numbers_of_linux_7_3() {
    assert_eq!((BPF_MAP_TYPE_RHASH.0, BPF_PROG_TYPE_NETFILTER.0, BPF_TRACE_FSESSION_MULTI.0), (35, 32, 61));
    assert_eq!((BPF_PROG_ASSOC_STRUCT_OPS.0, BTF_KIND_ENUM64.0, BPF_F_RB_OVERWRITE.0), (38, 19, 1 << 19));
}

#[test]
fn numbers_are_shown_by_name() {
    assert_eq!(BPF_MAP_TYPE_PERCPU_ARRAY.to_string(), "BPF_MAP_TYPE_PERCPU_ARRAY");
    assert_eq!((BPF_PROG_TYPE_XDP.name(), ProgType(999).name()), (Some("BPF_PROG_TYPE_XDP"), None));
    assert_eq!(
        (AttachType(999).to_string(), Command(999).to_string()),
        ("attach type 999".into(), "bpf(2) command 999".into())
    );
}

#[test]
fn numbers_have_the_names_of_tools() {
    assert_eq!(
        (BPF_MAP_TYPE_PERCPU_ARRAY.short().to_string(), MapType(999).short().to_string()),
        ("percpu_array".into(), "999".into())
    );
    assert_eq!(
        (BPF_TRACE_FENTRY.short().to_string(), BPF_PROG_TYPE_XDP.short().to_string()),
        ("trace_fentry".into(), "xdp".into())
    );
}

#[test]
fn flags_are_shown_by_name() {
    assert_eq!((BPF_F_MMAPABLE | BPF_F_RDONLY_PROG).to_string(), "BPF_F_RDONLY_PROG | BPF_F_MMAPABLE");
    assert_eq!(MapFlags(1 << 31 | 1).to_string(), "BPF_F_NO_PREALLOC | 0x80000000");
    assert_eq!((ProgFlags::BPF_F_TOKEN_FD | BPF_F_SLEEPABLE).to_string(), "BPF_F_SLEEPABLE | BPF_F_TOKEN_FD");
    assert_eq!((MapFlags(0).to_string(), MapFlags(3).without(BPF_F_NO_PREALLOC)), ("0".into(), BPF_F_NO_COMMON_LRU));
}

#[test]
fn an_object_has_a_name_that_the_kernel_takes() {
    assert_eq!(object_name("a-name.that_is_too_long"), *b"a_name.that_is_\0");
    assert_eq!(object_name("h\u{e9}"), *b"h__\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

#[test]
fn the_words_of_btf_are_read_as_they_are_written() {
    let info = btf_info(BTF_KIND_ENUM64, true, 0x1234);
    assert_eq!(info, 0x9300_1234);
    assert_eq!((btf_info_kind(info), btf_info_kflag(info), btf_info_vlen(info)), (BTF_KIND_ENUM64, true, 0x1234));
    assert_eq!((btf_member_bitfield_size(0x0500_0021), btf_member_bit_offset(0x0500_0021)), (5, 0x21));
    let int = 0x0102_0304;
    assert_eq!((btf_int_encoding(int), btf_int_offset(int), btf_int_bits(int)), (BTF_INT_SIGNED, 2, 4));
}
