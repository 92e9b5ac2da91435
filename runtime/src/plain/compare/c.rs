//! The C side of a comparison.

/// What a C type is, as far as Rust can be compared to it.
#[derive(Clone, Copy, Debug)]
pub enum CType {
    /// An integer, an enum or a pointer.
    Int {
        /// How many bytes.
        bytes: usize,
        /// Whether it can be negative; `None` if that is not known, and either will do.
        signed: Option<bool>,
    },
    /// `_Bool`.
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
        of: &'static CType,
    },
    /// A struct.
    Struct {
        /// As C writes it: `struct call_range`.
        name: &'static str,
        /// How many bytes.
        bytes: usize,
        /// The members that are no bit-fields.
        members: &'static [CMember],
    },
    /// What is compared by its size only: unions, and numbers of sizes that Rust does not have.
    Opaque {
        /// How many bytes.
        bytes: usize,
    },
}

/// A member of a struct, or a variable of a section.
#[derive(Clone, Copy, Debug)]
pub struct CMember {
    /// Its name in Rust, without `r#`.
    pub name: &'static str,
    /// As C declares it: `__u64 by_class[4]`.
    pub declaration: &'static str,
    /// Bytes from the start.
    pub offset: usize,
    /// What it is.
    pub ty: CType,
    /// Whether Rust must have it: members without a name may be left out.
    pub required: bool,
}

/// What a Rust struct is compared to: a section, or the value of a map.
#[derive(Clone, Copy, Debug)]
pub struct CValue {
    /// Of which object and what in it.
    pub place: &'static str,
    /// How many bytes.
    pub bytes: usize,
    /// The variables or members.
    pub members: &'static [CMember],
}

impl CType {
    /// How many bytes it has.
    #[must_use]
    pub const fn size(&self) -> usize {
        match *self {
            CType::Int { bytes, .. } | CType::Float { bytes } => bytes,
            CType::Struct { bytes, .. } | CType::Opaque { bytes } => bytes,
            CType::Bool => 1,
            CType::Array { len, of } => len * of.size(),
        }
    }
}
