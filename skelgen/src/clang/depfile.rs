//! What a source included, as clang tells `make`.

use std::path::PathBuf;

/// The prerequisites of the one rule that `-MD` wrote, in its order: `object: source header \` and so on. In names, ` ` and
/// `#` are escaped with a `\`, and `$` is doubled.
pub(super) fn files(rule: &str) -> Vec<PathBuf> {
    // The target's name may have a colon, but not one before a space.
    let Some((_, prerequisites)) = rule.split_once(": ") else { return Vec::new() };
    let (mut files, mut name) = (Vec::new(), String::new());
    let mut chars = prerequisites.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\n')) => {}
            ('\\', Some('\r')) => {}
            ('\\', Some(&escaped @ (' ' | '#'))) | ('$', Some(&escaped @ '$')) => {
                name.push(escaped);
                chars.next();
            }
            (c, _) if c.is_whitespace() => files.extend(take(&mut name)),
            (c, _) => name.push(c),
        }
    }
    files.extend(take(&mut name));
    files
}

fn take(name: &mut String) -> Option<PathBuf> {
    (!name.is_empty()).then(|| PathBuf::from(std::mem::take(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let rule =
            "/out/a.bpf.o: src/a.bpf.c src/with\\ space.h \\\n  /usr/include/linux/bpf.h src/\\#1.h \\\r\n src/$$.h\n";
        let expected = ["src/a.bpf.c", "src/with space.h", "/usr/include/linux/bpf.h", "src/#1.h", "src/$.h"];
        assert_eq!(files(rule), expected.map(PathBuf::from));
        assert!(files("").is_empty() && files("a.o:\n").is_empty());
    }
}
