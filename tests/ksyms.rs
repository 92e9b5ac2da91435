//! What the loader's records make of instructions that refer to the kernel: of a kfunc in the kernel itself, in a module
//! (which the kernels of these tests do not have) and in neither.

use skelgen::insn::disasm::Listing;
use skelgen::insn::{INSN_SIZE, Insn, decode_all};
use skelgen::loader::{Record, wire};
use skelgen::uapi::{BPF_PROG_LOAD, BPF_PSEUDO_BTF_ID, BPF_PSEUDO_KFUNC_CALL};
use skelgen::{Endian, Skeleton};
use skelgen_abi::place;
use skelgen_tests::fixtures;

const ENOENT: i32 = 2;

/// A kernel that has every ksym at the same place, or none.
#[derive(Clone, Copy)]
enum Kernel {
    Has { id: u32, module_fd: u32 },
    HasAddress(u64),
    Lacks,
}

/// The image as the loader works on it.
struct Machine<'a> {
    image: Vec<u8>,
    records: &'a [Record],
}

impl Machine<'_> {
    /// Carries out the records of `skeleton` that say what programs refer to, as the interpreter does.
    fn run(skeleton: &Skeleton, kernel: Kernel) -> Machine<'_> {
        let mut machine = Machine { image: skeleton.loader.image.clone(), records: &skeleton.loader.records };
        for record in machine.records {
            if machine.word(record.unless.0) == 0 {
                machine.step(record, kernel);
            }
        }
        machine
    }

    fn step(&mut self, record: &Record, kernel: Kernel) {
        let (out, out2) = (record.out.0, record.out2.0);
        match (record.op, kernel) {
            (wire::op::COPY, _) => self.put(out, self.word(record.arg.0)),
            (wire::op::FIND_BTF, Kernel::Has { id, module_fd }) => {
                self.put(out, id);
                self.put(out2, module_fd);
            }
            (wire::op::FIND_BTF, _) => {
                assert_eq!(record.expect, -ENOENT, "the loader stops");
                self.put(out, 0);
                self.put(out2, 0);
            }
            (wire::op::FIND_KSYM, Kernel::HasAddress(address)) => {
                let at = out as usize;
                self.image[at..at + 8].copy_from_slice(&address.to_le_bytes());
            }
            (wire::op::FIND_KSYM, _) => assert_ne!(record.expect, 0, "the loader stops"),
            _ => {}
        }
    }

    fn word(&self, at: u32) -> u32 {
        let at = at as usize;
        u32::from_le_bytes(self.image[at..at + 4].try_into().unwrap())
    }

    fn put(&mut self, at: u32, word: u32) {
        let at = at as usize;
        self.image[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }

    /// The instructions with which `program` is loaded.
    fn program(&self, program: &str) -> Vec<Insn> {
        let loads = |record: &&Record| {
            let name = (record.arg.0 + place!(ProgLoad.prog_name)) as usize;
            record.op == wire::op::BPF
                && record.cmd == BPF_PROG_LOAD.0
                && self.image[name..].starts_with(program.as_bytes())
        };
        let attr = self.records.iter().find(loads).unwrap().arg.0;
        let points = |record: &&Record| record.op == wire::op::POINT && record.out.0 == attr + place!(ProgLoad.insns);
        let at = self.records.iter().find(points).unwrap().arg.0 as usize;
        let count = self.word(attr + place!(ProgLoad.insn_cnt)) as usize;
        decode_all(&self.image[at..at + count * INSN_SIZE], Endian::Little).unwrap()
    }

    /// The descriptor at `index` of the programs' `fd_array`.
    fn fd(&self, index: i16) -> u32 {
        self.word(self.word(wire::header::FDS) + 4 * u32::try_from(index).unwrap())
    }
}

fn skeleton(fixture: &str) -> Skeleton {
    Skeleton::new(&format!("{fixture}.bpf.o"), &fixtures::bytes(fixture)).unwrap()
}

fn calls(insns: &[Insn]) -> Vec<Insn> {
    insns.iter().copied().filter(|insn| insn.is_call()).collect()
}

#[test]
fn a_kfunc_of_the_kernel_is_called_by_its_id() {
    let kfuncs = skeleton("kfuncs");
    let called = Machine::run(&kfuncs, Kernel::Has { id: 77, module_fd: 0 }).program("called");
    let [address, upper] = [called[1], called[2]];
    assert_eq!((address.src, address.imm, upper.imm), (BPF_PSEUDO_BTF_ID, 77, 0));
    for call in calls(&called) {
        assert_eq!((call.src, call.off, call.imm), (BPF_PSEUDO_KFUNC_CALL, 0, 77));
    }
    assert_eq!(calls(&called).len(), 4);
}

#[test]
fn a_kfunc_of_a_module_is_called_by_way_of_fd_array() {
    let kfuncs = skeleton("kfuncs");
    let machine = Machine::run(&kfuncs, Kernel::Has { id: 77, module_fd: 9 });
    let called = machine.program("called");
    let [address, upper] = [called[1], called[2]];
    assert_eq!((address.src, address.imm, upper.imm), (BPF_PSEUDO_BTF_ID, 77, 9));
    for call in calls(&called) {
        assert_eq!((call.src, call.imm), (BPF_PSEUDO_KFUNC_CALL, 77));
        assert!(call.off > 0, "0 is the kernel itself");
        assert_eq!(machine.fd(call.off), 9);
    }
}

#[test]
fn a_weak_kfunc_that_is_missing_is_at_0_and_must_not_be_called() {
    let kfuncs = skeleton("kfuncs");
    let missing = Machine::run(&kfuncs, Kernel::Lacks);
    let [address, upper] = [1, 2].map(|index| missing.program("missing")[index]);
    assert!(address.is_ld_imm64());
    assert_eq!((address.src, address.imm, upper.imm), (0, 0, 0));
    let [call] = calls(&missing.program("missing"))[..] else { panic!() };
    // A helper by the number of the step that did not find the function, for the error to name it.
    let step = kfuncs.plan.to_string().lines().position(|line| line.contains("skelgen_no_such_kfunc ")).unwrap();
    assert_eq!((call.src, call.off, call.imm), (0, 0, 2_002_000_000 + step as i32));
}

#[test]
fn an_address_is_a_constant() {
    let ksyms = skeleton("ksyms");
    let insns = Machine::run(&ksyms, Kernel::HasAddress(0xffff_ffff_8123_4567)).program("typeless_again");
    assert!(Listing(&insns).to_string().contains("= 0xffffffff81234567 ll"), "{}", Listing(&insns));
}
