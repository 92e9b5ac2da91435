//! Errors about an instruction show the line of the source that made it.

use skelgen_tests::fixtures;

use super::generate;

#[test]
fn the_line_stands_below_the_sentence() {
    let error = generate("unresolved_extern", &fixtures::bytes("bad/unresolved_extern")).unwrap_err();
    let shown = error.to_string();
    let lines: Vec<&str> = shown.lines().skip(1).collect();
    assert_eq!(
        lines,
        ["  --> fixtures/bad/unresolved_extern.bpf.c:14:9"],
        "fixtures are compiled without the lines' text"
    );
}

#[test]
fn an_error_without_an_instruction_has_none() {
    let error = generate("address_in_data", &fixtures::bytes("bad/address_in_data")).unwrap_err();
    assert_eq!((error.insn(), error.source_line()), (None, None));
    assert_eq!(error.to_string().lines().count(), 1);
}
