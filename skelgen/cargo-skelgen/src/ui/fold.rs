//! Folds lines between words to the terminal's width.
//!
//! Output to a pipe is not folded.

use std::os::fd::AsFd;

/// The terminal's width in columns, if `stream` is a terminal.
pub(crate) fn columns(stream: impl AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0))
}

/// The text in lines of so many `columns`. The first line begins after `taken` columns, the others with `margin`. The terminal wraps a
/// word that is longer than a line.
pub(crate) fn fold(text: &str, taken: usize, margin: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let mut folded = String::new();
    let mut at = taken;
    let mut rest = text;
    while let Some(fits) = columns.checked_sub(at).filter(|&fits| rest.chars().count() > fits) {
        let end = rest.char_indices().nth(fits).map_or(rest.len(), |(end, _)| end);
        // A space just behind the last column is as good.
        let before = rest[..end].rfind(' ').filter(|&space| !rest[..space].trim().is_empty());
        let space = if rest[end..].starts_with(' ') { Some(end) } else { before };
        let Some(space) = space.or_else(|| rest[end..].find(' ').map(|space| end + space)) else { break };
        folded.push_str(rest[..space].trim_end());
        rest = rest[space..].trim_start();
        if rest.is_empty() {
            return folded;
        }
        folded.push('\n');
        folded.push_str(margin);
        at = margin.chars().count();
    }
    folded.push_str(rest);
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words() {
        let of = |text: &str, taken, columns| fold(text, taken, "  ", columns);
        assert_eq!(of("one two three", 0, None), "one two three");
        assert_eq!(of("one two three", 0, Some(13)), "one two three");
        assert_eq!(of("one two three", 0, Some(12)), "one two\n  three");
        assert_eq!(of("one two three", 3, Some(8)), "one\n  two\n  three");
        assert_eq!(of("one two three", 0, Some(7)), "one two\n  three");
        assert_eq!(of("a  b", 0, Some(2)), "a\n  b");
        assert_eq!(of("über alle", 0, Some(5)), "über\n  alle");
    }

    #[test]
    fn a_long_word_is_left_whole() {
        let of = |text: &str, columns| fold(text, 0, "  ", Some(columns));
        assert_eq!(of("incomprehensible", 5), "incomprehensible");
        assert_eq!(of("incomprehensible to me", 5), "incomprehensible\n  to\n  me");
        assert_eq!(of("   incomprehensible", 5), "   incomprehensible");
        assert_eq!(fold("all of it", 20, "  ", Some(10)), "all of it");
        assert_eq!(of("", 0), "");
    }
}
