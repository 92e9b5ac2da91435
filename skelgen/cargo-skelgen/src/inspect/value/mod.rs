//! The initial value of a variable, from its bytes and its type.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use skelgen::Endian;
use skelgen::btf::{Bitfield, Btf, Composite, Member, Type, TypeId};

/// The deepest nesting of a value. Real types stay far below; in a damaged object a type may contain itself.
const MAX_DEPTH: usize = 32;

/// The most numbers that are decoded for one variable.
const MAX_NUMBERS: usize = 65_536;

/// A designator replaces at least this many zeros in a row in an array.
const LONG_RUN: usize = 4;

/// The initial value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Signed(i128),
    Unsigned(u128),
    Pointer(u64),
    Float(f64),
    /// An array of `char`, up to the zeros at its end.
    Text(String),
    /// An array, up to the zeros at its end.
    Array(Vec<Value>),
    /// The members of a struct or union that are not zero, with the members of anonymous members, as in C.
    Members(Vec<(String, Value)>),
}

/// A value, and whether there is more of it than was decoded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) value: Value,
    pub(super) complete: bool,
}

/// Decodes a value of type `ty`. `bytes` are all bytes of the variable. `None` for types without a value to show.
pub(super) fn decode(bytes: &[u8], ty: TypeId, btf: &Btf, endian: Endian) -> Option<Decoded> {
    let mut decoder = Decoder { btf, endian, left: MAX_NUMBERS };
    let value = decoder.value(bytes, ty, 0)?;
    Some(Decoded { value, complete: decoder.left > 0 })
}

/// The value of a variable without bytes: zero.
pub(super) fn zero(ty: TypeId, btf: &Btf, endian: Endian) -> Option<Decoded> {
    let value = match btf.get_resolved(ty) {
        Type::Array(array) if is_char(btf, array.elem) => Value::Text(String::new()),
        Type::Array(_) => Value::Array(Vec::new()),
        Type::Struct(_) | Type::Union(_) => Value::Members(Vec::new()),
        _ => return decode(&[0; 16], ty, btf, endian),
    };
    Some(Decoded { value, complete: true })
}

fn is_char(btf: &Btf, ty: TypeId) -> bool {
    matches!(btf.get_resolved(ty), Type::Int(int) if btf.name(int.name) == "char")
}

struct Decoder<'a> {
    btf: &'a Btf,
    endian: Endian,
    /// How many more numbers may be decoded. In a damaged struct members can overlap, so its size is not a limit.
    left: usize,
}

