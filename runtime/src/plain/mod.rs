//! Values that are nothing but bytes: what a map holds, typed.
//!
//! BPF programs and the kernel write the memory that generated types describe, so a type here must be sound for
//! whatever they write. [`Plain`] is that promise; [`plain!`](crate::plain!) declares a struct and has the compiler
//! prove the promise, so that generated code needs no `unsafe` of its own.
#![allow(unsafe_code, reason = "reading a value as its bytes, and bytes as a value")]

mod bits;
mod bytes;
#[doc(hidden)]
pub mod compare;
mod fit;
mod foreign;
mod layout;
mod macros;
mod numbers;
mod padding;
mod room;
mod shown;
mod union;
mod value;
mod wrappers;

pub use bits::{bits, set_bits, signed_bits};
pub use bytes::Plain;
pub(crate) use fit::{begins, boxed_fitting};
pub use layout::{FieldLayout, TypeLayout};
#[doc(hidden)]
pub use macros::{Boxed, Byte, plain_size};
use padding::is_storage;
#[doc(hidden)]
pub use padding::{field_name, is_padding};
pub(crate) use room::Room;
pub(crate) use shown::Shown;
#[doc(hidden)]
pub use union::read_boxed;
pub use union::{read, write};
pub use value::Value;
#[doc(hidden)]
pub use value::{rest, rest_mut};
pub use wrappers::{Bool, Unaligned};

#[cfg(test)]
mod tests {
    use super::*;

    crate::plain! {
        /// A struct with everything.
        #[derive(Eq)]
        struct Event {
            /// With a doc.
            pid: u32,
            r#type: Bool,
            _pad5: [u8; 3],
            grid: [[u16; 2]; 3],
            packed: Unaligned<u32>,
        }

        struct Empty {}

        struct OfUnion {
            _align: [u64; 0],
            bytes: [u8; 16],
        }
    }

    crate::plain_enum! {
        #[repr(i32)]
        /// An enum with a twin and a negative.
        enum Color {
            RED = 0,
            Blue = -7,
            CRIMSON = 0,
        }
    }

    fn event() -> Event {
        Event { pid: 7, r#type: true.into(), grid: [[1, 2], [3, 4], [5, 6]], packed: 9.into(), ..Event::default() }
    }

    #[test]
    fn bytes_go_out_and_back() {
        let event = event();
        let bytes = event.as_bytes().to_vec();
        assert_eq!(bytes.len(), 24);
        assert_eq!(Event::from_bytes(&bytes), Some(event));
        assert_eq!(Event::boxed_from_bytes(&bytes).as_deref(), Some(&event));
        assert_eq!(Event::from_bytes(&bytes[1..]), None);
        assert_eq!(Event::boxed_from_bytes(&[0; 25]), None);
        let mut other = Event::zeroed();
        other.as_bytes_mut().copy_from_slice(&bytes);
        assert_eq!(other, event);
        assert_eq!(Empty::default().as_bytes(), [0u8; 0]);
        assert_eq!((size_of::<OfUnion>(), align_of::<OfUnion>()), (16, align_of::<u64>()));
    }

    #[test]
    fn padding_is_neither_compared_nor_shown() {
        let noisy = Event { _pad5: [1, 2, 3], ..event() };
        assert_eq!(noisy, event());
        assert_ne!(noisy, Event { pid: 8, ..noisy });
        assert_eq!(format!("{noisy:?}"), "Event { pid: 7, type: true, grid: [[1, 2], [3, 4], [5, 6]], packed: 9 }");
    }

    #[test]
    fn an_enum_takes_any_value() {
        assert_eq!(format!("{:?} {:?} {:?}", Color::CRIMSON, Color::Blue, Color(3)), "RED Blue Color(3)");
        assert_eq!(Color::default(), Color::RED);
        assert_eq!(Color::from_bytes(&[0xff; 4]), Some(Color(-1)));
        assert_eq!((Color::from(4), i32::from(Color(5))), (Color(4), 5));
    }
}
