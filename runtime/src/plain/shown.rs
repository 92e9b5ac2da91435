//! Bytes shown as the value that they are, for reports and errors.

use std::fmt;

use super::layout::TypeLayout;
use super::union::read;

/// Bytes shown as the value that they are.
pub(crate) struct Shown<'a>(pub(crate) &'a TypeLayout, pub(crate) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Shown(layout, bytes) = self;
        let part = |offset: usize, size: usize| bytes.get(offset..).unwrap_or_default().get(..size).unwrap_or_default();
        match layout {
            TypeLayout::Int { signed: false, .. } => integer(bytes).fmt(f),
            TypeLayout::Int { signed: true, bytes: size } => {
                let shift = 128 - 8 * (*size as u32).clamp(1, 16);
                ((integer(bytes) << shift).cast_signed() >> shift).fmt(f)
            }
            TypeLayout::Bool => (integer(part(0, 1)) != 0).fmt(f),
            TypeLayout::Float { bytes: 4 } => read::<f32>(bytes).fmt(f),
            TypeLayout::Float { .. } => read::<f64>(bytes).fmt(f),
            TypeLayout::Array { len, of } => {
                let elements = (0..*len).map(|index| Shown(of, part(index * of.size(), of.size())).to_string());
                write!(f, "[{}]", elements.collect::<Vec<_>>().join(" "))
            }
            TypeLayout::Struct { .. } => {
                let fields = layout.named_fields();
                let fields = fields.map(|(name, at, of)| format!("{name}: {}", Shown(of, part(at, of.size()))));
                write!(f, "{{{}}}", fields.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// Up to 16 bytes as a number without a sign, in this machine's byte order.
fn integer(bytes: &[u8]) -> u128 {
    let push = |number: u128, byte: &u8| number << 8 | u128::from(*byte);
    if cfg!(target_endian = "little") {
        bytes.iter().take(16).rev().fold(0, push)
    } else {
        bytes.iter().take(16).fold(0, push)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;
    use crate::plain::Room;

    fn shown<T: Value>(value: &T) -> String {
        Shown(&T::LAYOUT, Room::new().filled(value)).to_string()
    }

    crate::plain! {
        struct Inner { low: i16, _pad2: [u8; 2] }
        struct Outer { r#type: u32, inner: [Inner; 2] }
    }

    #[test]
    fn bytes_are_shown_as_what_they_are() {
        assert_eq!(
            (shown(&7u8), shown(&u64::MAX), shown(&u128::MAX)),
            ("7".into(), u64::MAX.to_string(), u128::MAX.to_string())
        );
        assert_eq!(
            (shown(&-7i8), shown(&i128::MIN), shown(&i64::MIN)),
            ("-7".into(), i128::MIN.to_string(), i64::MIN.to_string())
        );
        assert_eq!((shown(&1.5f32), shown(&-0.25f64), shown(&true)), ("1.5".into(), "-0.25".into(), "true".into()));
        let outer = Outer { r#type: 9, inner: [Inner { low: -1, _pad2: [9; 2] }, Inner::default()] };
        assert_eq!(shown(&outer), "{type: 9 inner: [{low: -1} {low: 0}]}");
        assert_eq!(format!("{:>4}|", Shown(&TypeLayout::unsigned(1), &[5])), "   5|");
        // No bytes at all.
        assert_eq!(Shown(&Outer::LAYOUT, &[]).to_string(), "{type: 0 inner: [{low: 0} {low: 0}]}");
    }
}
