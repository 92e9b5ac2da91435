//! Shortens long byte strings for readers.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Literals with more bytes of source are shortened.
const LONG: usize = 64;

/// The source with `b"[1234 bytes of source, 0123abcd]"` for each long `b"..."`. Different literals stay different.
pub(super) fn long_literals(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some((before, literal)) = rest.split_once("b\"") {
        let Some(end) = closing_quote(literal) else { break };
        out.push_str(before);
        let bytes = &literal[..end];
        if bytes.len() > LONG {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            // Half of the hash is enough to tell literals apart.
            let hash = hasher.finish() >> 32;
            let _ = write!(out, "b\"[{} bytes of source, {hash:08x}]\"", bytes.len());
        } else {
            let _ = write!(out, "b\"{bytes}\"");
        }
        rest = &literal[end + 1..];
    }
    out + rest
}

/// The end of a literal.
fn closing_quote(literal: &str) -> Option<usize> {
    let mut escaped = false;
    literal.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_and_halves_are_left_alone() {
        for source in [r#"a(b"\x00\"\\", b"");"#, "no literal", r#"b"without an end"#] {
            assert_eq!(long_literals(source), source);
        }
    }

    #[test]
    fn long_ones_are_cut_and_stay_different() {
        let cut = |byte: &str| long_literals(&format!("x = b\"{}\\\"\";", byte.repeat(LONG)));
        assert!(cut("a").starts_with("x = b\"[66 bytes of source, ") && cut("a").ends_with("]\";"), "{}", cut("a"));
        assert_eq!(cut("a"), cut("a"));
        assert_ne!(cut("a"), cut("b"));
    }
}
