//! The string section: NUL-ended strings, named by the offset of their first byte.

use std::collections::HashMap;

use super::StrOff;

/// The highest offset the kernel takes (`BTF_MAX_NAME_OFFSET`).
const MAX_OFFSET: usize = 0x00ff_ffff;

/// The bytes as they came, so that offsets stay what they are. The first and the last byte are NUL.
#[derive(Clone, Debug)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    /// The first offset of each whole string; empty until a string is added.
    known: HashMap<Box<[u8]>, u32>,
}

impl PartialEq for Strings {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Strings {}

impl Default for Strings {
    fn default() -> Self {
        Strings { bytes: vec![0], known: HashMap::new() }
    }
}

impl Strings {
    /// `None` unless the first and the last byte are NUL.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let is_whole = bytes.first() == Some(&0) && bytes.last() == Some(&0);
        is_whole.then(|| Strings { bytes: bytes.to_vec(), known: HashMap::new() })
    }

    pub(super) fn contains(&self, at: StrOff) -> bool {
        (at.0 as usize) < self.bytes.len()
    }

    /// `None` past the end, and for what is not UTF-8.
    pub(super) fn get(&self, at: StrOff) -> Option<&str> {
        let rest = self.bytes.get(at.0 as usize..)?;
        let len = rest.iter().position(|&byte| byte == 0)?;
        std::str::from_utf8(&rest[..len]).ok()
    }

    pub(super) fn add(&mut self, text: &str) -> Option<StrOff> {
        let text = text.split('\0').next().unwrap_or("").as_bytes();
        if self.known.is_empty() {
            self.index();
        }
        if let Some(&at) = self.known.get(text) {
            return Some(StrOff(at));
        }
        let at = self.bytes.len();
        if at > MAX_OFFSET {
            return None;
        }
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        let at = u32::try_from(at).ok()?;
        self.known.insert(text.into(), at);
        Some(StrOff(at))
    }

    /// Fills `known`.
    fn index(&mut self) {
        let mut at = 0;
        for text in self.bytes.split(|&byte| byte == 0) {
            let Ok(start) = u32::try_from(at) else { return };
            self.known.entry(text.into()).or_insert(start);
            at += text.len() + 1;
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
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
