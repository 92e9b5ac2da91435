//! The macros that generated types are declared with.

use super::bytes::Plain;

/// Declares structs whose fields are [`Plain`](crate::plain::Plain), and proves that they are so too.
///
/// A struct becomes `#[repr(C)]` and gets `Clone`, `Copy`, `Debug`, `PartialEq`, `Default` (all bytes 0) and `Plain`. It
/// does not compile unless every field is `Plain` and the fields' sizes add up to its own, which leaves no room for
/// implicit padding. Padding is written out, as a field named `_pad` and a number: those are neither compared nor
/// shown, since nobody promises what they hold. More attributes and derives can be added.
///
/// ```
/// skelgen_runtime::plain! {
///     /// `struct event`
///     #[derive(Eq, Hash)]
///     pub struct Event { pub pid: u32, pub _pad4: [u8; 4], pub ts: u64 }
/// }
/// ```
#[macro_export]
macro_rules! plain {
    ($(
        $(#[$attr:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_attr:meta])* $field_vis:vis $field:ident : $ty:ty),* $(,)?
        }
    )*) => {$(
        $(#[$attr])*
        #[repr(C)]
        #[derive(::core::clone::Clone, ::core::marker::Copy)]
        #[allow(non_snake_case, reason = "the names are C's")]
        $vis struct $name {
            $($(#[$field_attr])* $field_vis $field: $ty),*
        }

        const _: () = {
            ::core::assert!(
                ::core::mem::size_of::<$name>() == 0 $(+ $crate::plain::plain_size::<$ty>())*,
                ::core::concat!("`", ::core::stringify!($name), "` has implicit padding"),
            );
        };

        // SAFETY: the constant above does not compile unless each field is `Plain` and there are no bytes between them
        // or behind them; what holds for the fields then holds for the struct.
        unsafe impl $crate::plain::Plain for $name {}

        $crate::plain_value! {
            $name,
            $crate::plain::TypeLayout::Struct {
                name: ::core::stringify!($name),
                bytes: ::core::mem::size_of::<$name>(),
                fields: &[$($crate::plain::FieldLayout {
                    name: ::core::stringify!($field),
                    offset: ::core::mem::offset_of!($name, $field),
                    layout: <$ty as $crate::Value>::LAYOUT,
                }),*],
            }
        }

        impl ::core::default::Default for $name {
            /// All bytes 0.
            fn default() -> Self {
                <Self as $crate::plain::Plain>::zeroed()
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let mut out = f.debug_struct(::core::stringify!($name));
                $(if !$crate::plain::is_padding(::core::stringify!($field)) {
                    out.field($crate::plain::field_name(::core::stringify!($field)), &self.$field);
                })*
                out.finish()
            }
        }

        impl ::core::cmp::PartialEq for $name {
            #[allow(unused_variables, reason = "a struct may have no fields")]
            fn eq(&self, other: &Self) -> ::core::primitive::bool {
                true $(&& ($crate::plain::is_padding(::core::stringify!($field)) || self.$field == other.$field))*
            }
        }
    )*};
}

/// Declares C enums: a number of which some values have names, and every value is allowed.
///
/// It is written as an enum, whose `repr` stands first, and becomes a struct of that number with a constant for each
/// name.
///
/// ```
/// skelgen_runtime::plain_enum! {
///     #[repr(u32)]
///     /// `enum color`
///     pub enum Color { RED = 0, GREEN = 1 }
/// }
/// assert_eq!(format!("{:?} {:?}", Color::RED, Color(7)), "RED Color(7)");
/// ```
#[macro_export]
macro_rules! plain_enum {
    ($(
        #[repr($number:ident)]
        $(#[$attr:meta])*
        $vis:vis enum $name:ident {
            $($(#[$value_attr:meta])* $value_name:ident = $value:expr),* $(,)?
        }
    )*) => {$(
        $(#[$attr])*
        #[repr(transparent)]
        #[derive(
            ::core::clone::Clone,
            ::core::marker::Copy,
            ::core::default::Default,
            ::core::cmp::PartialEq,
            ::core::cmp::Eq,
            ::core::cmp::PartialOrd,
            ::core::cmp::Ord,
            ::core::hash::Hash,
        )]
        $vis struct $name($vis $number);

        #[allow(non_upper_case_globals, reason = "the names are C's")]
        impl $name {
            $($(#[$value_attr])* $vis const $value_name: Self = Self($value);)*
        }

        const _: ::core::primitive::usize = $crate::plain::plain_size::<$number>();

        // SAFETY: transparently a type that the constant above found to be `Plain`.
        unsafe impl $crate::plain::Plain for $name {}

        $crate::plain_value! { $name, <$number as $crate::Value>::LAYOUT }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $(if *self == Self::$value_name {
                    return f.write_str($crate::plain::field_name(::core::stringify!($value_name)));
                })*
                f.debug_tuple(::core::stringify!($name)).field(&self.0).finish()
            }
        }

        impl ::core::convert::From<$number> for $name {
            fn from(value: $number) -> Self {
                Self(value)
            }
        }

        impl ::core::convert::From<$name> for $number {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )*};
}

/// Implements [`Value`](crate::Value) for a [`Plain`](crate::Plain) type.
#[doc(hidden)]
#[macro_export]
macro_rules! plain_value {
    ($name:ty, $layout:expr) => {
        impl $crate::Value for $name {
            const LAYOUT: $crate::plain::TypeLayout = $layout;

            fn read(bytes: &[$crate::plain::Byte]) -> Self {
                $crate::plain::read(bytes)
            }

            fn read_boxed(bytes: &[$crate::plain::Byte]) -> $crate::plain::Boxed<Self> {
                $crate::plain::read_boxed(bytes)
            }

            fn write(&self, bytes: &mut [$crate::plain::Byte]) {
                $crate::plain::write(bytes, self);
            }
        }
    };
}

/// A `Box`, for macros used where that may be something else.
pub type Boxed<T> = Box<T>;

/// A `u8`, for macros used where that may be something else.
pub type Byte = u8;

/// The size of a type that is [`Plain`]; does not compile for others.
#[must_use]
pub const fn plain_size<T: Plain>() -> usize {
    size_of::<T>()
}
