//! BTF put together by hand, for tests.

use super::kind;

/// A BTF under construction.
#[derive(Clone, Default)]
pub(crate) struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    pub(crate) layout: Vec<u8>,
    /// Ids and string offsets that a module's begin behind.
    ids: u32,
    first_string: u32,
}

impl Builder {
    pub(crate) fn vmlinux() -> Builder {
        // The empty string comes first.
        Builder { strings: vec![0], ..Builder::default() }
    }

    pub(crate) fn module(base: &Builder) -> Builder {
        Builder { ids: base.ids, first_string: base.strings.len() as u32, ..Builder::default() }
    }

    pub(crate) fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.first_string + self.strings.len() as u32;
        self.strings.extend(text.bytes());
        self.strings.push(0);
        at
    }

    pub(crate) fn add(&mut self, name: &str, info: u32, size_or_type: u32, rest: &[u32]) -> u32 {
        let name = self.string(name);
        let words = [name, info, size_or_type];
        self.types.extend(words.iter().chain(rest).flat_map(|word| word.to_ne_bytes()));
        self.ids += 1;
        self.ids
    }

    /// Members are name, type and the last word.
    pub(crate) fn composite(&mut self, name: &str, info: u32, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        let rest: Vec<u32> = members.iter().flat_map(|&(name, ty, offset)| [self.string(name), ty, offset]).collect();
        self.add(name, info | members.len() as u32, size, &rest)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (types, strings, layout) = (self.types.len() as u32, self.strings.len() as u32, self.layout.len() as u32);
        let magic = u16::to_ne_bytes(0xeb9f);
        let first = u32::from_ne_bytes([magic[0], magic[1], 1, 0]);
        let header = [first, 32, 0, types, types, strings, types + strings, layout];
        let header = header.iter().flat_map(|word| word.to_ne_bytes());
        header.chain([&self.types, &self.strings, &self.layout].into_iter().flatten().copied()).collect()
    }
}

/// In a record's `info`.
pub(crate) const STRUCT: u32 = kind::STRUCT << 24;
/// In a record's `info`.
pub(crate) const WITH_BITFIELDS: u32 = 1 << 31;
