//! The guide: what it shows is so. Its Rust is compiled by the runtime's doc tests, its commands are run by
//! `cargo-skelgen`'s tests.

mod c;
mod errors;
mod tables;

use skelgen_tests::markdown::{blocks, guide};

/// Who looks at blocks of a language.
const LANGUAGES: [&str; 7] = [
    "c",           // `c` compiles it
    "console",     // cargo-skelgen's tests run it
    "rust",        // a doc test
    "rust,no_run", // a doc test
    "sh",          // cargo-skelgen's tests run what is of skelgen
    "text",        // `errors`, if it is one
    "toml", // as in the README, by whose steps `doors` makes packages; cargo-skelgen's tests build by [package.metadata]
];

#[test]
fn no_block_is_of_a_kind_that_nobody_looks_at() {
    for (chapter, text) in guide() {
        for block in blocks(&text) {
            assert!(LANGUAGES.contains(&block.language.as_str()), "{chapter}: {block:?}");
        }
    }
}

#[test]
fn dependencies_are_named_as_in_the_readme() {
    let readme = include_str!("../../README.md");
    for (chapter, text) in guide() {
        let tables = blocks(&text).into_iter().filter(|block| block.language == "toml");
        for block in tables.filter(|block| !block.text.starts_with("[package.metadata")) {
            assert!(blocks(readme).contains(&block), "{chapter}: {}", block.text);
        }
    }
}
