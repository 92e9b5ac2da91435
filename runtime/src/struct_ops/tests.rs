//! Structs of kernels that are put together by hand.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::open::OpenStructOps;
use super::{KernelStruct, KernelTypes, KernelValue, Slot};
use crate::btf::build::{Builder, STRUCT, WITH_BITFIELDS};
use crate::btf::{KernelBtf, ModuleBtf, TypeId, kind};
use crate::desc::{MemberDesc, StructOpsDesc};

/// Ids of types that all have.
const INT: u32 = 1;
const FUNCTION: u32 = 3;
const POINTER: u32 = 4;

/// `bpf_struct_ops_ops` of 64 bytes, which holds `ops` behind 16: three members and a bit-field.
fn add_ops(b: &mut Builder, name: &str) {
    let members = [("call", FUNCTION, 0), ("flags", INT, 64), ("owner", POINTER, 128), ("bits", INT, 3 << 24 | 192)];
    let ops = b.composite(name, STRUCT | WITH_BITFIELDS, 32, &members);
    b.composite(&format!("bpf_struct_ops_{name}"), STRUCT, 64, &[("common", INT, 0), ("data", ops, 128)]);
}

fn vmlinux() -> Builder {
    let mut b = Builder::vmlinux();
    let int = b.add("int", kind::INT << 24, 4, &[32]);
    let proto = b.add("", kind::FUNC_PROTO << 24, int, &[]);
    b.add("", kind::PTR << 24, proto, &[]);
    b.add("", kind::PTR << 24, int, &[]);
    add_ops(&mut b, "ops");
    b.composite("plain", STRUCT, 4, &[("a", int, 0)]);
    b
}

/// The types of a kernel with a module, and the descriptor of the module's.
fn types() -> (KernelTypes, i32) {
    let base = vmlinux();
    let mut module = Builder::module(&base);
    add_ops(&mut module, "module_ops");
    let fd = File::open("/dev/null").unwrap();
    let number = fd.as_raw_fd();
    let kernel = KernelBtf::of(base.bytes());
    let module = ModuleBtf::of(fd.into(), module.bytes(), &kernel);
    (KernelTypes::of(kernel, vec![module]), number)
}

fn find(types: &mut KernelTypes, name: &str) -> KernelStruct {
    types.find(name).unwrap().unwrap()
}

#[test]
fn structs_are_the_kernels_or_a_modules() {
    let (mut types, fd) = types();
    let ops = find(&mut types, "ops");
    assert_eq!((ops.type_id, ops.value_type_id, ops.value_size, ops.data_at), (TypeId(5), TypeId(6), 64, 16));
    assert!(types.module_fd(&ops).is_none());
    let ops = find(&mut types, "module_ops");
    assert_eq!((ops.type_id, ops.value_type_id, ops.value_size, ops.data_at), (TypeId(8), TypeId(9), 64, 16));
    assert_eq!(types.module_fd(&ops).map(|fd| fd.as_raw_fd()), Some(fd));

    let why = |types: &mut KernelTypes, name: &str| types.find(name).unwrap().unwrap_err();
    let expected =
        "this kernel does not take `struct plain`: there is no bpf_struct_ops_plain in its BTF or in a module's";
    assert_eq!(why(&mut types, "plain"), expected);
    assert!(why(&mut types, "nothing").starts_with("this kernel has no `struct nothing`"));
}

#[test]
fn a_value_that_does_not_hold_its_struct_is_none() {
    for (size, data, at) in [(64, "ops", 40 * 8), (17 << 20, "ops", 128), (64, "other", 128)] {
        let mut b = Builder::vmlinux();
        let int = b.add("int", kind::INT << 24, 4, &[32]);
        let ops = b.composite("ops", STRUCT, 32, &[("a", int, 0)]);
        let other = b.composite("other", STRUCT, 32, &[("a", int, 0)]);
        let data = if data == "ops" { ops } else { other };
        b.composite("bpf_struct_ops_ops", STRUCT, size, &[("data", data, at)]);
        let mut types = KernelTypes::of(KernelBtf::of(b.bytes()), Vec::new());
        let why = types.find("ops").unwrap().unwrap_err();
        assert_eq!(why, "`struct bpf_struct_ops_ops` of this kernel does not hold `struct ops`");
    }
}

/// A member of 4 bytes, or of 8 if it is a pointer.
fn member(name: &'static str, offset: u32, kind: u32) -> MemberDesc<'static> {
    let size = if kind == kind::PTR { 8 } else { 4 };
    MemberDesc { name, offset, size, kind, bitfield: false, function: name == "call", program: None }
}

/// Lays out an object's struct of these members and bytes, with a program in the first member or not.
fn lay_out(members: &[MemberDesc<'_>], bytes: &[u8], program: bool) -> Result<(KernelValue, Vec<Slot>), String> {
    let (mut types, _) = types();
    let kernel = find(&mut types, "module_ops");
    let mut members = members.to_vec();
    members[0].program = program.then_some(7);
    let desc = StructOpsDesc { type_name: "module_ops", autocreate: true, init: bytes, members: &members };
    KernelValue::new(types.types(&kernel), &kernel, &members, &OpenStructOps::new(&desc))
}

#[test]
fn members_go_where_the_kernel_has_them() {
    let members = [member("call", 8, kind::PTR), member("flags", 0, kind::INT), member("later", 4, kind::INT)];
    let mut bytes = [0; 16];
    bytes[0] = 0x2a;
    let (value, slots) = lay_out(&members, &bytes, true).unwrap();
    assert_eq!(slots, [Slot { at: 16, member: 0, index: 0, program: 7 }]);
    let fd = File::open("/dev/null").unwrap();
    let number = fd.as_raw_fd() as u8;
    let whole = value.with_programs(&[(16, fd.into())]);
    let set: Vec<_> = whole.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, byte)| (at, *byte)).collect();
    assert_eq!((whole.len(), set), (64, vec![(16, number), (24, 0x2a)]));

    // And back, but for what the kernel does not have.
    let mut object = [0xff; 16];
    value.copy_back(&whole, &mut object);
    assert_eq!(object, [0x2a, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, number, 0, 0, 0, 0, 0, 0, 0]);
    value.copy_back(&[], &mut object);
    value.copy_back(&whole, &mut []);
}

#[test]
fn what_does_not_go_there_is_named() {
    let refused = |member: MemberDesc<'static>, byte, program| {
        let mut bytes = [0; 16];
        bytes[0] = byte;
        lay_out(&[member], &bytes, program).map(drop).unwrap_err()
    };
    let table = [
        (
            refused(member("later", 0, kind::INT), 1, false),
            "`later` is not empty, and this kernel's struct has no such member",
        ),
        (
            refused(member("call_later", 0, kind::PTR), 0, true),
            "`call_later` is not empty, and this kernel's struct has no such member",
        ),
        (refused(member("bits", 0, kind::INT), 0, false), "`bits` is a bit-field, of which nothing can be set"),
        (
            refused(member("flags", 0, kind::PTR), 0, false),
            "`flags` is an integer in this kernel, and a pointer in the object",
        ),
        (
            refused(MemberDesc { size: 8, ..member("flags", 0, kind::INT) }, 0, false),
            "`flags` has 4 bytes in this kernel, and 8 bytes in the object",
        ),
        (refused(member("owner", 0, kind::PTR), 0, true), "`owner` is not a pointer to a function in this kernel"),
        (
            refused(member("owner", 0, kind::PTR), 1, false),
            "`owner` is a pointer, and holds something that is not a program",
        ),
    ];
    for (why, expected) in table {
        assert_eq!(why, expected);
    }
}
