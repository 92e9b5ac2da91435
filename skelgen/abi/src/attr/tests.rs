use super::*;
use crate::Endian;
use crate::uapi::{BPF_F_MMAPABLE, BPF_MAP_TYPE_HASH, BPF_PROG_TYPE_XDP, object_name};

#[test]
fn an_attr_is_laid_out_as_in_the_uapi() {
    let attr = MapCreate {
        map_type: BPF_MAP_TYPE_HASH,
        key_size: 2,
        value_size: 3,
        max_entries: 4,
        map_flags: BPF_F_MMAPABLE,
        map_name: object_name("a-name.that_is_too_long"),
        map_extra: 0x0102_0304_0506_0708,
        ..MapCreate::default()
    };
    let bytes = attr.encode(Endian::Little);
    assert_eq!(bytes[..20], [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0]);
    assert_eq!(bytes[28..44], *b"a_name.that_is_\0");
    assert_eq!(bytes[64..72], [8, 7, 6, 5, 4, 3, 2, 1]);
    let bytes = attr.encode(Endian::Big);
    assert_eq!(bytes[..8], [0, 0, 0, 1, 0, 0, 0, 2]);
    assert_eq!(bytes[64..72], [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn decode_after_encode_is_identity() {
    let attr = ProgLoad { prog_type: BPF_PROG_TYPE_XDP, insns: 1 << 40, fd_array_cnt: 9, ..ProgLoad::default() };
    let over = IterMapInfo { map_fd: 1, pad: [2, 3, 4] };
    for endian in [Endian::Little, Endian::Big] {
        assert_eq!(ProgLoad::decode(&attr.encode(endian), endian), attr);
        assert_eq!(IterMapInfo::decode(&over.encode(endian), endian), over);
    }
}

#[test]
fn fields_outside_of_the_bytes_are_zero() {
    let attr = MapElem { map_fd: 1, key: 2, value: 3, flags: 4, ..MapElem::default() };
    let bytes = attr.encode(Endian::Little);
    assert_eq!(MapElem::decode(&bytes[..23], Endian::Little), MapElem { map_fd: 1, key: 2, ..MapElem::default() });
    assert_eq!(MapElem::decode(&[], Endian::Little), MapElem::default());
}

#[test]
fn places_are_offsets() {
    assert_eq!((place!(MapCreate.inner_map_fd), place!(MapCreate.btf_fd), MapCreate::AT_REST), (20, 48, 80));
    assert_eq!((place!(ProgLoad.func_info), place!(ProgLoad.core_relos), place!(BtfLoad.btf)), (80, 128, 0));
}
