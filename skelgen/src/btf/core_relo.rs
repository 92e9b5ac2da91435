//! What CO-RE relocations ask for, as C has it.
//!
//! An access is numbers (`0:2:1`): of a field the index of the object that its type's pointer is at, then those of members
//! and array elements; of an enumerator its own.

use super::{Btf, Type, TypeId};

/// `enum bpf_core_relo_kind`, without its prefix.
const KINDS: [&str; 13] = [
    "field_byte_offset",
    "field_byte_size",
    "field_exists",
    "field_signed",
    "field_lshift_u64",
    "field_rshift_u64",
    "type_id_local",
    "type_id_target",
    "type_exists",
    "type_size",
    "enumval_exists",
    "enumval_value",
    "type_matches",
];

impl Btf {
    /// The relocation in words: `field_byte_offset of struct task_struct.comm[2]`. What the types do not have is left as
    /// the numbers that it is.
    pub fn core_relo(&self, kind: u32, type_id: TypeId, access: &str) -> String {
        let kind_name = KINDS.get(kind as usize).map_or_else(|| format!("kind {kind}"), |&name| name.to_owned());
        let root = self.c_type(type_id);
        let what = match kind_name.split_once('_').map(|(of, _)| of) {
            Some("field") => self.field(type_id, access).map(|path| root.clone() + &path),
            Some("enumval") => self.enumerator(type_id, access).map(|name| format!("{root}::{name}")),
            Some("type") => Some(root.clone()),
            _ => None,
        };
        format!("{kind_name} of {}", what.unwrap_or_else(|| format!("{access} of {root}")))
    }

    /// `.comm[2]` for `0:0:2`.
    fn field(&self, root: TypeId, access: &str) -> Option<String> {
        let mut indexes = access.split(':').map(|index| index.parse::<usize>().ok());
        let mut path = match indexes.next()?? {
            0 => String::new(),
            index => format!("[{index}]"),
        };
        let mut id = root;
        for index in indexes {
            let index = index?;
            match self.get_resolved(id) {
                Type::Struct(composite) | Type::Union(composite) => {
                    let member = composite.members.get(index)?;
                    let name = self.name(member.name);
                    if !name.is_empty() {
                        path += &format!(".{name}");
                    }
                    id = member.ty;
                }
                Type::Array(array) => {
                    path += &format!("[{index}]");
                    id = array.elem;
                }
                _ => return None,
            }
        }
        Some(path)
    }

    fn enumerator(&self, id: TypeId, access: &str) -> Option<&str> {
        let (Type::Enum(of) | Type::Enum64(of)) = self.get_resolved(id) else { return None };
        Some(self.name(of.values.get(access.parse::<usize>().ok()?)?.name))
    }
}

#[cfg(test)]
mod tests {
    use crate::btf::Kind;
    use crate::btf::build::{Builder, everything};

    #[test]
    fn members_and_elements_have_their_names() {
        let btf = everything();
        let event = btf.find(Kind::Struct, "event").unwrap();
        assert_eq!(btf.core_relo(0, event, "0:2"), "field_byte_offset of struct event.ts");
        assert_eq!(btf.core_relo(2, event, "0:0:3"), "field_exists of struct event.comm[3]");
        assert_eq!(btf.core_relo(1, event, "1:1"), "field_byte_size of struct event[1].task");
        assert_eq!(btf.core_relo(9, event, "0"), "type_size of struct event");
        let big = btf.find(Kind::Enum64, "big").unwrap();
        assert_eq!(btf.core_relo(11, big, "1"), "enumval_value of enum big::SMALL");
    }

    #[test]
    fn members_without_a_name_are_passed_over() {
        let mut b = Builder::default();
        let int = b.int("int", 4, 0);
        let inner = b.union("", 4, &[("one", int, 0, 0), ("two", int, 0, 0)]);
        let outer = b.structure("outer", 8, &[("first", int, 0, 0), ("", inner, 32, 0)]);
        let name = b.typedef("outer_t", outer);
        assert_eq!(b.0.core_relo(5, name, "0:1:1"), "field_rshift_u64 of outer_t.two");
    }

    #[test]
    fn what_is_not_there_stays_a_number() {
        let btf = everything();
        let event = btf.find(Kind::Struct, "event").unwrap();
        for access in ["0:9", "0:2:0", "", "x", "0:x"] {
            assert_eq!(btf.core_relo(0, event, access), format!("field_byte_offset of {access} of struct event"));
        }
        assert_eq!(btf.core_relo(10, event, "0"), "enumval_exists of 0 of struct event");
        assert_eq!(btf.core_relo(13, event, "0"), "kind 13 of 0 of struct event");
    }
}
