//! What the second image looks like.

use super::*;
use crate::btf::{StrOff, TypeId};
use crate::insn::disasm::Listing;
use crate::link::{CoreRelo, FuncInfo, JumpTable, LineInfo};
use crate::lower::lower;
use crate::uapi::{BPF_ADD, BPF_JA, BPF_JMP, BPF_JNE, BPF_PSEUDO_FUNC, BPF_X};

fn listing(program: &Program) -> Vec<String> {
    Listing(&program.insns).to_string().lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_example_of_the_module() {
    let count = [
        vec![store(Size::DW, R10, -16, R2)],
        section(R3, 3, 8).to_vec(),
        vec![load(Size::DW, R4, R3, 0), add(R4, R1), mov(R0, R4), exit()],
    ];
    let main = vec![mov_imm(R2, 1), call_function(1), exit()];
    let lowered = lowered(&program(&[("main", main), ("count", count.concat())])).unwrap();
    assert_eq!(
        listing(&lowered)[3..],
        [
            "3: r6 = r1",
            "4: r7 = r2",
            "5: *(u32 *)(r10 - 24) = 0",
            "6: r2 = r10",
            "7: r2 += -24",
            "8: r1 = map[3]",
            "10: call helper 1",
            "11: if r0 != 0 goto 14",
            "12: r0 = map_value[5] + 0",
            "14: *(u64 *)(r10 - 24) = r0",
            "15: r1 = r6",
            "16: r2 = r7",
            "17: *(u64 *)(r10 - 16) = r2",
            "18: r3 = *(u64 *)(r10 - 24)",
            "19: r3 += 8",
            "20: r4 = *(u64 *)(r3 + 0)",
            "21: r4 += r1",
            "22: r0 = r4",
            "23: exit",
        ]
    );
}

/// A function that jumps through a table to where it reads its second argument, or its third.
fn through_table() -> Program {
    let body = [
        section(R0, 3, 0).to_vec(),
        section(R4, 9, 0).to_vec(),
        vec![load(Size::DW, R4, R4, 0), Insn { code: BPF_JMP | BPF_JA | BPF_X, dst: 4, ..Insn::default() }],
        vec![mov(R0, R2), exit(), mov(R0, R3), exit()],
    ];
    let main = vec![mov_imm(R2, 1), mov_imm(R3, 2), call_function(1), exit()];
    let mut program = program(&[("main", main), ("switch", body.concat())]);
    program.jump_tables.push(JumpTable { slot: FdSlot(9), targets: vec![12, 10, 12] });
    program
}

#[test]
fn a_jump_table_leads_to_the_same_instructions() {
    let program = through_table();
    let lowered = lowered(&program).unwrap();
    // What either case reads is kept across the lookup.
    let listed = listing(&lowered);
    assert!(listed.contains(&"4: r6 = r2".to_owned()) && listed.contains(&"5: r7 = r3".to_owned()), "{listed:#?}");
    let at = |program: &Program, index: usize| {
        let target = program.jump_tables[0].targets[index] as usize;
        Listing(&program.insns[target..target + 2]).to_string()
    };
    assert_eq!(lowered.jump_tables[0].slot, FdSlot(9));
    for index in 0..3 {
        assert_eq!(at(&lowered, index), at(&program, index));
    }
}

#[test]
fn a_jump_table_stays_in_its_function() {
    for (target, words) in
        [(3, "has slot 3, which is outside the function"), (14, "has slot 14, which is outside the function")]
    {
        let mut program = through_table();
        program.jump_tables[0].targets[1] = target;
        assert_eq!(lowered(&program).unwrap_err().to_string(), format!("switch: its jump table {words}"));
    }
    let mut program = through_table();
    program.jump_tables[0].targets[1] = 5;
    let error = lowered(&program).unwrap_err().to_string();
    assert_eq!(error, "switch: insn 5: jumps into the middle of an ld_imm64");
}

#[test]
fn a_program_without_per_cpu_data_has_no_second_image() {
    let plain = one_function(&[section(R1, 2, 0).to_vec(), vec![mov_imm(R0, 0), exit()]].concat());
    assert_eq!(lower(&plain, SECTIONS, &Btf::default(), 0).unwrap(), None);
    let none = one_function(&[section(R1, 3, 0).to_vec(), vec![mov_imm(R0, 0), exit()]].concat());
    assert_eq!(lower(&none, &[], &Btf::default(), 0).unwrap(), None);
}

#[test]
fn each_section_has_a_slot_and_all_five_arguments_a_place() {
    let sum = (1..5).map(|_| add(R1, R5)).collect::<Vec<_>>();
    let five =
        [section(R0, 3, 0).to_vec(), section(R0, 4, 40).to_vec(), vec![add(R1, R2), add(R3, R4)], sum, vec![exit()]];
    let main = vec![mov_imm(R2, 1), mov_imm(R3, 1), mov_imm(R4, 1), mov_imm(R5, 1), call_function(1), exit()];
    let lowered = lowered(&program(&[("main", main), ("five", five.concat())])).unwrap();
    let text = listing(&lowered);
    let count = |what: &str| text.iter().filter(|line| line.ends_with(what)).count();
    assert_eq!(text[6..11], ["6: r6 = r1", "7: r7 = r2", "8: r8 = r3", "9: r9 = r4", "10: *(u64 *)(r10 - 24) = r5"]);
    assert_eq!((count("*(u32 *)(r10 - 8) = 0"), count("*(u32 *)(r10 - 16) = 0")), (1, 1));
    assert_eq!((count("r1 = map[3]"), count("r1 = map[4]"), count("call helper 1")), (1, 1, 2));
    assert_eq!((count("r0 = *(u64 *)(r10 - 8)"), count("r0 = *(u64 *)(r10 - 16)"), count("r0 += 40")), (1, 1, 1));
    assert_eq!(count("r5 = *(u64 *)(r10 - 24)"), 1);
}

#[test]
fn where_nothing_is_found_the_entry_returns_and_a_static_function_goes_on_with_the_stand_in() {
    let uses = || [section(R1, 3, 0).to_vec(), vec![mov_imm(R0, 7), exit()]].concat();
    let both = program(&[("main", [vec![call_function(4)], uses()].concat()), ("sub", uses())]);
    let lowered = lower(&both, SECTIONS, &Btf::default(), 1).unwrap().unwrap();
    let count = |wanted| lowered.insns.iter().filter(|&&insn| insn == wanted).count();
    assert_eq!((count(mov_imm(R0, 1)), count(mov_imm(R0, 0)), count(section(R0, 5, 0)[0])), (1, 0, 1));
    let mut global = both.clone();
    global.functions[1].global = true;
    let lowered = lower(&global, SECTIONS, &Btf::default(), 1).unwrap().unwrap();
    let count = |wanted| lowered.insns.iter().filter(|&&insn| insn == wanted).count();
    assert_eq!((count(mov_imm(R0, 1)), count(mov_imm(R0, 0)), count(section(R0, 5, 0)[0])), (1, 1, 0));
}

/// Calls, callbacks and everything that is told by slot, over a function that grows and one that does not.
#[test]
fn what_counts_slots_moves_along() {
    let callback = Insn { src: BPF_PSEUDO_FUNC, ..ld_imm64(R2, 0, 0, 0)[0] };
    let main = [
        section(R6, 3, 0).to_vec(),        // 0
        vec![call_function(4)],            // 2: to 7
        vec![Insn { imm: 5, ..callback }], // 3: to 9
        vec![Insn::default()],             // 4
        vec![mov_imm(R0, 0), exit()],      // 5
    ];
    let back = vec![mov_imm(R0, 0), exit()]; // 7
    let count = [section(R1, 4, 0).to_vec(), vec![call_function(-5), mov_imm(R0, 0), exit()]]; // 9
    let mut native = program(&[("main", main.concat()), ("back", back), ("count", count.concat())]);
    native.func_info =
        [0, 7, 9].into_iter().zip(10..).map(|(insn, id)| FuncInfo { insn, type_id: TypeId(id) }).collect();
    let line = |insn, line_col| LineInfo { insn, file: StrOff(1), line: StrOff(2), line_col };
    native.line_info = vec![line(0, 1), line(2, 2), line(7, 3), line(9, 4), line(12, 5)];
    let relo = |insn| CoreRelo { insn, type_id: TypeId(1), access: StrOff(3), kind: 0 };
    native.core_relos = vec![relo(5), relo(12)];

    // main's prologue has 10 slots: it keeps nothing. So has count's.
    let lowered = lowered(&native).unwrap();
    let spans: Vec<_> = lowered.functions.iter().map(|function| function.span.clone()).collect();
    assert_eq!(spans, [0..17, 17..19, 19..34]);
    assert_eq!(lowered.insns[12], call_function(17 - 13));
    assert_eq!(lowered.insns[13], Insn { imm: 19 - 14, ..callback });
    assert_eq!(lowered.insns[31], call_function(17 - 32));
    assert_eq!(lowered.func_info.iter().map(|info| info.insn).collect::<Vec<_>>(), [0, 17, 19]);
    let lines: Vec<_> = lowered.line_info.iter().map(|line| (line.insn, line.line_col)).collect();
    assert_eq!(lines, [(0, 1), (10, 1), (12, 2), (17, 3), (19, 4), (29, 4), (32, 5)]);
    assert_eq!(lowered.core_relos.iter().map(|relo| relo.insn).collect::<Vec<_>>(), [15, 32]);
}

#[test]
fn a_jump_to_the_first_instruction_does_not_repeat_the_prologue() {
    let body = [vec![alu_imm(BPF_ADD, R1, -1), jump_imm(BPF_JNE, R1, 0, -2)], section(R0, 3, 0).to_vec(), vec![exit()]];
    let lowered = lowered(&one_function(&body.concat())).unwrap();
    let start = lowered.insns.len() - 5;
    assert_eq!(lowered.insns[start..start + 2], body[0]);
}
