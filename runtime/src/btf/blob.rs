//! The bytes of one BTF, cut into records.
//!
//! ```text
//! header   u16 0xeb9f, u8 1, u8 flags, u32 its own length, then u32 offset and length, counted from its end, of
//!          types, of strings, and since Linux 7.1 of the layout: how long the records of each kind are
//! type     u32 name, u32 kind and flag and number of elements, u32 size or type; then what its kind has
//! ```

use std::ops::{Deref, Range};

use super::kind;
use crate::sys::kernel_file::KernelFile;
use crate::sys::uapi::{BTF_MAGIC, BTF_VERSION};

/// Bytes of a header without the layout, and of `struct btf_type`.
const HEADER_LEN: usize = 24;
pub(super) const RECORD_LEN: usize = 12;
/// Offsets in the header of the places and lengths of types, strings and layout.
const TYPES: usize = 8;
const STRINGS: usize = 16;
const LAYOUT: usize = 24;
/// Bytes of `struct btf_layout`.
const LAYOUT_LEN: usize = 4;

/// For each kind that Linux 7.3 has, bytes behind the record: so many, and so many for each element.
const KINDS: [(u8, u8); 20] = {
    let mut kinds = [(0, 0); 20];
    kinds[kind::INT as usize] = (4, 0);
    kinds[kind::ARRAY as usize] = (12, 0);
    kinds[kind::STRUCT as usize] = (0, 12);
    kinds[kind::UNION as usize] = (0, 12);
    kinds[kind::ENUM as usize] = (0, 8);
    kinds[kind::FUNC_PROTO as usize] = (0, 8);
    kinds[kind::VAR as usize] = (4, 0);
    kinds[kind::DATASEC as usize] = (0, 12);
    kinds[kind::DECL_TAG as usize] = (4, 0);
    kinds[kind::ENUM64 as usize] = (0, 12);
    kinds
};

/// A type's id; 0 is `void`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeId(pub(crate) u32);

/// Where a BTF's bytes are.
pub(crate) enum Bytes<'a> {
    Owned(Vec<u8>),
    Borrowed(&'a [u8]),
    Kernel(KernelFile),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Kernel(file) => file,
        }
    }
}

impl From<Vec<u8>> for Bytes<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::Owned(bytes)
    }
}

impl<'b> From<&'b [u8]> for Bytes<'b> {
    fn from(bytes: &'b [u8]) -> Self {
        Bytes::Borrowed(bytes)
    }
}

impl From<KernelFile> for Bytes<'_> {
    fn from(file: KernelFile) -> Self {
        Bytes::Kernel(file)
    }
}

/// A BTF, or what a module has on top of vmlinux's.
pub(crate) struct Blob<'b> {
    bytes: Bytes<'b>,
    strings: Range<usize>,
    /// Where each type's record is, and where the last one ends.
    records: Vec<u32>,
    /// Ids and string offsets before these are the base's.
    first_id: u32,
    first_string: u32,
}

/// A type's record.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) name: u32,
    pub(super) info: u32,
    /// The type's size, or another type.
    pub(super) size_or_type: u32,
    /// What the kind has behind that.
    pub(super) rest: &'a [u8],
}

