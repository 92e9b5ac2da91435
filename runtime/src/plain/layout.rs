//! What the bytes of a value mean, told to the compiler: the Rust side of a comparison with C.

use super::padding::{field_name, is_padding};

/// What the bytes of a [`Value`](crate::Value) mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeLayout {
    /// An integer, an enum, or a pointer.
    Int {
        /// How many bytes.
        bytes: usize,
        /// Whether it can be negative.
        signed: bool,
    },
    /// One byte, true unless it is 0.
    Bool,
    /// A floating-point number.
    Float {
        /// How many bytes.
        bytes: usize,
    },
    /// Elements one after the other.
    Array {
        /// How many.
        len: usize,
        /// Each of them.
        of: &'static TypeLayout,
    },
    /// Named fields.
    Struct {
        /// The type's name.
        name: &'static str,
        /// How many bytes, padding included.
        bytes: usize,
        /// The fields by rising offset; those that are [padding](is_padding) mean nothing.
        fields: &'static [FieldLayout],
    },
}

/// A field of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Its name, maybe with `r#`.
    pub name: &'static str,
    /// Bytes from the struct's start.
    pub offset: usize,
    /// What it is.
    pub layout: TypeLayout,
}

impl TypeLayout {
    /// An integer without a sign.
    #[must_use]
    pub const fn unsigned(bytes: usize) -> TypeLayout {
        TypeLayout::Int { bytes, signed: false }
    }

    /// An integer with a sign.
    #[must_use]
    pub const fn signed(bytes: usize) -> TypeLayout {
        TypeLayout::Int { bytes, signed: true }
    }

    /// A floating-point number.
    #[must_use]
    pub const fn float(bytes: usize) -> TypeLayout {
        TypeLayout::Float { bytes }
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn size(&self) -> usize {
        match *self {
            TypeLayout::Int { bytes, .. } | TypeLayout::Float { bytes } | TypeLayout::Struct { bytes, .. } => bytes,
            TypeLayout::Bool => 1,
            TypeLayout::Array { len, of } => len * of.size(),
        }
    }

    /// The fields of a struct that mean something, without `r#`; none of anything else.
    pub(crate) fn named_fields(&self) -> impl Iterator<Item = (&'static str, usize, &'static TypeLayout)> {
        let fields = match *self {
            TypeLayout::Struct { fields, .. } => fields,
            _ => &[],
        };
        let fields = fields.iter().filter(|field| !is_padding(field.name));
        fields.map(|field| (field_name(field.name), field.offset, &field.layout))
    }
}
