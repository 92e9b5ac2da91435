//! A value in the bytes of its variable.

use crate::desc::{KconfigDesc, KconfigType};

/// The values of a section's variables, as far as they are known.
pub(super) struct Values<'a> {
    externs: &'a [KconfigDesc<'a>],
    known: Vec<bool>,
    /// The section's bytes, 0 where nothing is known.
    pub(super) bytes: Vec<u8>,
}

impl<'a> Values<'a> {
    pub(super) fn new(externs: &'a [KconfigDesc<'a>], size: u32) -> Values<'a> {
        Values { externs, known: vec![false; externs.len()], bytes: vec![0; size as usize] }
    }

    /// What the variables are.
    pub(super) fn externs(&self) -> &'a [KconfigDesc<'a>] {
        self.externs
    }

    /// The variables whose values are not known.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'a KconfigDesc<'a>> {
        self.externs.iter().zip(&self.known).filter_map(|(desc, known)| (!known).then_some(desc))
    }

    /// The variable of this name, by its index, unless its value is known: the first value counts.
    pub(super) fn unknown(&self, name: &[u8]) -> Option<usize> {
        let index = self.externs.iter().position(|desc| desc.name.as_bytes() == name)?;
        (!self.known[index]).then_some(index)
    }

    /// Takes what is behind an option's `=`.
    ///
    /// # Errors
    ///
    /// Why the variable cannot have it.
    pub(super) fn set(&mut self, index: usize, value: &[u8]) -> Result<(), String> {
        match value {
            [letter @ (b'y' | b'n' | b'm'), ..] => self.set_letter(index, *letter),
            [b'"', text @ ..] => self.set_text(index, text),
            _ => {
                let number = number(value).ok_or_else(|| format!("`{}` is no integer", shown(value)))?;
                match self.externs[index].ty {
                    KconfigType::Char { .. } | KconfigType::Int { .. } => self.set_number(index, number),
                    ty => Err(format!("`{}` is an integer, the variable {}", shown(value), takes(ty))),
                }
            }
        }
    }

    fn set_letter(&mut self, index: usize, letter: u8) -> Result<(), String> {
        let number = match (self.externs[index].ty, letter) {
            (KconfigType::Char { .. }, _) => letter,
            (KconfigType::Bool | KconfigType::Tristate, b'n') => 0,
            (KconfigType::Bool | KconfigType::Tristate, b'y') => 1,
            (KconfigType::Tristate, _) => 2,
            (ty, _) => return Err(format!("it is `{}`, the variable {}", char::from(letter), takes(ty))),
        };
        self.write(index, number.into());
        Ok(())
    }

    /// Text with its closing quote.
    fn set_text(&mut self, index: usize, text: &[u8]) -> Result<(), String> {
        let KconfigDesc { offset, size, ty, .. } = self.externs[index];
        if ty != KconfigType::String {
            return Err(format!("it is text, the variable {}", takes(ty)));
        }
        let Some((b'"', text)) = text.split_last() else {
            return Err(format!("`\"{}` has no closing quote", shown(text)));
        };
        // A 0 stays behind it.
        let text = &text[..text.len().min(size.saturating_sub(1) as usize)];
        if let Some(room) = self.bytes.get_mut(offset as usize..).and_then(|rest| rest.get_mut(..text.len())) {
            room.copy_from_slice(text);
        }
        self.known[index] = true;
        Ok(())
    }

    /// Takes a number, of which a negative one is the two's complement.
    ///
    /// # Errors
    ///
    /// Why the variable cannot have it.
    pub(super) fn set_number(&mut self, index: usize, number: u64) -> Result<(), String> {
        let KconfigDesc { size, ty, .. } = self.externs[index];
        let signed = match ty {
            KconfigType::Bool if number > 1 => return Err(format!("{number} is neither 0 nor 1, as a bool is")),
            KconfigType::Bool => false,
            KconfigType::Char { signed } | KconfigType::Int { signed } => signed,
            KconfigType::Tristate | KconfigType::String => {
                return Err(format!("{number} is an integer, the variable {}", takes(ty)));
            }
        };
        if !fits(number, size, signed) {
            let number = if signed { number.cast_signed().to_string() } else { number.to_string() };
            let kind = if signed { "signed" } else { "unsigned" };
            return Err(format!("{number} does not fit {kind} {} bits", size.saturating_mul(8)));
        }
        self.write(index, number);
        Ok(())
    }

    /// The number's low bytes, as many as the variable has.
    fn write(&mut self, index: usize, number: u64) {
        let KconfigDesc { offset, size, .. } = self.externs[index];
        let (all, len) = (number.to_ne_bytes(), (size as usize).min(8));
        let low = if cfg!(target_endian = "little") { &all[..len] } else { &all[8 - len..] };
        if let Some(room) = self.bytes.get_mut(offset as usize..).and_then(|rest| rest.get_mut(..len)) {
            room.copy_from_slice(low);
        }
        self.known[index] = true;
    }
}

