//! The Rust type of a value of a C type.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::{Place, TypeEmitter, quoted};
use crate::btf::{Enum, Float, Int, Type, TypeId};
use crate::{Error, Result};

/// The integer with the enum's size and sign.
pub(super) fn number(ty: &Enum) -> Option<Ident> {
    let sign = if ty.signed { 'i' } else { 'u' };
    matches!(ty.size, 1 | 2 | 4 | 8).then(|| format_ident!("{sign}{}", 8 * ty.size))
}

/// A Rust type as it is written where it is used.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) tokens: TokenStream,
    /// In bytes; the same as in C.
    pub(super) size: u32,
    /// At most what C has, and no more on any machine.
    pub(super) align: u32,
    /// How deep the types in it nest.
    pub(super) height: usize,
    /// Of arrays, the element and how many.
    elem: Option<(Box<Value>, u32)>,
}

impl Value {
    pub(super) fn new(tokens: TokenStream, size: u32, align: u32) -> Self {
        Value { tokens, size, align, height: 0, elem: None }
    }

    pub(super) fn of_height(self, height: usize) -> Self {
        Value { height, ..self }
    }

    pub(super) fn bytes(size: u32) -> Self {
        let len = Literal::u32_unsuffixed(size);
        Value::new(quote!([u8; #len]), size, 1)
    }

    fn array(elem: Value, len: u32) -> Option<Self> {
        let (size, align, height) = (elem.size.checked_mul(len)?, elem.align, elem.height + 1);
        let (tokens, count) = (&elem.tokens, Literal::u32_unsuffixed(len));
        Some(Value { tokens: quote!([#tokens; #count]), size, align, height, elem: Some((Box::new(elem), len)) })
    }

    /// The value, or its size as an error if it is larger than `size`.
    pub(super) fn within(self, size: u32) -> std::result::Result<Self, u32> {
        if self.size > size { Err(self.size) } else { Ok(self) }
    }

    /// Changes the length of an array; other values stay.
    pub(super) fn set_len(&mut self, len: u32) {
        if let Some(longer) = self.elem.take().and_then(|(elem, _)| Value::array(*elem, len)) {
            *self = longer;
        }
    }

    /// The same bytes at any address. Arrays stay arrays, so that their elements can be reached one by one.
    pub(super) fn unaligned(self, rt: &TokenStream) -> Self {
        if self.align == 1 {
            return self;
        }
        let (size, height) = (self.size, self.height);
        match self.elem {
            Some((elem, len)) => {
                let elem = elem.unaligned(rt);
                let (tokens, count) = (&elem.tokens, Literal::u32_unsuffixed(len));
                Value { tokens: quote!([#tokens; #count]), size, align: 1, height, elem: Some((Box::new(elem), len)) }
            }
            None => {
                let tokens = self.tokens;
                Value::new(quote!(#rt::Unaligned<#tokens>), size, 1).of_height(height)
            }
        }
    }
}

impl TypeEmitter<'_> {
    /// The Rust type for `id`, which is defined if it must be.
    pub(super) fn value(&mut self, id: TypeId, place: Place<'_>) -> Result<Value> {
        let btf = self.btf;
        let resolved = btf.resolve(id);
        match btf.get(resolved) {
            Type::Int(int) => Ok(self.int(int)),
            Type::Float(float) => Ok(float_value(float)),
            Type::Ptr(_) => Ok(Value::new(quote!(u64), 8, 8)),
            Type::Struct(_) | Type::Union(_) | Type::Array(_) if self.is_too_deep(resolved, place) => {
                Ok(Value::bytes(btf.size_of(resolved)?))
            }
            Type::Array(array) => {
                let elem = self.value(array.elem, Place { depth: place.depth + 1, ..place })?;
                Value::array(elem, array.len)
                    .ok_or_else(|| Error::too_large(format!("{} is larger than 4 GiB", quoted(&btf.c_type(id)))))
            }
            Type::Struct(ty) | Type::Union(ty) if self.is_opaque(resolved) => Ok(Value::bytes(ty.size)),
            Type::Struct(ty) => self.structure(resolved, ty, place),
            Type::Union(ty) => self.union(resolved, ty, place),
            Type::Enum(ty) | Type::Enum64(ty) if self.is_opaque(resolved) => Ok(integer(ty)),
            Type::Enum(ty) | Type::Enum64(ty) => self.enumeration(resolved, ty, place),
            _ => Err(Error::unresolved(format!("{} has no size", quoted(&btf.c_type(id))))),
        }
    }

    /// Whether a type, or a type in it, would nest deeper than `MAX_DEPTH`.
    fn is_too_deep(&self, id: TypeId, place: Place<'_>) -> bool {
        let height = self.known.get(&id).and_then(Option::as_ref).map_or(0, |value| value.height);
        place.depth + height > super::MAX_DEPTH
    }

    /// Whether the user wants no definition of this type.
    pub(super) fn is_opaque(&self, id: TypeId) -> bool {
        self.option_name(id).is_some_and(|name| self.options.is_opaque(name))
    }

    fn int(&self, int: &Int) -> Value {
        let rt = &self.rt;
        let tokens = match (int.size, int.is_signed()) {
            (1, _) if int.is_bool() => quote!(#rt::Bool),
            // Whether `char` has a sign is up to the machine; what it holds is text.
            (1, _) if self.btf.name(int.name) == "char" => quote!(u8),
            (1, false) => quote!(u8),
            (1, true) => quote!(i8),
            (2, false) => quote!(u16),
            (2, true) => quote!(i16),
            (4, false) => quote!(u32),
            (4, true) => quote!(i32),
            (8, false) => quote!(u64),
            (8, true) => quote!(i64),
            (16, false) => quote!(u128),
            (16, true) => quote!(i128),
            (size, _) => return Value::bytes(size),
        };
        Value::new(tokens, int.size, int.size)
    }
}

/// An enum without its names.
fn integer(ty: &Enum) -> Value {
    number(ty).map_or_else(|| Value::bytes(ty.size), |number| Value::new(quote!(#number), ty.size, ty.size))
}

fn float_value(float: &Float) -> Value {
    match float.size {
        4 => Value::new(quote!(f32), 4, 4),
        8 => Value::new(quote!(f64), 8, 8),
        size => Value::bytes(size),
    }
}
