//! A program that is far longer than a jump reaches, with per-CPU data at both of its ends.

use skelgen::insn::build::{R0, R1, R6, Size, alu_imm, exit, ld_imm64, load, mov, store};
use skelgen::object::{MapIdx, Reloc, Target};
use skelgen::plan::LoadPlan;
use skelgen::uapi::BPF_ADD;
use skelgen_runtime::Program;

use crate::cpus::{online, run_on};
use crate::in_memory::{self, PROGRAM, function, object, percpu_section, plan_of};
use crate::modes::in_each_mode;

/// The kernel takes a million.
const LEN: u32 = 100_000;

/// A program that adds 1 to a variable, [`LEN`] times.
fn plan() -> LoadPlan {
    let address = ld_imm64(R1, 0, 0, 0);
    let begin = [&address[..], &[load(Size::DW, R6, R1, 0)]].concat();
    let add = vec![alu_imm(BPF_ADD, R6, 1); LEN as usize];
    let end = [&address[..], &[store(Size::DW, R1, 0, R6), mov(R0, R6), exit()]].concat();
    let refers = |insn| Reloc { insn, target: Target::MapValue(MapIdx(0), 0) };
    let relocs = vec![refers(0), refers(begin.len() + add.len())];
    let functions = vec![function("long_program".to_owned(), PROGRAM, [begin, add, end].concat(), relocs)];
    plan_of(&object("large", vec![percpu_section(".percpu", vec![0; 8])], functions))
}

in_each_mode! {
    fn a_long_program_runs_to_its_end(mode) {
        let mut loaded = in_memory::load(&plan(), mode).unwrap();
        let program: Program = loaded.program(0).unwrap();
        let counted = loaded.percpu::<u64>(0).unwrap();
        for cpu in online().iter() {
            assert_eq!([(); 2].map(|()| run_on(cpu, &program, [0; 2])), [LEN, 2 * LEN], "CPU {cpu}");
            assert_eq!(counted.get(cpu).unwrap(), u64::from(2 * LEN), "CPU {cpu}");
        }
    }
}
