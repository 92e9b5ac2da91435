//! A per-CPU section that programs cannot write. No compiler makes one, so this one is made by hand.

use skelgen::insn::Insn;
use skelgen::insn::build::{R0, R1, Size, exit, ld_imm64, load, mov_imm, store_imm};
use skelgen::object::{MapIdx, Reloc, Target};
use skelgen::plan::{LoadPlan, Step};
use skelgen_runtime::uapi::BPF_F_RDONLY_PROG;
use skelgen_runtime::{Errno, Program};

use crate::cpus::{online, run_on};
use crate::in_memory::{self, PROGRAM, function, object, percpu_section, plan_of};
use crate::modes::in_each_mode;

/// A program that does `access` with the section's address in `r1`. The section is frozen before it is loaded.
fn plan(access: &[Insn]) -> LoadPlan {
    let mut section = percpu_section(".percpu.ro", vec![0; 8]);
    section.def.map_flags = BPF_F_RDONLY_PROG;
    let insns = [&ld_imm64(R1, 0, 0, 0)[..], access, &[exit()]].concat();
    let relocs = vec![Reloc { insn: 0, target: Target::MapValue(MapIdx(0), 0) }];
    let functions = vec![function("access".to_owned(), PROGRAM, insns, relocs)];
    let mut plan = plan_of(&object("read_only", vec![section], functions));
    let filled = plan.steps.iter().position(|step| matches!(step, Step::InitPerCpu { .. })).unwrap();
    plan.steps.insert(filled + 1, Step::FreezeMap { map: MapIdx(0) });
    plan
}

in_each_mode! {
    fn a_program_reads_it(mode) {
        let mut loaded = in_memory::load(&plan(&[load(Size::DW, R0, R1, 0)]), mode).unwrap();
        let program: Program = loaded.program(0).unwrap();
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &program, [0; 2]), 0, "CPU {cpu}");
        }
        let frozen = loaded.percpu::<u64>(0).unwrap().set_all(&1).unwrap_err();
        assert_eq!(frozen.errno(), Some(Errno::EPERM), "{frozen}");
    }

    fn a_program_cannot_write_it(mode) {
        let error = in_memory::load(&plan(&[store_imm(Size::DW, R1, 0, 1), mov_imm(R0, 0)]), mode).unwrap_err();
        assert_eq!((error.operation(), error.subject_name()), ("load program", Some("access")), "{error}");
        assert!(error.verifier_log().unwrap().contains("write into map forbidden"), "{error}");
    }
}
