//! The tables of the guide's chapter `moving`: what stands on their left is in these programs. They run, as root.

#[allow(dead_code, reason = "the tables alone are wanted")]
#[path = "../../../src/markdown.rs"]
mod markdown;

use anyhow::Result;
use markdown::{code, packed, rows, section};
use peer_moving::{aya, libbpf_rs};

const CHAPTER: &str = include_str!("../../../../runtime/guide/moving.md");

fn is_compiled(heading: &str, program: &str) {
    let program = packed(program);
    let mut found = 0;
    for row in rows(section(CHAPTER, heading)) {
        for code in code(row[0]) {
            assert!(program.contains(&packed(code)), "the program has no `{code}`");
            found += 1;
        }
    }
    assert!(found >= 8, "{found}");
}

#[test]
fn what_libbpf_rs_is_told_is_compiled() {
    is_compiled("# From libbpf-cargo and libbpf-rs", include_str!("../src/libbpf_rs.rs"));
}

#[test]
fn what_aya_is_told_is_compiled() {
    is_compiled("# From aya", include_str!("../src/aya.rs"));
}

#[test]
fn libbpf_rs_does_it() -> Result<()> {
    let (came, dropped) = libbpf_rs::run()?;
    assert!(came >= 2 && dropped == 3, "{came} events, {dropped} dropped");
    assert!(!libbpf_rs::is_attached()?);
    Ok(())
}

#[test]
fn aya_does_it() -> Result<()> {
    let (all, by_cpu) = aya::run()?;
    assert!(all >= 1 && by_cpu >= all, "{all}, {by_cpu} by CPU");
    aya::change()
}
