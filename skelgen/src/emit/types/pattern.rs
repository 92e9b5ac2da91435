//! Which types an option is for.

use std::fmt;

/// Which types: a name in which `*` is any characters and `?` any one.
///
/// A type's name is that in C without `struct`, `union` or `enum`, a nameless type's that of its typedef, a section's its
/// own with the dot; what has none of these goes by its name in Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Whether it is of this name.
    pub fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether it names one type and no other.
    pub(super) fn is_exact(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// As it was given.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Pattern {
    fn from(text: T) -> Self {
        Pattern(text.into())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Where to go on if the last `*` is to be longer by one.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, n));
            }
            Some(&c) if c == b'?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    (p, n) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("pair", "pair", true),
            ("pair", "pairs", false),
            ("pair", "pai", false),
            ("*", "", true),
            ("*", ".percpu", true),
            (".percpu*", ".percpu.custom", true),
            ("flow_*", "flow", false),
            ("*_t", "u_t_t", true),
            ("*_t", "u_t_", false),
            ("a*b*c", "a_b_b_cc", true),
            ("a*b*c", "a_c_b", false),
            ("p?d", "pid", true),
            ("p?d", "pd", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::from(pattern).matches(name), expected, "{pattern} {name}");
        }
    }
}
