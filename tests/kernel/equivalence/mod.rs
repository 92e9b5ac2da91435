//! Random programs over per-CPU data, native and lowered: both do what a model of the machine does.

mod generate;
mod model;

use skelgen::insn::Insn;
use skelgen::insn::build::{R2, R5, R7, R10, Size, mov, store};
use skelgen::insn::disasm::Listing;
use skelgen::link;
use skelgen::plan::LoadPlan;
use skelgen::uapi::{BPF_ATOMIC, BPF_PSEUDO_MAP_IDX_VALUE, BPF_STX};
use skelgen_runtime::{Loaded, PerCpu, PerCpuMode, Program};
use skelgen_tests::random::{Random, seed};

use crate::cpus::{online, run_on};
use crate::in_memory::{load, object, percpu_section, plan_of};
use crate::modes::can_load_in;
use model::Machine;

/// Bytes of the two sections. The second is no multiple of 8, as not all are.
const SECTION_SIZES: [usize; 2] = [64, 44];

/// Programs, and how many of them an object has.
const PROGRAMS: usize = 240;
const PER_OBJECT: usize = 24;

// enum bpf_func_id
const GET_SMP_PROCESSOR_ID: i32 = 8;
const PROBE_READ_KERNEL: i32 = 113;

/// Programs of the seeds from `first` on, planned as one object.
fn plan(first: u64) -> LoadPlan {
    let mut functions = Vec::new();
    for seed in (0..PER_OBJECT as u64).map(|index| first.wrapping_add(index)) {
        functions.extend(generate::program(&format!("seed_{seed}"), seed, functions.len()));
    }
    let names = [".percpu", ".percpu.other"].into_iter().zip(SECTION_SIZES);
    // Not all zeroes, so that they are filled.
    let maps = names.map(|(name, size)| percpu_section(name, vec![0xa5; size])).collect();
    plan_of(&object("random", maps, functions))
}

fn plans() -> impl Iterator<Item = (u64, LoadPlan)> {
    let firsts = (0..PROGRAMS / PER_OBJECT).map(|object| seed().wrapping_add((object * PER_OBJECT) as u64));
    firsts.map(|first| (first, plan(first)))
}

/// The loaded sections.
struct Sections(PerCpu<[u8; SECTION_SIZES[0]]>, PerCpu<[u8; SECTION_SIZES[1]]>);

impl Sections {
    fn take(loaded: &mut Loaded) -> Sections {
        Sections(loaded.percpu(0).unwrap(), loaded.percpu(1).unwrap())
    }

    /// Gives all CPUs random values, and `cpu` others than the rest.
    fn scramble(&self, random: &mut Random, cpu: u32) {
        for of in [None, Some(cpu)] {
            let bytes = SECTION_SIZES.map(|size| random.bytes(size));
            let (first, second) = (bytes[0][..].try_into().unwrap(), bytes[1][..].try_into().unwrap());
            match of {
                None => self.0.set_all(first).and_then(|()| self.1.set_all(second)).unwrap(),
                Some(cpu) => self.0.set(cpu, first).and_then(|()| self.1.set(cpu, second)).unwrap(),
            }
        }
    }

    /// What all CPUs have: by CPU, both sections.
    fn values(&self) -> Vec<(u32, Vec<Vec<u8>>)> {
        let both = self.0.iter().unwrap().zip(self.1.iter().unwrap());
        both.map(|((cpu, first), (_, second))| (cpu, vec![first.to_vec(), second.to_vec()])).collect()
    }
}

fn check(mode: PerCpuMode) {
    let online: Vec<u32> = online().iter().collect();
    for (first, plan) in plans() {
        let mut loaded = load(&plan, mode).unwrap_or_else(|error| panic!("{mode:?}: {error}"));
        let sections = Sections::take(&mut loaded);
        for (index, planned) in plan.programs.iter().enumerate() {
            let program: Program = loaded.program(index).unwrap();
            let seed = first.wrapping_add(index as u64);
            let mut random = Random(!seed);
            for _ in 0..3 {
                let (cpu, args) = (random.pick(&online), [random.next(), random.number() as u64]);
                sections.scramble(&mut random, cpu);
                let mut expected = sections.values();
                let own = expected.iter_mut().find(|(of, _)| *of == cpu).unwrap();
                let mut machine = Machine::new(&planned.native.insns, args, cpu, own.1.clone());
                let result = machine.run();
                own.1 = machine.sections;

                let outcome = (run_on(cpu, &program, args), sections.values());
                assert_eq!(
                    outcome,
                    (result, expected),
                    "SKELGEN_SEED={seed}, {mode:?}, on CPU {cpu} with {args:x?}:\n{}",
                    Listing(&planned.native.insns)
                );
            }
        }
    }
}

#[test]
fn lowered_programs_do_what_they_say() {
    if can_load_in(PerCpuMode::Lowered) {
        check(PerCpuMode::Lowered);
    }
}

#[test]
fn native_programs_do_what_they_say() {
    if can_load_in(PerCpuMode::Native) {
        check(PerCpuMode::Native);
    }
}

#[test]
fn random_programs_are_worth_the_name() {
    let programs: Vec<_> = plans().flat_map(|(_, plan)| plan.programs).collect();
    let lowered: Vec<_> =
        programs.iter().filter_map(|program| Some((&program.native, program.lowered.as_ref()?))).collect();
    assert!(lowered.len() > PROGRAMS * 9 / 10, "{} programs are lowered", lowered.len());

    let loops = |insn: &Insn| insn.jump().is_some_and(|distance| distance < 0);
    let atomics = |insn: &Insn| insn.class() == BPF_STX && insn.mode() == BPF_ATOMIC;
    let with = |is: &dyn Fn(&Insn) -> bool| lowered.iter().filter(|(native, _)| native.insns.iter().any(is)).count();
    let numbers = [with(&|insn| insn.is_pseudo_call()), with(&loops), with(&atomics)];
    assert!(numbers.iter().all(|&number| number > PROGRAMS / 3), "calls, loops, atomics: {numbers:?}");

    // What lowering writes: second and fifth arguments kept, stand-ins.
    let second = |insn: &Insn| *insn == mov(R7, R2);
    let fifth = |insn: &Insn| *insn == store(Size::DW, R10, insn.off, R5);
    let stand_in = |insn: &Insn| insn.is_ld_imm64() && insn.src == BPF_PSEUDO_MAP_IDX_VALUE && insn.imm >= 2;
    let gains = |is: &dyn Fn(&Insn) -> bool| {
        let count = |program: &link::Program| program.insns.iter().filter(|insn| is(insn)).count();
        lowered.iter().filter(|(native, lowered)| count(lowered) > count(native)).count()
    };
    let numbers = [gains(&second), gains(&fifth), gains(&stand_in)];
    assert!(numbers.iter().all(|&number| number > PROGRAMS / 20), "kept arguments, stand-ins: {numbers:?}");
}
