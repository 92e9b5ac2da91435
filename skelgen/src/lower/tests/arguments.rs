//! Which arguments a prologue keeps.

use super::*;
use crate::lower::{body, kept_arguments};
use crate::uapi::{BPF_JEQ, BPF_JNE, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL};

/// The arguments kept by each function of a program, of which the second may be global.
fn kept(functions: &[(&str, Vec<Insn>)], global: bool, parameters: &[Option<usize>]) -> Vec<Vec<u8>> {
    let mut program = program(functions);
    if let Some(second) = program.functions.get_mut(1) {
        second.global = global;
    }
    let bodies = body::bodies(&program).unwrap();
    kept_arguments(&bodies, parameters).into_iter().map(|regs| regs.iter().collect()).collect()
}

/// What a function keeps that is called with `r1` to `r4` readable.
fn kept_of_four(insns: Vec<Insn>) -> Vec<u8> {
    let main = vec![mov_imm(R2, 0), mov_imm(R3, 0), mov_imm(R4, 0), call_function(1), exit()];
    kept(&[("main", main), ("sub", insns)], false, &[None, None]).remove(1)
}

#[test]
fn what_is_read_before_it_is_written() {
    let table: &[(&str, Vec<Insn>, &[u8])] = &[
        ("nothing", vec![mov_imm(R0, 0)], &[]),
        ("two", vec![mov(R0, R1), add(R0, R3)], &[1, 3]),
        ("written first", vec![mov_imm(R1, 0), mov(R0, R1)], &[]),
        ("on one way only", vec![jump_imm(BPF_JEQ, R2, 0, 1), mov(R0, R1)], &[1, 2]),
        ("written on one way only", vec![jump_imm(BPF_JEQ, R2, 0, 1), mov_imm(R1, 0), mov(R0, R1)], &[1, 2]),
        ("behind a call", vec![call(5), mov(R0, R0)], &[]),
        ("by a helper", vec![call(1)], &[1, 2]),
        ("by a helper, but for its first", vec![mov_imm(R1, 0), call(12)], &[2, 3]),
        ("by a format", vec![mov_imm(R1, 0), mov_imm(R2, 0), call(6)], &[3, 4]),
        ("by a kfunc", vec![Insn { src: BPF_PSEUDO_KFUNC_CALL, ..call(77) }], &[1, 2, 3, 4]),
        ("by a helper nobody knows", vec![call(4000)], &[1, 2, 3, 4]),
        ("in a loop", vec![mov_imm(R0, 0), add(R0, R4), jump_imm(BPF_JNE, R0, 9, -2)], &[4]),
        ("behind a jump back", vec![ja(2), mov(R0, R4), exit(), jump_imm(BPF_JEQ, R1, 0, -3), mov_imm(R0, 0)], &[1, 4]),
        ("the fifth, which nobody wrote", vec![jump_imm(BPF_JEQ, R1, 0, 1), mov(R0, R5)], &[1]),
    ];
    for (name, insns, expected) in table {
        let insns = [insns.clone(), vec![exit()]].concat();
        assert_eq!(kept_of_four(insns), *expected, "{name}");
    }
}

#[test]
fn of_an_entry_program_only_the_context() {
    let all = vec![call(25), exit()];
    assert_eq!(kept(&[("main", all.clone())], false, &[None]), [[1]]);
    assert_eq!(kept(&[("main", vec![call(4000), exit()])], false, &[None]), [[1]]);
    // freplace: the prototype is that of the function it replaces.
    assert_eq!(kept(&[("main", all)], false, &[Some(3)]), [[1, 2, 3]]);
}

#[test]
fn what_is_only_passed_on() {
    let main = vec![mov_imm(R2, 0), mov_imm(R3, 0), call_function(1), exit()];
    let middle = vec![mov_imm(R1, 0), call_function(1), exit()];
    let leaf = vec![add(R1, R2), mov(R0, R1), exit()];
    let functions = [("main", main), ("middle", middle), ("leaf", leaf)];
    assert_eq!(kept(&functions, false, &[None; 3]), [&[][..], &[2], &[1, 2]]);

    let main = vec![mov_imm(R2, 0), mov_imm(R3, 0), call_function(4), exit()];
    let leaf = vec![add(R1, R2), mov(R0, R1), exit()];
    let middle = vec![mov_imm(R1, 0), call_function(-5), exit()];
    let functions = [("main", main), ("leaf", leaf), ("middle", middle)];
    assert_eq!(kept(&functions, false, &[None; 3]), [&[][..], &[1, 2], &[2]]);
}

/// The callers differ: what is perhaps read must be readable at each, what is surely read at one.
#[test]
fn two_callers() {
    let main = vec![mov_imm(R2, 0), call_function(2), call_function(1), exit()];
    let sure = vec![mov(R0, R2), exit()];
    assert_eq!(kept(&[("main", main.clone()), ("sub", sure)], false, &[None; 2])[1], [2]);
    let perhaps = vec![call(4000), exit()];
    assert_eq!(kept(&[("main", main), ("sub", perhaps)], false, &[None; 2])[1], []);
}

#[test]
fn a_global_function_has_what_its_prototype_says() {
    let main = || vec![mov_imm(R2, 0), mov_imm(R3, 0), call_function(1), exit()];
    let perhaps = || vec![call(4000), exit()];
    assert_eq!(kept(&[("main", main()), ("sub", perhaps())], true, &[None, Some(2)]), [vec![1], vec![1, 2]]);
    assert_eq!(kept(&[("main", main()), ("sub", perhaps())], true, &[None, None]), [&[1][..], &[]]);
    // What its caller has besides is not passed on.
    let third = vec![mov_imm(R0, 0), jump_imm(BPF_JEQ, R1, 0, 1), mov(R0, R3), exit()];
    assert_eq!(kept(&[("main", main()), ("sub", third)], true, &[None, Some(1)]), [[1], [1]]);
    // Its caller must have all of its arguments, though it reads none.
    let nothing = vec![mov_imm(R0, 0), exit()];
    assert_eq!(kept(&[("main", main()), ("sub", nothing)], true, &[None, Some(2)]), [&[1][..], &[]]);
}

#[test]
fn a_callback_has_what_its_prototype_says() {
    let main = vec![Insn { src: BPF_PSEUDO_FUNC, ..ld_imm64(R2, 0, 3, 0)[0] }, Insn::default(), call(181), exit()];
    let reads_both = vec![mov(R0, R1), load(Size::W, R0, R2, 0), call(4000), exit()];
    let functions = [("main", main), ("callback", reads_both)];
    assert_eq!(kept(&functions, false, &[None, Some(3)])[1], [1, 2, 3]);
    assert_eq!(kept(&functions, false, &[None, None])[1], [1, 2]);
}