/// Whether `size` bytes can hold the number.
fn fits(number: u64, size: u32, signed: bool) -> bool {
    match (size, signed) {
        (8.., _) => true,
        // From -2^(bits - 1) to 2^(bits - 1) - 1, all moved up by 2^(bits - 1).
        (1.., true) => number.wrapping_add(1 << (size * 8 - 1)) < 1 << (size * 8),
        (1.., false) => number >> (size * 8) == 0,
        (0, _) => false,
    }
}

/// An integer as strtoull(3) reads it, all of it: a sign, and octal after `0`, hexadecimal after `0x`.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [sign @ (b'-' | b'+'), digits @ ..] => (*sign == b'-', digits),
        digits => (false, digits),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        digits => (10, digits),
    };
    let number = digits.iter().try_fold(0u64, |number, &digit| {
        let digit = char::from(digit).to_digit(radix)?;
        number.checked_mul(radix.into())?.checked_add(digit.into())
    });
    let number = number.filter(|_| !digits.is_empty())?;
    Some(if negative { number.wrapping_neg() } else { number })
}

/// What a variable can have, for an error.
fn takes(ty: KconfigType) -> &'static str {
    match ty {
        KconfigType::Bool => "a bool, which is y or n",
        KconfigType::Char { .. } => "a char, which is a letter or an integer",
        KconfigType::Int { .. } => "an integer",
        KconfigType::Tristate => "a tristate, which is y, n or m",
        KconfigType::String => "an array of char, which is text",
    }
}

