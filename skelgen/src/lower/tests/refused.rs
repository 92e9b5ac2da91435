//! What is refused, and in which words.

use proptest::prelude::*;

use super::*;
use crate::ErrorKind;
use crate::lower::lower;
use crate::uapi::BPF_PSEUDO_FUNC;

/// The words for a `main` of these instructions behind a reference to per-CPU data; slots count from 2.
fn words(insns: &[Insn]) -> String {
    let insns = [section(R1, 3, 0).to_vec(), insns.to_vec()].concat();
    lowered(&one_function(&insns)).unwrap_err().to_string()
}

#[test]
fn code_that_is_no_code() {
    let [torn, _] = ld_imm64(R1, 0, 1, 1);
    let table: &[(&[Insn], &str)] = &[
        (&[ja(7), exit()], "main: insn 2: jumps by 7, out of its function"),
        (&[ja(-4), exit()], "main: insn 2: jumps by -4, out of its function"),
        (&[ja(-2), exit()], "main: insn 2: jumps into the middle of an ld_imm64"),
        (
            &[Insn { code: 0x06, imm: i32::MIN, ..Insn::default() }],
            "main: insn 2: jumps by -2147483648, out of its function",
        ),
        (&[mov_imm(R0, 0)], "main: insn 2: falls through at the end of the function"),
        (&[torn], "main: insn 2: the second slot of an ld_imm64 is missing"),
        (&[torn, exit()], "main: insn 2: the second slot of an ld_imm64 has more than an immediate"),
        (&[mov(R10, R1), exit()], "main: insn 2: writes r10, the frame pointer"),
        (&[Insn { dst: 14, ..mov_imm(R0, 0) }, exit()], "main: insn 2: there is no register r14"),
        (
            &[Insn { code: 0xff, ..Insn::default() }, exit()],
            "main: insn 2: unknown instruction: code 0xff, source register 0, offset 0, immediate 0",
        ),
        (&[call_function(0), exit()], "main: insn 2: calls no function: none starts at distance 0"),
        (&[call_function(i32::MAX), exit()], "main: insn 2: calls no function: none starts at distance 2147483647"),
    ];
    for (insns, expected) in table {
        assert_eq!(words(insns), *expected);
    }
    let negative = one_function(&[section(R1, 3, -8).to_vec(), vec![exit()]].concat());
    assert_eq!(
        lowered(&negative).unwrap_err().to_string(),
        "main: insn 0: refers to per-CPU data at an invalid offset"
    );
}

#[test]
fn functions_that_do_not_cover_the_program() {
    let whole = program(&[
        ("main", [section(R1, 3, 0).to_vec(), vec![exit()]].concat()),
        ("sub", vec![mov_imm(R0, 0), exit()]),
    ]);
    for span in [4..5, 3..4, 3..3, 2..5, 3..9] {
        let mut torn = whole.clone();
        torn.functions[1].span = span.clone();
        assert_eq!(lowered(&torn).unwrap_err().kind(), ErrorKind::Malformed, "{span:?}");
    }
    let mut none = whole;
    none.functions.clear();
    assert_eq!(lowered(&none).unwrap_err().to_string(), "main: has instructions that belong to no function");
}

#[test]
fn a_frame_that_would_be_too_deep() {
    let deep = |bytes: i16, args: bool| {
        let reads = if args { vec![add(R1, R2), add(R3, R4), add(R1, R5)] } else { vec![] };
        let touch = [vec![store_imm(Size::B, R10, -bytes, 0)], section(R0, 3, 0).to_vec(), reads];
        let main = vec![mov_imm(R2, 1), mov_imm(R3, 1), mov_imm(R4, 1), mov_imm(R5, 1), call_function(1), exit()];
        let functions = [("main", main), ("deep", [touch.concat(), vec![exit()]].concat())];
        // Alone it fits: the chain of both is another matter.
        let words = lowered(&program(&functions)).map_err(|error| error.to_string());
        words.err().filter(|words| words.contains("more than 512"))
    };
    assert_eq!(deep(504, false), None);
    assert_eq!(
        deep(505, false).unwrap(),
        "deep: needs more than 512 bytes of stack with the lookup of its per-CPU data; with min_kernel 7.3 or newer it needs no lookup"
    );
    assert_eq!(deep(496, true), None);
    assert!(deep(497, true).is_some());
}

