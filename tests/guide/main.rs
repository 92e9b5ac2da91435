//! The guide, and the README's skeleton: their commands, C, tables and errors. The runtime's doc tests compile the guide's Rust, and
//! the tests of `cargo-skelgen` run its commands.

mod bpftool;
mod c;
mod errors;
mod first;
mod shipping;
mod tables;

use skelgen_tests::markdown::{Block, blocks, guide};

/// What a line of a command begins with.
const COMMANDS: [&str; 14] = [
    "bpftool btf ",   // `first`
    "CARGO_TARGET_",  // `shipping`, `first`
    "RUSTFLAGS=",     // `shipping`
    "cargo build",    // `shipping`, `first`
    "cargo install ", // cargo-skelgen's tests
    "cargo skelgen ", // cargo-skelgen's tests
    "cargo new ",     // `first`
    "cd counters",    // `first`
    "clang ",         // `first`
    "docker ",        // `shipping`, as far as it goes without one
    "llvm-strip ",    // `first`
    "mount ",         // `shipping`
    "sudo target/",   // `first`
    "rustup target ", // not run: `shipping` does without targets that are not there
];

/// Whether some test looks at a block.
fn is_looked_at(chapter: &str, block: &Block) -> bool {
    match block.language.as_str() {
        "c" => true,                                               // `c`
        "console" => true,                                         // cargo-skelgen's tests
        "rust" | "rust,no_run" => true,                            // doc tests
        "rust,ignore" => ["first", "generate"].contains(&chapter), // `first`; `doors`
        "sh" => block.text.lines().all(|line| COMMANDS.iter().any(|command| line.starts_with(command))),
        "dockerfile" | "ini" => chapter == "shipping",
        "text" => chapter == "trouble", // `errors`
        // cargo-skelgen's tests build by the first, `shipping` by the second, and `doors` by the third.
        "toml" => {
            let chapters = ["shipping", "generate", "first"];
            block.text.starts_with("[package.metadata.skelgen]\n") || chapters.contains(&chapter)
        }
        _ => false,
    }
}

#[test]
fn no_block_is_of_a_kind_that_nobody_looks_at() {
    for (chapter, text) in guide() {
        for block in blocks(&text) {
            assert!(is_looked_at(&chapter, &block), "{chapter}: {block:?}");
        }
    }
}
