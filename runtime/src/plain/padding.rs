//! Fields that are no members of the C struct, told by their names.

/// Whether a field holds nothing of meaning: `_align`, or `_pad` and at least one digit.
#[must_use]
pub const fn is_padding(field: &str) -> bool {
    matches!(field.as_bytes(), b"_align") || is_numbered(field, b"_pad")
}

/// Whether a field is no member of the C struct but what lies between them: padding, or `_bits` and at least one
/// digit, which generated structs have for bit-fields.
pub(super) const fn is_storage(field: &str) -> bool {
    is_padding(field) || is_numbered(field, b"_bits")
}

const fn is_numbered(field: &str, prefix: &[u8]) -> bool {
    let name = field.as_bytes();
    if name.len() <= prefix.len() {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        let right = if i < prefix.len() { name[i] == prefix[i] } else { name[i].is_ascii_digit() };
        if !right {
            return false;
        }
        i += 1;
    }
    true
}

/// A field's name without `r#`.
#[must_use]
pub const fn field_name(field: &str) -> &str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, padding) in [
            ("_align", true),
            ("_pad0", true),
            ("_pad123", true),
            ("_pad", false),
            ("_pad1x", false),
            ("pad1", false),
            ("_bits4", false),
        ] {
            assert_eq!(is_padding(name), padding, "{name}");
            assert_eq!(is_storage(name), padding || name == "_bits4", "{name}");
        }
        assert_eq!((field_name("r#type"), field_name("ty")), ("type", "ty"));
    }
}