impl Decoder<'_> {
    fn value(&mut self, bytes: &[u8], ty: TypeId, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.left = self.left.saturating_sub(1);
        let exact = |size: u32| bytes.get(..usize::try_from(size).ok()?);
        Some(match self.btf.get_resolved(ty) {
            Type::Int(int) => {
                let bits = self.number(exact(int.size)?)?;
                match () {
                    () if int.is_bool() => Value::Bool(bits != 0),
                    () => number(bits, 8 * int.size, int.is_signed()),
                }
            }
            Type::Enum(ty) | Type::Enum64(ty) => number(self.number(exact(ty.size)?)?, 8 * ty.size, ty.signed),
            Type::Ptr(_) => Value::Pointer(u64::try_from(self.number(exact(8)?)?).ok()?),
            Type::Float(float) => {
                let bits = self.number(exact(float.size)?)?;
                Value::Float(match float.size {
                    4 => f32::from_bits(u32::try_from(bits).ok()?).into(),
                    8 => f64::from_bits(u64::try_from(bits).ok()?),
                    _ => return None,
                })
            }
            Type::Array(array) => {
                let size = self.btf.size_of(array.elem).ok().and_then(|size| usize::try_from(size).ok())?;
                let len = usize::try_from(array.len).ok()?;
                // A flexible array takes the rest of the variable.
                let bytes = if len == 0 { bytes } else { bytes.get(..len.checked_mul(size)?)? };
                self.array(bytes, array.elem, size, depth)?
            }
            Type::Struct(composite) => {
                exact(composite.size)?;
                let mut members = Vec::new();
                // Not only `size` bytes: a flexible array at the end takes those after the struct.
                self.members(bytes, composite, depth, &mut members)?;
                Value::Members(members)
            }
            Type::Union(composite) => {
                let mut members = Vec::new();
                self.union(exact(composite.size)?, composite, depth, &mut members)?;
                Value::Members(members)
            }
            _ => return None,
        })
    }

    /// The number in all of `bytes`.
    fn number(&self, bytes: &[u8]) -> Option<u128> {
        let mut wide = [0; 16];
        let size = Some(bytes.len()).filter(|size| matches!(size, 1..=16))?;
        Some(match self.endian {
            Endian::Little => {
                wide[..size].copy_from_slice(bytes);
                u128::from_le_bytes(wide)
            }
            Endian::Big => {
                wide[16 - size..].copy_from_slice(bytes);
                u128::from_be_bytes(wide)
            }
        })
    }

    fn array(&mut self, bytes: &[u8], elem: TypeId, size: usize, depth: usize) -> Option<Value> {
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        if is_char(self.btf, elem)
            && let Ok(text) = std::str::from_utf8(&bytes[..used])
        {
            return Some(Value::Text(text.to_owned()));
        }
        let mut elements = Vec::new();
        if size > 0 {
            // `used` may end inside an element.
            for element in bytes.chunks_exact(size).take(used.div_ceil(size)) {
                if self.left == 0 {
                    break;
                }
                elements.push(self.value(element, elem, depth + 1)?);
            }
        }
        Some(Value::Array(elements))
    }

    /// Appends the members of a struct that are not zero.
    fn members(
        &mut self,
        bytes: &[u8],
        composite: &Composite,
        depth: usize,
        into: &mut Vec<(String, Value)>,
    ) -> Option<()> {
        for member in &composite.members {
            if self.left == 0 {
                break;
            }
            self.member(bytes, member, depth, into)?;
        }
        Some(())
    }

    /// Appends one member, or for an anonymous one its members, if it is not zero.
    fn member(&mut self, bytes: &[u8], member: &Member, depth: usize, into: &mut Vec<(String, Value)>) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let value = match self.btf.bitfield(member) {
            Some(place) => self.bitfield(bytes, place, member.ty)?,
            None => {
                let bytes = bytes.get(usize::try_from(member.bit_offset / 8).ok()?..)?;
                let anonymous = self.btf.name(member.name).is_empty();
                match self.btf.get_resolved(member.ty) {
                    Type::Struct(inner) if anonymous => return self.members(bytes, inner, depth + 1, into),
                    Type::Union(inner) if anonymous => {
                        let size = usize::try_from(inner.size).ok()?;
                        return self.union(bytes.get(..size)?, inner, depth + 1, into);
                    }
                    _ => {}
                }
                // A flexible array inside this member must not take the bytes of later members.
                let size = self.btf.size_of(member.ty).ok().and_then(|size| usize::try_from(size).ok())?;
                let bytes = if size == 0 { bytes } else { bytes.get(..size)? };
                self.left = self.left.saturating_sub(1 + bytes.len() / 4096);
                if bytes.iter().all(|&byte| byte == 0) {
                    return Some(());
                }
                self.value(bytes, member.ty, depth + 1)?
            }
        };
        if !value.is_zero() {
            into.push((self.btf.name(member.name).to_owned(), value));
        }
        Some(())
    }

    /// Appends the member of a union that shows all of it: the first that covers every byte that is not zero.
    fn union(
        &mut self,
        bytes: &[u8],
        composite: &Composite,
        depth: usize,
        into: &mut Vec<(String, Value)>,
    ) -> Option<()> {
        let Some(last) = bytes.iter().rposition(|&byte| byte != 0) else { return Some(()) };
        let size = |member: &&Member| match self.btf.bitfield(member) {
            Some(place) => usize::from(place.width).div_ceil(8),
            None => self.btf.size_of(member.ty).ok().and_then(|size| usize::try_from(size).ok()).unwrap_or(0),
        };
        match composite.members.iter().find(|member| size(member) > last) {
            Some(member) => self.member(bytes, member, depth, into),
            None => Some(()),
        }
    }

    fn bitfield(&mut self, bytes: &[u8], place: Bitfield, ty: TypeId) -> Option<Value> {
        self.left = self.left.saturating_sub(1);
        let (signed, bool) = match self.btf.get_resolved(ty) {
            Type::Int(int) => (int.is_signed(), int.is_bool()),
            Type::Enum(ty) | Type::Enum64(ty) => (ty.signed, false),
            _ => return None,
        };
        let (start, width) = (place.offset, u32::from(place.width));
        let first = usize::try_from(start / 8).ok()?;
        let end = usize::try_from(start.checked_add(width)?.div_ceil(8)).ok()?;
        let bits = self.number(bytes.get(first..end)?)?;
        let shift = match self.endian {
            Endian::Little => start % 8,
            Endian::Big => u32::try_from(end).ok()? * 8 - start - width,
        };
        let bits = bits >> shift & (u128::MAX >> (128 - width));
        Some(if bool { Value::Bool(bits != 0) } else { number(bits, width, signed) })
    }
}