#[test]
fn a_chain_that_would_be_too_deep() {
    let chain = |main: i16, sub: i16| {
        let main = vec![store_imm(Size::B, R10, -main, 0), call_function(1), exit()];
        let sub = [vec![store_imm(Size::B, R10, -sub, 0)], section(R0, 3, 0).to_vec(), vec![exit()]].concat();
        lowered(&program(&[("main", main), ("sub", sub)])).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(chain(256, 248), Ok(()));
    assert_eq!(
        chain(256, 249).unwrap_err(),
        "sub: the call chain down to it needs 544 bytes of stack with the lookup of per-CPU data, and the kernel's limit is 512; with min_kernel 7.3 or newer it needs no lookup"
    );
    // It never fitted, by this count: not for lowering to say.
    assert_eq!(chain(300, 300), Ok(()));
}

#[test]
fn a_timer_s_callback_has_a_stack_of_its_own() {
    let passed_to = |helper: i32| {
        let callback = Insn { src: BPF_PSEUDO_FUNC, ..ld_imm64(R2, 0, 4, 0)[0] };
        let main = vec![store_imm(Size::B, R10, -256, 0), callback, Insn::default(), mov(R1, R1), call(helper), exit()];
        let later = [vec![store_imm(Size::B, R10, -256, 0)], section(R0, 3, 0).to_vec(), vec![exit()]].concat();
        lowered(&program(&[("main", main), ("later", later)])).map_err(|error| error.kind()).err()
    };
    assert_eq!(passed_to(170), None);
    assert_eq!(passed_to(181), Some(ErrorKind::TooLarge));
}

/// Above a function with a tail call the kernel allows less than 256 bytes; newer kernels round frames to 16 bytes, older
/// ones to 32.
#[test]
fn a_tail_call_under_a_deep_stack() {
    let below = |stack: i16| {
        let main =
            [vec![store_imm(Size::B, R10, -stack, 0)], section(R6, 3, 0).to_vec(), vec![call_function(1), exit()]];
        let sub = vec![call(12), exit()];
        lowered(&program(&[("main", main.concat()), ("sub", sub)])).map(|_| ()).map_err(|error| error.to_string())
    };
    let refused = "sub: makes a tail call, and the call chain above it needs 256 bytes of stack with the lookup of \
                   per-CPU data, and the kernel's limit is 255; with min_kernel 7.3 or newer it needs no lookup";
    assert_eq!(below(216), Ok(()), "224 bytes with the lookup");
    for stack in [217, 224, 225, 240] {
        assert_eq!(below(stack).unwrap_err(), refused, "{stack} bytes, which fit without the lookup");
    }
    // No kernel takes these, with a lookup or without.
    assert_eq!(below(241), Ok(()));
}

/// Frames in the middle of a chain are rounded, too.
#[test]
fn a_chain_that_fits_only_with_frames_rounded_to_16() {
    let frame = |stack: i16| store_imm(Size::B, R10, -stack, 0);
    let chain = |stack: i16, last: i16| {
        let above = || vec![frame(stack), call_function(1), exit()];
        let last = [vec![frame(last)], section(R0, 3, 0).to_vec(), vec![exit()]].concat();
        let functions = [("main", above()), ("a", above()), ("b", above()), ("last", last)];
        lowered(&program(&functions)).map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(chain(128, 120), Ok(()));
    assert_eq!(chain(112, 112), Ok(()));
    assert_eq!(chain(128, 128), Err(ErrorKind::TooLarge));
    assert_eq!(chain(144, 80), Err(ErrorKind::TooLarge), "512 bytes in steps of 16, 576 in steps of 32");
}

#[test]
fn a_callback_that_refers_to_itself_is_no_chain() {
    let again = Insn { src: BPF_PSEUDO_FUNC, ..ld_imm64(R2, 0, -1, 0)[0] };
    let main = vec![again, Insn::default(), call(181)];
    let program = one_function(&[main, section(R1, 3, 0).to_vec(), vec![exit()]].concat());
    assert!(lowered(&program).is_ok());
}

/// Slots that are instructions more often than not.
fn slot() -> impl Strategy<Value = Insn> {
    let field = prop_oneof![4 => -4..9i32, 1 => any::<i32>()];
    let code =
        prop_oneof![Just(0x18u8), Just(0x85), Just(0x95), Just(0x05), Just(0x15), Just(0xbf), Just(0), any::<u8>()];
    (code, 0..12u8, 0..8u8, field.clone(), field).prop_map(|(code, dst, src, off, imm)| Insn {
        code,
        dst,
        src,
        off: off as i16,
        imm,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    /// Whatever comes in: an error or an image, and the image can be taken apart again.
    #[test]
    fn nothing_panics(
        slots in proptest::collection::vec(slot(), 0..40),
        cuts in proptest::collection::vec(0..45usize, 0..4),
        marks in proptest::collection::vec(0..45usize, 0..4),
    ) {
        let mut whole = one_function(&[section(R1, 3, 0).to_vec(), slots, vec![exit()]].concat());
        let mut start = 0;
        whole.functions.clear();
        for end in cuts.into_iter().chain([whole.insns.len()]) {
            whole.functions.push(Function { index: FuncIdx(0), name: "f".into(), span: start..end, global: false });
            start = end;
        }
        whole.func_info = marks.iter().map(|&insn| crate::link::FuncInfo { insn, type_id: Default::default() }).collect();
        if let Ok(Some(image)) = lower(&whole, SECTIONS, &Btf::default(), 0) {
            prop_assert!(crate::lower::body::bodies(&image).is_ok());
            prop_assert_eq!(lower(&image, SECTIONS, &Btf::default(), 0), Ok(None));
        }
    }
}
