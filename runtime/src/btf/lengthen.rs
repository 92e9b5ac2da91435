//! A data section of an object that is made longer, for the array at its end to have more elements.
//!
//! The array's type may be another variable's as well, so the last variable gets an array type of its own, behind all types:
//!
//! ```text
//!                        before                              after
//! DATASEC ".percpu"      104 bytes, the last 4 are `tail`    4096 bytes, the last 3996 are `tail`
//! VAR "tail"             of type 7                           of type 31
//! ARRAY, number 31                                           999 elements, otherwise as type 7
//! ```
//!
//! IDs of types stay as they are. `bpf_map__set_value_size` of libbpf does the same, with a new variable.

use super::blob::{Blob, RECORD_LEN, TypeId, put, u32_at};
use super::kind;
use super::types::Types;

/// Bytes behind the record of an array.
const ARRAY_LEN: usize = 12;
/// Bytes of `struct btf_var_secinfo`: variable, offset, size.
const SECINFO_LEN: usize = 12;
/// Offset of the size or type in a record.
const SIZE_OR_TYPE: usize = 8;

/// The same BTF with the data section `section` of `size` bytes; `None` if its last variable is not an array to which
/// whole elements can be added, or the BTF is damaged.
pub(crate) fn lengthen(btf: &[u8], section: TypeId, size: u32) -> Option<Vec<u8>> {
    let blob = Blob::parse(btf, None).ok()?;
    let types = Types::new(&blob, None);
    let datasec = types.get(section).filter(|ty| ty.kind() == kind::DATASEC)?;
    let last = datasec.rest().len().checked_sub(SECINFO_LEN)?;
    let (id, offset) = (TypeId(u32_at(datasec.rest(), last)?), u32_at(datasec.rest(), last + 4)?);
    let variable = types.get(id).filter(|ty| ty.kind() == kind::VAR)?;
    let array = types.resolve(variable.target()).filter(|ty| ty.kind() == kind::ARRAY)?;

    let bytes = size.checked_sub(offset)?;
    let element = types.size_of(array.array()?.0).filter(|&element| element != 0)?;
    let count = (bytes % element == 0).then_some(bytes / element)?;

    let mut record = [0; RECORD_LEN + ARRAY_LEN];
    put(&mut record, 4, kind::ARRAY << 24)?;
    record[RECORD_LEN..].copy_from_slice(array.rest().get(..ARRAY_LEN)?);
    put(&mut record, RECORD_LEN + 8, count)?;

    let (section, variable) = (blob.place(section)?, blob.place(id)?);
    let (own, mut edited) = blob.with_record(&record)?;
    put(&mut edited, variable + SIZE_OR_TYPE, own.0)?;
    put(&mut edited, section + SIZE_OR_TYPE, size)?;
    put(&mut edited, section + RECORD_LEN + last + 8, bytes)?;
    Some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::build::Builder;

    /// A section of `first` and then `tail`, of the type that `tail` makes of an integer of 4 bytes.
    fn section(tail: impl Fn(&mut Builder, u32) -> u32) -> (Builder, TypeId, TypeId) {
        let mut b = Builder::vmlinux();
        let int = b.add("int", kind::INT << 24, 4, &[32]);
        let ty = tail(&mut b, int);
        let first = b.add("first", kind::VAR << 24, ty, &[1]);
        let last = b.add("tail", kind::VAR << 24, ty, &[1]);
        let section = b.add(".percpu", kind::DATASEC << 24 | 2, 32, &[first, 0, 16, last, 16, 16]);
        b.add("after", kind::STRUCT << 24, 0, &[]);
        (b, TypeId(section), TypeId(last))
    }

    fn array(b: &mut Builder, of: u32, count: u32) -> u32 {
        b.add("", kind::ARRAY << 24, 0, &[of, 1, count])
    }

    #[test]
    fn the_last_variable_alone_has_more_elements() {
        let (mut b, section, last) = section(|b, int| {
            let array = array(b, int, 4);
            let constant = b.add("", kind::CONST << 24, array, &[]);
            b.add("own_t", kind::TYPEDEF << 24, constant, &[])
        });
        for layout in [&[][..], &[1, 2, 3, 4]] {
            b.layout = layout.to_vec();
            let before = b.bytes();
            // Once more from what the first time made.
            let once = lengthen(&before, section, 4096).unwrap();
            for (edited, size) in [(&once, 4096), (&lengthen(&once, section, 8192).unwrap(), 8192)] {
                let (old, blob) = (Blob::parse(&*before, None).unwrap(), Blob::parse(&**edited, None).unwrap());
                let (old, types) = (Types::new(&old, None), Types::new(&blob, None));
                let datasec = types.get(section).unwrap();
                assert_eq!((datasec.size(), types.name(datasec)), (size, &b".percpu"[..]));
                assert_eq!(datasec.rest()[..16], old.get(section).unwrap().rest()[..16]);
                assert_eq!([u32_at(datasec.rest(), 16), u32_at(datasec.rest(), 20)], [Some(16), Some(size - 16)]);
                let declared = |id| types.declaration(id).unwrap();
                assert_eq!(declared(last), format!("int tail[{}]", (size - 16) / 4));
                assert_eq!(types.size_of(types.get(last).unwrap().target()), Some(size - 16));
                // The other types are as they were, with their names.
                for id in old.own_ids().filter(|&id| id != section && id != last) {
                    let (old, new) = (old.get(id).unwrap(), types.get(id).unwrap());
                    assert_eq!((old.kind(), old.size(), old.rest()), (new.kind(), new.size(), new.rest()));
                }
                assert!(types.find(kind::STRUCT, "after").is_some());
                assert!(edited.ends_with(&b.layout));
            }
        }
    }

    #[test]
    fn elements_are_added_whole() {
        let (b, section, last) = section(|b, int| {
            let row = array(b, int, 2);
            array(b, row, 2)
        });
        for size in [0, 15, 33, 36, 44, u32::MAX] {
            assert_eq!(lengthen(&b.bytes(), section, size), None, "{size}");
        }
        let edited = lengthen(&b.bytes(), section, 40).unwrap();
        let blob = Blob::parse(edited, None).unwrap();
        assert_eq!(Types::new(&blob, None).declaration(last).unwrap(), "int tail[3][2]");
    }

    #[test]
    fn other_sections_are_left_alone() {
        let (b, section, last) = section(|b, int| b.add("whole_t", kind::TYPEDEF << 24, int, &[]));
        for id in [section, last, TypeId(0), TypeId(1), TypeId(99)] {
            assert_eq!(lengthen(&b.bytes(), id, 4096), None);
        }
        // Elements of no size, and a section of no variables.
        let (mut b, section, _) = self::section(|b, _| {
            let empty = b.add("empty", kind::STRUCT << 24, 0, &[]);
            array(b, empty, 4)
        });
        let without = b.add(".bss", kind::DATASEC << 24, 32, &[]);
        for id in [section, TypeId(without)] {
            assert_eq!(lengthen(&b.bytes(), id, 4096), None);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_give_btf() {
        let (b, section, _) = section(|b, int| array(b, int, 4));
        let whole = b.bytes();
        for at in 0..whole.len() {
            assert_eq!(lengthen(&whole[..at], section, 4096).filter(|_| at < 32), None);
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                if let Some(edited) = lengthen(&damaged, section, 4096) {
                    assert!(Blob::parse(edited, None).is_ok(), "byte {at} is {byte}");
                }
            }
        }
    }
}
