//! Jump tables: section `.jumptables`, whose words are addresses of instructions.
//!
//! Compilers make one for a `switch`, with a symbol as long as the table, and words that count bytes from the start of
//! the section of the function that jumps through it. Here a table belongs to that function, and counts slots from its
//! start, since the function may come to stand elsewhere.

use super::elf::{Elf, ElfReloc, Section};
use super::model::JumpTable;
use crate::insn::{INSN_SIZE, Insn};
use crate::{Endian, Error, Result};

/// Where compilers put the tables.
const JUMP_TABLES: &str = ".jumptables";

/// Bytes of a table's word.
const WORD: usize = 8;

/// The table that an `ld_imm64` in a function refers to, if it is one. The function starts at byte `start` of its
/// section.
pub(super) fn referred_to(elf: &Elf<'_>, reloc: &ElfReloc, insn: Insn, start: u64) -> Result<Option<JumpTable>> {
    let symbol = &elf.symbols[reloc.symbol];
    let section = symbol.section.and_then(|index| elf.section_at(index));
    let Some(section) = section.filter(|section| section.name == JUMP_TABLES && insn.is_ld_imm64()) else {
        return Ok(None);
    };
    if insn.imm != 0 {
        let what = format!("refers to {} bytes into the jump table `{}`, not to its start", insn.imm, symbol.name);
        return Err(Error::unsupported(what));
    }
    table(section, symbol.value, symbol.size, start, elf.endian)
        .map(Some)
        .map_err(|error| error.in_symbol(symbol.name.as_str()).in_section(JUMP_TABLES))
}

fn table(section: &Section<'_>, at: u64, size: u64, start: u64, endian: Endian) -> Result<JumpTable> {
    if let Some(reloc) = section.relocs.first() {
        let what = format!("byte {} holds an address, which is known only once it is loaded", reloc.offset);
        return Err(Error::unsupported(what));
    }
    let range = usize::try_from(at).ok().zip(usize::try_from(size).ok());
    let words = range.and_then(|(at, size)| section.data.get(at..at.checked_add(size)?)).ok_or_else(|| {
        Error::malformed(format!("{size} bytes from byte {at} are not inside the section's {}", section.size))
    })?;
    let (words, rest) = words.as_chunks::<WORD>();
    if words.is_empty() || !rest.is_empty() || !at.is_multiple_of(WORD as u64) {
        return Err(Error::malformed(format!("{size} bytes from byte {at} are not whole words of {WORD} bytes")));
    }
    let target = |word: &[u8; WORD]| {
        let address = endian.u64_at(word, 0).unwrap_or_default();
        // Both are far below what does not fit; where to is looked at once the function has its place.
        let slot = i64::try_from(address / INSN_SIZE as u64).ok().filter(|_| address.is_multiple_of(INSN_SIZE as u64));
        slot.map(|slot| slot - (start / INSN_SIZE as u64) as i64)
            .ok_or_else(|| Error::malformed(format!("byte {address:#x} is not the start of an instruction")))
    };
    Ok(JumpTable { offset: at, targets: words.iter().map(target).collect::<Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::elf::{SectionIdx, SectionKind};

    /// The table of `size` bytes at `at` of a section with the words 16, 40, 43 and the byte 0.
    fn parse(at: u64, size: u64, relocs: Vec<ElfReloc>) -> Result<JumpTable, String> {
        let mut data = [16u64, 40, 43].map(u64::to_be_bytes).concat();
        data.push(0);
        let section = Section {
            index: SectionIdx(1),
            name: JUMP_TABLES.to_owned(),
            kind: SectionKind::Data,
            size: data.len() as u64,
            data: &data,
            relocs,
        };
        table(&section, at, size, 24, Endian::Big).map_err(|error| error.to_string())
    }

    #[test]
    fn entries_count_slots_from_the_functions_start() {
        assert_eq!(parse(0, 16, Vec::new()), Ok(JumpTable { offset: 0, targets: vec![-1, 2] }));
        assert_eq!(parse(8, 8, Vec::new()), Ok(JumpTable { offset: 8, targets: vec![2] }));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let reloc = ElfReloc { offset: 8, symbol: 0, r_type: 2 };
        let table = [
            (parse(0, 0, Vec::new()), "0 bytes from byte 0 are not whole words of 8 bytes"),
            (parse(0, 12, Vec::new()), "12 bytes from byte 0 are not whole words of 8 bytes"),
            (parse(4, 8, Vec::new()), "8 bytes from byte 4 are not whole words of 8 bytes"),
            (parse(24, 8, Vec::new()), "8 bytes from byte 24 are not inside the section's 25"),
            (parse(u64::MAX, 8, Vec::new()), "8 bytes from byte 18446744073709551615 are not inside the section's 25"),
            (parse(16, 8, Vec::new()), "byte 0x2b is not the start of an instruction"),
            (parse(0, 8, vec![reloc]), "byte 8 holds an address, which is known only once it is loaded"),
        ];
        for (found, expected) in table {
            assert_eq!(found.unwrap_err(), expected);
        }
    }
}