/// A number of so many `bits`, 1 to 128.
fn number(bits: u128, width: u32, signed: bool) -> Value {
    let unused = 128 - width;
    if signed { Value::Signed((bits << unused).cast_signed() >> unused) } else { Value::Unsigned(bits) }
}

impl Value {
    fn is_zero(&self) -> bool {
        match self {
            Value::Bool(value) => !value,
            Value::Signed(value) => *value == 0,
            Value::Unsigned(value) => *value == 0,
            Value::Pointer(value) => *value == 0,
            Value::Float(value) => value.to_bits() == 0,
            Value::Text(text) => text.is_empty(),
            Value::Array(elements) => elements.iter().all(Value::is_zero),
            Value::Members(members) => members.is_empty(),
        }
    }
}

impl Decoded {
    /// The value as C writes an initialiser, in `room` columns: `...` stands for elements and members without room.
    pub(super) fn initialiser(&self, room: usize) -> String {
        initialiser(&self.value, room, !self.complete)
    }
}

fn initialiser(value: &Value, room: usize, cut: bool) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Signed(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Pointer(value) => format!("{value:#x}"),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => literal(text, room),
        Value::Array(elements) => list(designated(elements), room, cut),
        Value::Members(members) => list(members.iter().map(|(name, value)| (format!(".{name} = "), value)), room, cut),
    }
}

/// The elements of an array; one that follows many zeros has its index, and the zeros are left out.
fn designated(elements: &[Value]) -> impl Iterator<Item = (String, &Value)> {
    let mut zeros = 0;
    elements.iter().enumerate().flat_map(move |(index, value)| {
        if value.is_zero() {
            zeros += 1;
            return Vec::new();
        }
        let skipped = std::mem::take(&mut zeros);
        if skipped >= LONG_RUN {
            return vec![(format!("[{index}] = "), value)];
        }
        elements[index - skipped..=index].iter().map(|value| (String::new(), value)).collect()
    })
}

fn list<'v>(items: impl Iterator<Item = (String, &'v Value)>, room: usize, cut: bool) -> String {
    const NOTHING: &str = "{ ... }";
    const CUT: &str = ", ... }";
    const END: &str = " }";
    let mut text = String::new();
    let mut items = items.peekable();
    while let Some((designator, value)) = items.next() {
        let before = if text.is_empty() { "{ " } else { ", " };
        let end = if cut || items.peek().is_some() { CUT } else { END };
        let taken = text.chars().count() + before.len() + designator.chars().count() + end.len();
        let value = initialiser(value, room.saturating_sub(taken), false);
        if taken + value.chars().count() > room || text.is_empty() && value == NOTHING {
            return if text.is_empty() { NOTHING.to_owned() } else { text + CUT };
        }
        text.extend([before, &designator, &value]);
    }
    match (text.is_empty(), cut) {
        (true, true) => NOTHING.to_owned(),
        (true, false) => "{}".to_owned(),
        (false, true) => text + CUT,
        (false, false) => text + END,
    }
}

/// A string literal.
fn literal(text: &str, room: usize) -> String {
    let mut literal = "\"".to_owned();
    let mut width = "\"\"...".len();
    for c in text.chars() {
        let shown = match c {
            '"' | '\\' => format!("\\{c}"),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            // Three digits, as a digit may follow.
            c if c.is_ascii_control() => format!("\\{:03o}", u32::from(c)),
            c if skelgen::is_unprintable(c) => skelgen::escaped(c),
            c => c.to_string(),
        };
        width += shown.chars().count();
        if width > room {
            return literal + "\"...";
        }
        literal.push_str(&shown);
    }
    literal + "\""
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Signed(value) => match i64::try_from(*value) {
                Ok(value) => serializer.serialize_i64(value),
                Err(_) => serializer.serialize_i128(*value),
            },
            Value::Unsigned(value) => match u64::try_from(*value) {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => serializer.serialize_u128(*value),
            },
            Value::Pointer(value) => serializer.serialize_u64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Array(elements) => {
                let mut seq = serializer.serialize_seq(Some(elements.len()))?;
                elements.iter().try_for_each(|element| seq.serialize_element(element))?;
                seq.end()
            }
            Value::Members(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