impl<'b> Blob<'b> {
    /// Checks the header, and that each record lies inside.
    pub(crate) fn parse(bytes: impl Into<Bytes<'b>>, base: Option<&Blob<'_>>) -> Result<Blob<'b>, String> {
        let bytes = bytes.into();
        let header = Header::read(&bytes)?;
        let (first_id, first_string) = base.map_or((1, 0), |base| base.ends());
        let mut records = Vec::new();
        let mut at = header.types.start;
        loop {
            records.push(u32::try_from(at).map_err(|_| "it is longer than 4 GiB")?);
            if at >= header.types.end {
                return Ok(Blob { bytes, strings: header.strings, records, first_id, first_string });
            }
            at = record_end(&bytes, at, header.types.end, header.layout.clone())
                .map_err(|why| format!("type {} {why}", u64::from(first_id) + records.len() as u64 - 1))?;
        }
    }

    /// The first id and string offset of what comes on top of this.
    fn ends(&self) -> (u32, u32) {
        let (ids, strings) = (self.records.len() as u32 - 1, self.strings.len() as u32);
        (self.first_id.saturating_add(ids), self.first_string.saturating_add(strings))
    }

    /// The ids of its types.
    pub(super) fn ids(&self) -> impl Iterator<Item = TypeId> {
        (self.first_id..self.ends().0).map(TypeId)
    }

    /// The type with this id, if it is one of these.
    pub(super) fn record(&self, id: TypeId) -> Option<Record<'_>> {
        let index = id.0.checked_sub(self.first_id)? as usize;
        let (&start, &end) = (self.records.get(index)?, self.records.get(index + 1)?);
        let record = self.bytes.get(start as usize..end as usize)?;
        let word = |index: usize| u32_at(record, index * 4);
        let rest = record.get(RECORD_LEN..)?;
        Some(Record { name: word(0)?, info: word(1)?, size_or_type: word(2)?, rest })
    }

    /// Offset of the type's record in the bytes.
    pub(super) fn place(&self, id: TypeId) -> Option<usize> {
        let index = id.0.checked_sub(self.first_id)? as usize;
        self.records.get(index).filter(|_| index + 1 < self.records.len()).map(|&at| at as usize)
    }

    /// The bytes with one more record behind all others, and its ID. Records stay where they are; what lies behind them
    /// moves.
    pub(super) fn with_record(&self, record: &[u8]) -> Option<(TypeId, Vec<u8>)> {
        let at = *self.records.last()? as usize;
        let added = u32::try_from(record.len()).ok()?;
        let mut bytes = Vec::with_capacity(self.bytes.len() + record.len());
        for part in [self.bytes.get(..at)?, record, self.bytes.get(at..)?] {
            bytes.extend_from_slice(part);
        }
        let header_len = u32_at(&self.bytes, 4)?;
        let types_len = u32_at(&self.bytes, TYPES + 4)?;
        put(&mut bytes, TYPES + 4, types_len.checked_add(added)?)?;
        let parts = if header_len as usize >= HEADER_LEN + 8 { &[STRINGS, LAYOUT][..] } else { &[STRINGS] };
        for &part in parts {
            let offset = u32_at(&self.bytes, part)?;
            if (offset.checked_add(header_len)? as usize) >= at {
                put(&mut bytes, part, offset.checked_add(added)?)?;
            }
        }
        Some((TypeId(self.ends().0), bytes))
    }

    /// The string at `offset`, if it is one of these.
    pub(super) fn string(&self, offset: u32) -> Option<&[u8]> {
        self.strings_from(offset)?.split(|&byte| byte == 0).next()
    }

    /// The strings from `offset` on, if it is of one of these.
    pub(super) fn strings_from(&self, offset: u32) -> Option<&[u8]> {
        let at = offset.checked_sub(self.first_string)? as usize;
        self.bytes.get(self.strings.clone())?.get(at..).filter(|from| !from.is_empty())
    }
}

struct Header {
    types: Range<usize>,
    strings: Range<usize>,
    layout: Range<usize>,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Header, String> {
        let word = |index: usize| u32_at(bytes, index * 4).map(|word| word as usize);
        let first = bytes.first_chunk::<4>().ok_or("it is shorter than its header")?;
        let magic = u16::from_ne_bytes([first[0], first[1]]);
        if magic == BTF_MAGIC.swap_bytes() {
            return Err("it is of the other byte order".to_owned());
        }
        if magic != BTF_MAGIC || first[2] != BTF_VERSION {
            return Err("it does not begin as BTF of version 1".to_owned());
        }
        let len = word(1).filter(|&len| len >= HEADER_LEN && len <= bytes.len());
        let len = len.ok_or("its header is shorter or longer than can be")?;
        let part = |index: usize| {
            let start = len.checked_add(word(index)?)?;
            let end = start.checked_add(word(index + 1)?)?;
            (end <= bytes.len()).then_some(start..end)
        };
        let outside = "its types or strings are not inside";
        let layout = if len >= HEADER_LEN + 8 { part(6).ok_or(outside)? } else { 0..0 };
        Ok(Header { types: part(2).ok_or(outside)?, strings: part(4).ok_or(outside)?, layout })
    }
}

/// Where the record at `at` ends.
fn record_end(bytes: &[u8], at: usize, end: usize, layout: Range<usize>) -> Result<usize, String> {
    let info = u32_at(bytes, at + 4).ok_or("ends past the end")?;
    let number = kind::of(info);
    let (own, element) = match KINDS.get(number as usize) {
        Some(&sizes) if number > 0 => sizes,
        // A kind that came later: the kernel says how long its records are.
        _ => {
            let sizes = bytes.get(layout).and_then(|layout| layout.get(number as usize * LAYOUT_LEN..));
            let sizes = sizes.and_then(|sizes| sizes.first_chunk::<2>());
            sizes
                .map(|&[own, element]| (own, element))
                .ok_or_else(|| format!("is of kind {number}, which is unknown"))?
        }
    };
    let rest = usize::from(own) + usize::from(element) * kind::elements(info) as usize;
    at.checked_add(RECORD_LEN + rest).filter(|&past| past <= end).ok_or_else(|| "ends past the end".to_owned())
}

/// The word at `at`; `None` outside.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

/// Writes the word at `at`; `None` outside.
pub(super) fn put(bytes: &mut [u8], at: usize, word: u32) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut()? = word.to_ne_bytes();
    Some(())
}