/// The start of what a line has, for an error.
pub(super) fn shown(bytes: &[u8]) -> String {
    const LONG: usize = 60;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONG)]).replace(char::is_control, "?");
    if bytes.len() > LONG { text + "..." } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desc(ty: KconfigType, size: u32) -> KconfigDesc<'static> {
        KconfigDesc { name: "CONFIG_X", offset: 1, size, ty, weak: false }
    }

    /// The variable's bytes with `value`; what is beside it stays 0.
    fn set(ty: KconfigType, size: u32, value: &str) -> Result<Vec<u8>, String> {
        let externs = [desc(ty, size)];
        let mut values = Values::new(&externs, size + 2);
        values.set(0, value.as_bytes())?;
        assert_eq!(values.missing().count(), 0);
        let [first, all @ .., last] = &values.bytes[..] else { panic!("shorter than it was") };
        assert_eq!((*first, *last), (0, 0));
        Ok(all.to_vec())
    }

    const CHAR: KconfigType = KconfigType::Char { signed: true };
    const U8: KconfigType = KconfigType::Char { signed: false };
    const INT: KconfigType = KconfigType::Int { signed: true };
    const UNSIGNED: KconfigType = KconfigType::Int { signed: false };

    #[test]
    fn letters_are_taken_by_bool_char_and_tristate() {
        for (value, bool, tristate) in [("n", 0, 0u32), ("y", 1, 1), ("yes", 1, 1)] {
            assert_eq!(set(KconfigType::Bool, 1, value).unwrap(), [bool]);
            assert_eq!(set(KconfigType::Tristate, 4, value).unwrap(), tristate.to_ne_bytes());
            assert_eq!(set(KconfigType::Tristate, 8, value).unwrap(), u64::from(tristate).to_ne_bytes());
            assert_eq!(set(CHAR, 1, value).unwrap(), &value.as_bytes()[..1]);
        }
        assert_eq!(set(KconfigType::Tristate, 4, "m").unwrap(), 2u32.to_ne_bytes());
        assert_eq!(set(U8, 1, "m").unwrap(), [b'm']);
    }

    #[test]
    fn numbers_are_read_as_in_c() {
        let table = [
            ("0", 0i64),
            ("7", 7),
            ("+7", 7),
            ("-7", -7),
            (" 7", 7),
            ("0x1f", 31),
            ("0XfF", 255),
            ("-0x10", -16),
            ("017", 15),
            ("00", 0),
            ("2147483647", i32::MAX.into()),
            ("-2147483648", i32::MIN.into()),
        ];
        for (text, number) in table {
            assert_eq!(set(INT, 4, text).unwrap(), (number as i32).to_ne_bytes(), "{text}");
            assert_eq!(set(INT, 8, text).unwrap(), number.to_ne_bytes(), "{text}");
        }
        assert_eq!(set(UNSIGNED, 8, "18446744073709551615").unwrap(), [0xff; 8]);
        assert_eq!(set(UNSIGNED, 8, "-1").unwrap(), [0xff; 8]);
        assert_eq!(set(INT, 8, "0xffffffffffffffff").unwrap(), [0xff; 8]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["7x", "0x", "08", "-", "+", " ", "--1", "1 ", "0b1", "18446744073709551616", "x", "'", "é"] {
            assert_eq!(set(INT, 4, text).unwrap_err(), format!("`{text}` is no integer"));
        }
    }

    #[test]
    fn numbers_have_to_fit() {
        let ranges: [(KconfigType, u32, i128, i128); 7] = [
            (CHAR, 1, -128, 127),
            (U8, 1, 0, 255),
            (INT, 2, -32768, 32767),
            (UNSIGNED, 2, 0, 65535),
            (INT, 4, i32::MIN.into(), i32::MAX.into()),
            (UNSIGNED, 4, 0, u32::MAX.into()),
            (UNSIGNED, 8, 0, u64::MAX.into()),
        ];
        for (ty, size, least, most) in ranges {
            for fits in [least, most] {
                let expected = fits.to_ne_bytes();
                let expected = if cfg!(target_endian = "little") {
                    &expected[..size as usize]
                } else {
                    &expected[16 - size as usize..]
                };
                assert_eq!(set(ty, size, &fits.to_string()).unwrap(), expected);
            }
            for wrong in [least - 1, most + 1] {
                if size < 8 {
                    assert!(set(ty, size, &wrong.to_string()).unwrap_err().contains(" does not fit "), "{wrong}");
                }
            }
        }
        assert_eq!(set(CHAR, 1, "-129").unwrap_err(), "-129 does not fit signed 8 bits");
        assert_eq!(set(U8, 1, "256").unwrap_err(), "256 does not fit unsigned 8 bits");
    }

    #[test]
    fn text_is_cut_and_ends_with_0() {
        assert_eq!(set(KconfigType::String, 6, "\"abc\"").unwrap(), *b"abc\0\0\0");
        assert_eq!(set(KconfigType::String, 4, "\"abc\"").unwrap(), *b"abc\0");
        assert_eq!(set(KconfigType::String, 3, "\"abc\"").unwrap(), *b"ab\0");
        assert_eq!(set(KconfigType::String, 1, "\"abc\"").unwrap(), [0]);
        assert_eq!(set(KconfigType::String, 5, "\"a\\\"\"").unwrap(), *b"a\\\"\0\0");
        assert_eq!(set(KconfigType::String, 4, "\"\"").unwrap(), [0; 4]);
        assert_eq!(set(KconfigType::String, 4, "\"abc").unwrap_err(), "`\"abc` has no closing quote");
        assert_eq!(set(KconfigType::String, 4, "\"").unwrap_err(), "`\"` has no closing quote");
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        let table = [
            (KconfigType::Bool, 1, "m", "it is `m`, the variable a bool, which is y or n"),
            (KconfigType::Bool, 1, "1", "`1` is an integer, the variable a bool, which is y or n"),
            (KconfigType::Tristate, 4, "1", "`1` is an integer, the variable a tristate, which is y, n or m"),
            (INT, 4, "y", "it is `y`, the variable an integer"),
            (INT, 4, "\"7\"", "it is text, the variable an integer"),
            (CHAR, 1, "\"7\"", "it is text, the variable a char, which is a letter or an integer"),
            (KconfigType::String, 4, "y", "it is `y`, the variable an array of char, which is text"),
            (KconfigType::String, 4, "7", "`7` is an integer, the variable an array of char, which is text"),
        ];
        for (ty, size, value, expected) in table {
            assert_eq!(set(ty, size, value).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_bool_is_0_or_1() {
        let externs = [desc(KconfigType::Bool, 1)];
        let mut values = Values::new(&externs, 2);
        assert_eq!(values.set_number(0, 2).unwrap_err(), "2 is neither 0 nor 1, as a bool is");
        assert_eq!(values.set_number(0, 1), Ok(()));
        assert_eq!(values.bytes, [0, 1]);
    }
}
