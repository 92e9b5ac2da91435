//! The tables of `moving`: what stands in their last columns is in a snippet, and so compiled.

use skelgen_tests::markdown::{blocks, guide};

/// Without white space, which tables and snippets need not have in common.
fn packed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The code in a table's cell.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn what_they_name_is_compiled() {
    let (_, text) = guide().into_iter().find(|(chapter, _)| chapter == "moving").unwrap();
    let rust = blocks(&text).into_iter().filter(|block| block.language.starts_with("rust"));
    let compiled = packed(&rust.map(|block| block.text).collect::<String>());
    let rows = text.lines().filter(|line| line.starts_with('|') && line.contains('`'));
    let mut found = 0;
    for row in rows {
        let here = row.trim_end_matches('|').rsplit('|').next().unwrap();
        for code in code(here).filter(|code| !code.starts_with("cargo ")) {
            assert!(compiled.contains(&packed(code)), "no snippet has `{code}`");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}
