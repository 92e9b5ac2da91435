//! The string section: NUL-ended strings, named by the offset of their first byte.

use super::StrOff;

/// The highest offset the kernel takes (`BTF_MAX_NAME_OFFSET`).
const MAX_OFFSET: usize = 0x00ff_ffff;

/// The bytes as they came, so that offsets stay what they are. The first and the last byte are NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strings(Vec<u8>);

impl Default for Strings {
    fn default() -> Self {
        Strings(vec![0])
    }
}

impl Strings {
    /// `None` unless the first and the last byte are NUL.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.first() == Some(&0) && bytes.last() == Some(&0)).then(|| Strings(bytes.to_vec()))
    }

    pub(super) fn contains(&self, at: StrOff) -> bool {
        (at.0 as usize) < self.0.len()
    }

    /// `None` past the end, and for what is not UTF-8.
    pub(super) fn get(&self, at: StrOff) -> Option<&str> {
        let rest = self.0.get(at.0 as usize..)?;
        let len = rest.iter().position(|&byte| byte == 0)?;
        std::str::from_utf8(&rest[..len]).ok()
    }

    pub(super) fn add(&mut self, text: &str) -> Option<StrOff> {
        let text = text.split('\0').next().unwrap_or("").as_bytes();
        let mut at = 0;
        for known in self.0.split(|&byte| byte == 0) {
            if known == text {
                return Some(StrOff(u32::try_from(at).ok()?));
            }
            at += known.len() + 1;
        }
        let at = self.0.len();
        if at > MAX_OFFSET {
            return None;
        }
        self.0.extend_from_slice(text);
        self.0.push(0);
        Some(StrOff(u32::try_from(at).ok()?))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_and_added_once() {
        let mut strings = Strings::parse(b"\0int\0unsigned int\0").unwrap();
        assert_eq!(strings.get(StrOff(1)), Some("int"));
        assert_eq!(strings.get(StrOff(14)), Some("int"), "tails are strings too");
        assert_eq!(strings.get(StrOff(18)), None);
        assert_eq!(strings.add("int"), Some(StrOff(1)));
        assert_eq!(strings.add(""), Some(StrOff(0)));
        assert_eq!(strings.add("long\0er"), Some(StrOff(18)));
        assert_eq!(strings.add("long"), Some(StrOff(18)));
        assert_eq!(strings.get(StrOff(18)), Some("long"));
    }

    #[test]
    fn strings_begin_and_end_with_nul() {
        for bytes in [&b""[..], b"a", b"a\0", b"\0a"] {
            assert_eq!(Strings::parse(bytes), None);
        }
        assert_eq!(Strings::parse(b"\0"), Some(Strings::default()));
        assert_eq!(Strings::parse(b"\0\xff\0").unwrap().get(StrOff(1)), None);
    }
}
