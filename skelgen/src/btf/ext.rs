//! `.BTF.ext`: what the compiler says of the instructions of each section.

use std::collections::BTreeMap;

use super::parse::{header_len, part};
use super::{Btf, StrOff, TypeId};
use crate::{Endian, Error, Result};

/// The header up to and with line_info; objects from before CO-RE end it there.
const HEADER_LEN: usize = 24;
const HEADER_LEN_CORE: usize = 32;

/// `.BTF.ext`, by the name of the section whose instructions it describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BtfExt {
    sections: BTreeMap<String, SectionExt>,
}

/// What is said of one section, each list in the order of the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SectionExt {
    /// `func_info`.
    pub funcs: Vec<FuncRecord>,
    /// `line_info`.
    pub lines: Vec<LineRecord>,
    /// `core_relo`.
    pub core_relos: Vec<CoreReloRecord>,
}

/// Where a function begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncRecord {
    /// In bytes from the start of the section; a multiple of 8.
    pub offset: u32,
    /// Its `BTF_KIND_FUNC`.
    pub type_id: TypeId,
}

/// Where the code of a source line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRecord {
    /// In bytes from the start of the section; a multiple of 8.
    pub offset: u32,
    /// The source file's name.
    pub file: StrOff,
    /// The source line's text.
    pub line: StrOff,
    /// Line number << 10 | column.
    pub line_col: u32,
}

/// An instruction that depends on the layout of the target's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreReloRecord {
    /// In bytes from the start of the section; a multiple of 8.
    pub offset: u32,
    /// The root type of the access.
    pub type_id: TypeId,
    /// The access, as in `0:1:2`.
    pub access: StrOff,
    /// `enum bpf_core_relo_kind`.
    pub kind: u32,
}

impl BtfExt {
    /// Parses the bytes of `.BTF.ext`, whose ids and strings are those of `btf`.
    pub fn parse(bytes: &[u8], endian: Endian, btf: &Btf) -> Result<BtfExt> {
        parse(bytes, endian, btf).map_err(|error| error.in_section(".BTF.ext"))
    }

    /// What is said of the section; `None` if nothing is.
    pub fn section(&self, name: &str) -> Option<&SectionExt> {
        self.sections.get(name)
    }

    /// All sections, by name.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &SectionExt)> {
        self.sections.iter().map(|(name, section)| (name.as_str(), section))
    }
}

fn parse(bytes: &[u8], endian: Endian, btf: &Btf) -> Result<BtfExt> {
    let header = header_len(bytes, endian, HEADER_LEN)?;
    let mut ext = BtfExt::default();
    let table = |i: usize, what: &'static str, min: usize| -> Result<Table<'_>> {
        let field = |i: usize| endian.u32_at(bytes, 8 + 4 * i).unwrap_or(0);
        let bytes = part(bytes, header, field(2 * i), field(2 * i + 1))
            .ok_or_else(|| Error::malformed(format!("{what} ends past the end")))?;
        Ok(Table { what, min, bytes, endian, btf })
    };
    let type_id = |id: u32| Some(TypeId(id)).filter(|id| btf.contains(*id)).ok_or("type");
    let string = |at: u32| Some(StrOff(at)).filter(|at| btf.has_str(*at)).ok_or("string");

    table(0, "func_info", 8)?.each(|name, [offset, id, ..]| {
        ext.at(name).funcs.push(FuncRecord { offset, type_id: type_id(id)? });
        Ok(())
    })?;
    table(1, "line_info", 16)?.each(|name, [offset, file, line, line_col]| {
        ext.at(name).lines.push(LineRecord { offset, file: string(file)?, line: string(line)?, line_col });
        Ok(())
    })?;
    if header >= HEADER_LEN_CORE {
        table(2, "core_relo", 16)?.each(|name, [offset, id, access, kind]| {
            let record = CoreReloRecord { offset, type_id: type_id(id)?, access: string(access)?, kind };
            ext.at(name).core_relos.push(record);
            Ok(())
        })?;
    }
    Ok(ext)
}

impl BtfExt {
    fn at(&mut self, name: &str) -> &mut SectionExt {
        self.sections.entry(name.to_owned()).or_default()
    }
}

/// One of the three tables: the size of a record, then for each section its name, a count and that many records.
struct Table<'a> {
    what: &'static str,
    /// How many bytes of a record are known; newer compilers may append to it.
    min: usize,
    bytes: &'a [u8],
    endian: Endian,
    btf: &'a Btf,
}

