//! C types for the compiler: BTF to `skelgen_runtime::plain::compare`, whose rules say what of a type counts.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use skelgen::Result;
use skelgen::btf::{Btf, Composite, Enum, Int, Kind, Type, TypeId};
use skelgen::emit::types::Members;
use skelgen::object::Var;
use syn::ext::IdentExt;

/// `compare::CType`.
pub(crate) enum CType {
    Int { bytes: u32, signed: Option<bool> },
    Bool,
    Float { bytes: u32 },
    Array { len: u32, of: Box<CType> },
    Struct { name: String, bytes: u32, members: Vec<CMember> },
    Opaque { bytes: u32 },
}

/// `compare::CMember`.
pub(crate) struct CMember {
    pub(crate) name: String,
    pub(crate) declaration: String,
    pub(crate) offset: u32,
    pub(crate) ty: CType,
    pub(crate) required: bool,
}

/// `compare::CValue`.
pub(crate) struct CValue {
    pub(crate) place: String,
    pub(crate) bytes: u32,
    pub(crate) members: Vec<CMember>,
    /// What one of them is called: `variable`, `member`.
    pub(crate) noun: &'static str,
    /// The names of its bit-fields, which are no members.
    pub(crate) bitfields: Vec<String>,
}

/// The variables of a section.
pub(crate) fn variables(btf: &Btf, vars: &[Var]) -> Result<Vec<CMember>> {
    let idents = Members::default().claim_all(vars.iter().map(|var| var.name.as_str()));
    let member = |(var, ident): (&Var, Ident)| {
        Ok(CMember {
            name: ident.unraw().to_string(),
            declaration: btf.c_declaration(var.type_id, &var.name),
            offset: var.offset,
            ty: c_type(btf, var.type_id).map_err(|error| error.in_symbol(var.name.as_str()))?,
            required: true,
        })
    };
    vars.iter().zip(idents).map(member).collect()
}

/// The members of a struct that are no bit-fields.
pub(crate) fn members(btf: &Btf, ty: &Composite) -> Result<Vec<CMember>> {
    let mut members = Vec::new();
    for (member, ident) in ty.members.iter().zip(Members::default().claim_members(btf, ty)) {
        let Some(ident) = ident else { continue };
        let c_name = btf.name(member.name);
        members.push(CMember {
            name: ident.unraw().to_string(),
            declaration: btf.c_declaration(member.ty, c_name),
            offset: member.bit_offset / 8,
            ty: c_type(btf, member.ty)?,
            required: !c_name.is_empty(),
        });
    }
    Ok(members)
}

/// The names of the members of a struct that are bit-fields.
pub(crate) fn bitfields(btf: &Btf, ty: &Composite) -> Vec<String> {
    let bitfields = ty.members.iter().filter(|member| btf.bitfield(member).is_some());
    bitfields.map(|member| btf.name(member.name).to_owned()).collect()
}

fn c_type(btf: &Btf, id: TypeId) -> Result<CType> {
    Ok(match btf.get_resolved(id) {
        Type::Int(int) => c_int(btf, int),
        Type::Float(float) if matches!(float.size, 4 | 8) => CType::Float { bytes: float.size },
        Type::Ptr(_) => CType::Int { bytes: 8, signed: Some(false) },
        Type::Enum(ty) | Type::Enum64(ty) => CType::Int { bytes: ty.size, signed: enum_sign(btf, id, ty) },
        Type::Array(array) => CType::Array { len: array.len, of: Box::new(c_type(btf, array.elem)?) },
        Type::Struct(ty) => CType::Struct { name: btf.c_type(id), bytes: ty.size, members: members(btf, ty)? },
        _ => CType::Opaque { bytes: btf.size_of(id)? },
    })
}

fn c_int(btf: &Btf, int: &Int) -> CType {
    match int.size {
        1 if int.is_bool() => CType::Bool,
        // Whether `char` has a sign is up to the machine.
        1 if btf.name(int.name) == "char" => CType::Int { bytes: 1, signed: None },
        1 | 2 | 4 | 8 | 16 => CType::Int { bytes: int.size, signed: Some(int.is_signed()) },
        bytes => CType::Opaque { bytes },
    }
}

/// Compilers before clang 16 do not say whether an enum has a sign: one with values that could be negative may have.
fn enum_sign(btf: &Btf, id: TypeId, ty: &Enum) -> Option<bool> {
    let could_be_negative = |value: i64| value < 0 || value > i64::from(i32::MAX);
    let is_old = btf.get_resolved(id).kind() == Some(Kind::Enum) && !ty.signed;
    let is_unknown = is_old && ty.values.iter().any(|value| could_be_negative(value.value));
    (!is_unknown).then_some(ty.signed)
}

impl CType {
    /// The constant; `compare` is the path of the runtime's module.
    fn tokens(&self, compare: &TokenStream) -> TokenStream {
        match self {
            CType::Int { bytes, signed } => {
                let (bytes, signed) = (size(*bytes), option(*signed));
                quote!(#compare::CType::Int { bytes: #bytes, signed: #signed })
            }
            CType::Bool => quote!(#compare::CType::Bool),
            CType::Float { bytes } => {
                let bytes = size(*bytes);
                quote!(#compare::CType::Float { bytes: #bytes })
            }
            CType::Array { len, of } => {
                let (len, of) = (size(*len), of.tokens(compare));
                quote!(#compare::CType::Array { len: #len, of: &#of })
            }
            CType::Struct { name, bytes, members } => {
                let (bytes, members) = (size(*bytes), list(members, compare));
                quote!(#compare::CType::Struct { name: #name, bytes: #bytes, members: #members })
            }
            CType::Opaque { bytes } => {
                let bytes = size(*bytes);
                quote!(#compare::CType::Opaque { bytes: #bytes })
            }
        }
    }
}

impl CValue {
    /// The constant; `compare` is the path of the runtime's module.
    pub(crate) fn tokens(&self, compare: &TokenStream) -> TokenStream {
        let (place, bytes, members) = (&self.place, size(self.bytes), list(&self.members, compare));
        quote!(#compare::CValue { place: #place, bytes: #bytes, members: #members })
    }
}

fn list(members: &[CMember], compare: &TokenStream) -> TokenStream {
    let members = members.iter().map(|CMember { name, declaration, offset, ty, required }| {
        let (offset, ty) = (size(*offset), ty.tokens(compare));
        quote! {
            #compare::CMember {
                name: #name, declaration: #declaration, offset: #offset, ty: #ty, required: #required,
            }
        }
    });
    quote!(&[#(#members),*])
}

fn size(bytes: u32) -> proc_macro2::Literal {
    proc_macro2::Literal::u32_unsuffixed(bytes)
}

fn option(signed: Option<bool>) -> TokenStream {
    match signed {
        Some(signed) => quote!(::core::option::Option::Some(#signed)),
        None => quote!(::core::option::Option::None),
    }
}
