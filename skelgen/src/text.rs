//! Text from an object, made safe to show.

use std::borrow::Cow;

/// Bytes of a name of a symbol, section or type; the kernel takes 511 for a type. Strings can share their ends, so without
/// a limit the names of `n` symbols could be `n` times as long as the file.
pub(crate) const MAX_NAME: usize = 4096;

/// Escapes the characters that control a terminal or a line, as `\u001b`: control characters, newlines included, and
/// characters that change the direction of text or have no width. Tabs stay, as C source has them.
///
/// Names in an object can be any bytes, and an object need not come from a compiler.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for c in text.chars() {
        if is_unprintable(c) { shown.push_str(&escaped(c)) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Whether [`printable`] escapes this character.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control() && c != '\t'
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The character as JSON and Java escape it. All unprintable ones have at most four digits.
#[must_use]
pub fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// The text with ASCII letters, digits and `_` alone, as identifiers of C and names of the kernel's objects have them. A
/// character beyond ASCII becomes its number, as in `ue9`, so that different texts stay different; any other is a `_`.
pub(crate) fn ascii_word(text: &str) -> String {
    let mut word = String::new();
    for c in text.chars() {
        match c {
            _ if c.is_ascii_alphanumeric() => word.push(c),
            _ if c.is_ascii() => word.push('_'),
            _ => word.push_str(&format!("u{:x}", u32::from(c))),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_scripts_stay_different() {
        let words = ["a-b.c", "\u{65e5}\u{672c}", "caf\u{e9}", "e\u{301}", ""].map(ascii_word);
        assert_eq!(words, ["a_b_c", "u65e5u672c", "cafue9", "eu301", ""]);
    }

    #[test]
    fn characters_that_control_a_terminal_are_escaped() {
        assert_eq!(printable("\x1b[31mred\n\u{202e}x\u{9b}"), "\\u001b[31mred\\u000a\\u202ex\\u009b");
        assert!(matches!(printable("naïve .percpu 名"), Cow::Borrowed("naïve .percpu 名")));
        assert_eq!(printable("hits++;\t// count"), "hits++;\t// count");
    }
}