impl Table<'_> {
    /// Calls `record` with each record's section and its first four words, of which those past `min` are 0. What it
    /// returns as an error is what the record refers to in vain.
    fn each(&self, mut record: impl FnMut(&str, [u32; 4]) -> Result<(), &'static str>) -> Result<()> {
        let what = self.what;
        if self.bytes.is_empty() {
            return Ok(());
        }
        let short = || Error::malformed(format!("{what} ends past the end"));
        let word = |at: usize| self.endian.u32_at(self.bytes, at).ok_or_else(short);
        let size = word(0)? as usize;
        if size < self.min || !size.is_multiple_of(4) {
            return Err(Error::malformed(format!("{what} has records of {size} bytes")));
        }
        let mut at = 4;
        while at < self.bytes.len() {
            let name = self.btf.name(StrOff(word(at)?));
            let count = word(at + 4)? as usize;
            at += 8;
            if name.is_empty() {
                return Err(Error::malformed(format!("{what} of a section without a name")));
            }
            let end = count.checked_mul(size).and_then(|len| at.checked_add(len)).ok_or_else(short)?;
            for raw in self.bytes.get(at..end).ok_or_else(short)?.chunks_exact(size) {
                let mut words = [0; 4];
                for (i, word) in words.iter_mut().enumerate().take(self.min / 4) {
                    *word = self.endian.u32_at(raw, 4 * i).unwrap_or(0);
                }
                if words[0] % 8 != 0 {
                    let offset = words[0];
                    return Err(Error::malformed(format!("{what} of {name} at {offset}, inside an instruction")));
                }
                record(name, words).map_err(|missing| {
                    Error::malformed(format!("{what} of {name} at {} refers to no {missing}", words[0]))
                })?;
            }
            at = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::build::everything;
    use super::*;
    use crate::uapi::{BTF_MAGIC, BTF_VERSION};

    /// `.BTF.ext` with the given sizes of records, each padded with 0xff, describing section `at`.
    fn ext_bytes(endian: Endian, at: StrOff, tables: &[(u32, &[&[u32]])]) -> Vec<u8> {
        let mut body = Vec::new();
        let mut places = Vec::new();
        for (size, records) in tables {
            let start = body.len() as u32;
            for word in [*size, at.0, records.len() as u32] {
                endian.put_u32(&mut body, word);
            }
            for record in *records {
                for i in 0..*size as usize / 4 {
                    endian.put_u32(&mut body, record.get(i).copied().unwrap_or(u32::MAX));
                }
            }
            places.push((start, body.len() as u32 - start));
        }
        let mut bytes = Vec::new();
        endian.put_u16(&mut bytes, BTF_MAGIC);
        bytes.extend_from_slice(&[BTF_VERSION, 0]);
        endian.put_u32(&mut bytes, 8 + 8 * places.len() as u32);
        for (start, len) in places {
            endian.put_u32(&mut bytes, start);
            endian.put_u32(&mut bytes, len);
        }
        bytes.extend_from_slice(&body);
        bytes
    }

    #[test]
    fn ext_in_both_orders_with_longer_records() {
        let mut btf = everything();
        let section = btf.add_str("tp/exec").unwrap();
        for endian in [Endian::Little, Endian::Big] {
            for more in [0, 4, 8] {
                let funcs: &[&[u32]] = &[&[0, 3], &[16, 4]];
                let lines: &[&[u32]] = &[&[8, 1, 5, 7 << 10 | 3]];
                let relos: &[&[u32]] = &[&[24, 2, 1, 6]];
                let tables = [(8 + more, funcs), (16 + more, lines), (16 + more, relos)];
                let ext = BtfExt::parse(&ext_bytes(endian, section, &tables), endian, &btf).unwrap();
                let expected = SectionExt {
                    funcs: [(0, 3), (16, 4)].map(|(offset, id)| FuncRecord { offset, type_id: TypeId(id) }).to_vec(),
                    lines: vec![LineRecord { offset: 8, file: StrOff(1), line: StrOff(5), line_col: 7 << 10 | 3 }],
                    core_relos: vec![CoreReloRecord { offset: 24, type_id: TypeId(2), access: StrOff(1), kind: 6 }],
                };
                assert_eq!(ext.sections().collect::<Vec<_>>(), [("tp/exec", &expected)]);
                assert_eq!(ext.section("tp/exec"), Some(&expected));
                let before_core = BtfExt::parse(&ext_bytes(endian, section, &tables[..2]), endian, &btf).unwrap();
                assert_eq!(before_core.section("tp/exec").unwrap().core_relos, []);
            }
        }
    }

    #[test]
    fn broken_ext() {
        let mut btf = everything();
        let section = btf.add_str("xdp").unwrap();
        let table: &[(StrOff, u32, &[u32], &str)] = &[
            (section, 4, &[0], "func_info has records of 4 bytes"),
            (section, 10, &[0], "func_info has records of 10 bytes"),
            (section, 8, &[4, 1], "func_info of xdp at 4, inside an instruction"),
            (section, 8, &[8, 9999], "func_info of xdp at 8 refers to no type"),
            (StrOff(0), 8, &[8, 1], "func_info of a section without a name"),
        ];
        for &(at, size, record, expected) in table {
            let bytes = ext_bytes(Endian::Little, at, &[(size, &[record]), (16, &[])]);
            let error = BtfExt::parse(&bytes, Endian::Little, &btf).unwrap_err().to_string();
            assert!(error.starts_with("section .BTF.ext: ") && error.contains(expected), "{error}");
        }
    }

    proptest! {
        #[test]
        fn changed_ext_never_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let btf = everything();
            let lines: &[&[u32]] = &[&[8, 1, 5, 3], &[16, 1, 5, 3]];
            let mut bytes = ext_bytes(Endian::Little, StrOff(1), &[(8, &[&[0, 3]]), (16, lines), (16, &[&[24, 2, 1, 6]])]);
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let _ = BtfExt::parse(&bytes, Endian::Little, &btf);
        }
    }
}
