//! A filter for the command's output: an object's names cannot control the terminal.
//!
//! All output passes through it, including names of sections and symbols, source lines and verifier logs. Only the command's own
//! colours pass. Other unprintable characters are written as `\u001b`, which JSON reads as the same character.

use std::io::{self, Write};

use skelgen::{escaped, is_unprintable};

/// A writer that escapes unprintable characters. Each write must consist of whole characters, as those of `write!` and serde
/// do.
pub(crate) struct Clean<W>(pub(super) W);

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        let mut rest = &*text;
        while let Some(at) = rest.find(|c| is_unprintable(c) && c != '\n') {
            let (before, from) = rest.split_at(at);
            self.0.write_all(before.as_bytes())?;
            let len = match style(from) {
                Some(len) => {
                    self.0.write_all(&from.as_bytes()[..len])?;
                    len
                }
                None => {
                    let c = from.chars().next().unwrap_or_default();
                    self.0.write_all(escaped(c).as_bytes())?;
                    c.len_utf8()
                }
            };
            rest = &from[len..];
        }
        self.0.write_all(rest.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The length of the colour sequence at the start of the text: `ESC [ numbers m`, except for sequences that hide text or
/// make it blink.
fn style(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let len = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let known = |number: &str| {
        matches!(number, "" | "0" | "1" | "2" | "4") || number.len() == 2 && number.starts_with(['3', '9'])
    };
    (parameters[len..].starts_with('m') && parameters[..len].split(';').all(known)).then_some(2 + len + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        let mut out = Clean(Vec::new());
        write!(out, "{text}").expect("it is memory");
        String::from_utf8(out.0).expect("text")
    }

    #[test]
    fn colours_pass_and_nothing_else_does() {
        let colours = "\x1b[1m\x1b[32mOK\x1b[0m\tx\n";
        assert_eq!(cleaned(colours), colours);
        assert_eq!(cleaned("\x1b[2J\x1b]0;title\x07"), "\\u001b[2J\\u001b]0;title\\u0007");
        assert_eq!(cleaned("\x1b[8mhidden\x1b[5m"), "\\u001b[8mhidden\\u001b[5m");
        assert_eq!(cleaned("a\u{202e}b\rc\u{9b}31m"), "a\\u202eb\\u000dc\\u009b31m");
        assert_eq!(cleaned("naïve \x1b"), "naïve \\u001b");
    }
}
