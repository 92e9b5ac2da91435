//! Members of struct_ops maps before the load, by their numbers.

mod common;

use common::{map, may_load, open, prog};

#[test]
fn members_are_read_and_changed() {
    let opened = open("struct_ops");
    let mut flat = opened.map(map(&opened, "flat")).unwrap();
    let (ssthresh, set_state, flags, name) = (0, 2, 4, 5);
    assert_eq!(flat.member_program(ssthresh).unwrap(), Some(prog(&opened, "flat_ssthresh")));
    assert_eq!(flat.member_program(set_state).unwrap(), None);
    assert_eq!(flat.member::<[u8; 16]>(name).unwrap(), *b"skelgen_flat\0\0\0\0");
    flat.set_member(flags, &2u32).unwrap();
    assert_eq!(flat.member::<u32>(flags).unwrap(), 2);
    flat.set_member_program(set_state, Some(0)).unwrap();
    flat.set_member_program(ssthresh, None).unwrap();
    assert_eq!((flat.member_program(ssthresh).unwrap(), flat.member_program(set_state).unwrap()), (None, Some(0)));
}

#[test]
fn what_is_not_so_is_said() {
    let opened = open("struct_ops");
    let mut flat = opened.map(map(&opened, "flat")).unwrap();
    let mut bss = opened.map(map(&opened, ".bss")).unwrap();
    let table = [
        (flat.member::<u64>(4).map(drop), "read a member of map flat: `flags` has 4 bytes, the type 8"),
        (flat.member::<u64>(6).map(drop), "read a member of map flat: its struct has no member number 6"),
        (flat.member_program(6).map(drop), "read a member of map flat: its struct has no member number 6"),
        (flat.set_member(5, &0u8), "set a member of map flat: `name` has 16 bytes, the type 1"),
        (flat.set_member(6, &0u8), "set a member of map flat: its struct has no member number 6"),
        (flat.set_member_program(4, None), "set a member of map flat: `flags` is not a pointer to a function"),
        (flat.set_member_program(6, None), "set a member of map flat: its struct has no member number 6"),
        (bss.member::<u64>(0).map(drop), "read a member of map .bss: it is not a struct_ops map"),
        (bss.set_member(0, &0u64), "set a member of map .bss: it is not a struct_ops map"),
        (
            bss.set_autocreate(false),
            "set autocreate of map .bss: it is a data section, whose variables the skeleton's handle has",
        ),
        (bss.set_autoattach(true), "set autoattach of map .bss: it is not a struct_ops map"),
    ];
    for (result, expected) in table {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    assert!(bss.autocreate() && !bss.autoattach() && flat.autocreate() && flat.autoattach());
}

#[test]
fn programs_must_be_there() {
    if !may_load() {
        return;
    }
    let opened = open("struct_ops");
    let mut flat = opened.map(map(&opened, "flat")).unwrap();
    flat.set_member_program(0, Some(99)).unwrap();
    let error = opened.load([flat], [], &[]).unwrap_err();
    let expected =
        "struct_ops: lay out struct_ops map flat: `ssthresh` has program number 99, and there are not that many";
    assert_eq!(error.to_string(), expected);
}
