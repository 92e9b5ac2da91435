//! Fields and C members by their names.

use syn::Error;
use syn::ext::IdentExt;

use super::layout::{CMember, CValue};
use super::shape::Shape;
use crate::nearest::nearest;

/// A field that C has too.
pub(super) struct Pair {
    /// Index into the fields of the struct.
    pub(super) field: usize,
    /// Index into the members in C.
    pub(super) member: usize,
}

/// The fields that C has too. Those that it does not have are errors, and so are members that Rust does not have.
pub(super) fn compare(shape: &Shape<'_>, c: &CValue, errors: &mut Vec<Error>) -> Vec<Pair> {
    let names: Vec<_> = shape.fields.iter().map(|(ident, _)| ident.unraw().to_string()).collect();
    let mut missing: Vec<&CMember> =
        c.members.iter().filter(|member| member.required && !names.contains(&member.name)).collect();
    let mut pairs = Vec::new();
    for (field, name) in names.iter().enumerate() {
        if let Some(member) = c.members.iter().position(|member| member.name == *name) {
            pairs.push(Pair { field, member });
        } else if !is_storage(name) {
            let meant = nearest(name, missing.iter().map(|member| member.name.as_str())).map(ToOwned::to_owned);
            // What was meant is told once.
            missing.retain(|member| Some(&member.name) != meant.as_ref());
            let hint = match meant {
                _ if c.bitfields.contains(name) => {
                    "; a bit-field is no field: cover its bytes with one named `_pad` and a number".to_owned()
                }
                Some(meant) => format!("; did you mean `{meant}`?"),
                None if name.contains("pad") => "; padding is named `_pad` and a number".to_owned(),
                None => String::new(),
            };
            let what = format!("no {} `{name}` in {}{hint}", c.noun, c.place);
            errors.push(Error::new(shape.fields[field].0.span(), what));
        }
    }
    if !missing.is_empty() {
        let fields = if missing.len() == 1 { "a field" } else { "fields" };
        let lines: String = missing.iter().map(|member| line(member)).collect();
        let what = format!("`{}` lacks {fields} for what is in {}:{lines}", shape.ident, c.place);
        errors.push(Error::new_spanned(shape.ident, what));
    }
    pairs
}

/// The member as C declares it, on a line of its own; and its name in Rust if that is another.
fn line(member: &CMember) -> String {
    let CMember { name, declaration, offset, .. } = member;
    let is_c_name = declaration.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name);
    let rust = if is_c_name { String::new() } else { format!(", here `{name}`") };
    format!("\n  {declaration}, at offset {offset}{rust}")
}

/// Whether a field stands for bytes without a member: padding, as in the runtime's `plain::is_padding`, or bit-fields.
pub(crate) fn is_storage(name: &str) -> bool {
    let is_numbered = |prefix| {
        let number = name.strip_prefix(prefix).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    name == "_align" || is_numbered("_pad") || is_numbered("_bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_keep_bit_fields_are_numbered() {
        assert_eq!(["_bits4", "_bits", "_bits4x", "bits4"].map(is_storage), [true, false, false, false]);
    }
}
