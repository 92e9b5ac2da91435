//! Newtypes for the kernel's enumerations and flag sets.

use core::fmt::{self, Write as _};

/// A name as the kernel's tools write it: in lower case and without the prefix that all values of its type share. An unknown
/// value is its number.
pub(super) struct Short {
    pub(super) name: Option<&'static str>,
    pub(super) prefix: &'static str,
    pub(super) number: u32,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = self.name else { return write!(f, "{}", self.number) };
        let name = name.strip_prefix(self.prefix).unwrap_or(name);
        name.chars().try_for_each(|c| f.write_char(c.to_ascii_lowercase()))
    }
}

/// Declares an enumeration: a newtype, a constant for each value, and the values' names. `$what` is how an unknown value is
/// shown, before its number; `$prefix` is what the names begin with.
macro_rules! numbers {
    ($(#[$doc:meta])* $Type:ident, $what:literal, $prefix:literal { $($name:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $Type(pub u32);

        $(
            #[allow(missing_docs, reason = "the name is the kernel's")]
            pub const $name: $Type = $Type($value);
        )*

        impl $Type {
            /// All values of Linux 7.3, in the kernel's order.
            pub const ALL: &'static [$Type] = &[$($name,)*];

            /// The kernel's name; `None` for a number that Linux 7.3 does not have.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }

        impl $Type {
            #[doc = concat!("The name in lower case without `", $prefix, "`, as the kernel's tools write it; the number of an ")]
            /// unknown value.
            pub fn short(self) -> impl ::core::fmt::Display {
                super::number::Short { name: self.name(), prefix: $prefix, number: self.0 }
            }
        }

        impl ::core::fmt::Display for $Type {
            /// The kernel's name, or the number of an unknown value.
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!($what, " {}"), self.0),
                }
            }
        }

        impl ::core::fmt::Debug for $Type {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(super) use numbers;

/// Declares a set of flags: a newtype, a constant for each flag, and the flags' names. `also` are flags whose constants belong
/// to another set: in C, some names are flags of several commands.
macro_rules! flags {
    ($(#[$doc:meta])* $Type:ident { $($name:ident = $value:expr,)* } also { $($other:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $Type(pub u32);

        $(
            #[allow(missing_docs, reason = "the name is the kernel's")]
            pub const $name: $Type = $Type($value);
        )*

        #[allow(missing_docs, reason = "the names are the kernel's")]
        impl $Type {
            $(pub const $other: $Type = $Type($other.0);)*
        }

        impl $Type {
            /// All flags of Linux 7.3 with their names.
            pub const ALL: &'static [($Type, &'static str)] =
                &[$(($name, stringify!($name)),)* $(($Type::$other, stringify!($other)),)*];

            /// Whether any of `flags` is set.
            #[must_use]
            pub const fn has(self, flags: $Type) -> bool {
                self.0 & flags.0 != 0
            }

            /// The same set without `flags`.
            #[must_use]
            pub const fn without(self, flags: $Type) -> $Type {
                $Type(self.0 & !flags.0)
            }

            /// The names of the flags that are set, by bit; `Err` has a bit that Linux 7.3 gives no name.
            pub fn names(self) -> impl Iterator<Item = Result<&'static str, u32>> {
                (0..u32::BITS).map(|bit| 1 << bit).filter(move |bit| self.0 & bit != 0).map(|bit| {
                    Self::ALL.iter().find(|(flag, _)| flag.0 == bit).map(|(_, name)| *name).ok_or(bit)
                })
            }
        }

        impl ::core::ops::BitOr for $Type {
            type Output = $Type;

            fn bitor(self, other: $Type) -> $Type {
                $Type(self.0 | other.0)
            }
        }

        impl ::core::ops::BitOrAssign for $Type {
            fn bitor_assign(&mut self, other: $Type) {
                self.0 |= other.0;
            }
        }

        impl ::core::fmt::Display for $Type {
            /// The kernel's names, with ` | ` between them; `0` for no flags.
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                if self.0 == 0 {
                    return f.write_str("0");
                }
                for (index, name) in self.names().enumerate() {
                    if index > 0 {
                        f.write_str(" | ")?;
                    }
                    match name {
                        Ok(name) => f.write_str(name)?,
                        Err(bit) => write!(f, "{bit:#x}")?,
                    }
                }
                Ok(())
            }
        }

        impl ::core::fmt::Debug for $Type {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(super) use flags;
