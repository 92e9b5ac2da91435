//! The tables of `moving`: what stands in their last columns is in a snippet, and so compiled. (`tests/peers/moving` has what
//! stands on the left of it.)

use skelgen_tests::markdown::{blocks, code, guide, packed, rows, section};

#[test]
fn what_they_name_is_compiled() {
    let (_, text) = guide().into_iter().find(|(chapter, _)| chapter == "moving").unwrap();
    let rust = blocks(&text).into_iter().filter(|block| block.language.starts_with("rust"));
    let compiled = packed(&rust.map(|block| block.text).collect::<String>());
    let headings = text.lines().filter(|line| line.starts_with("# "));
    let mut found = 0;
    for row in headings.flat_map(|heading| rows(section(&text, heading))) {
        for code in code(row.last().unwrap()).filter(|code| !code.starts_with("cargo ")) {
            assert!(compiled.contains(&packed(code)), "no snippet has `{code}`");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}
