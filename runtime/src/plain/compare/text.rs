//! Text that is built while the compiler runs.

/// Text of up to a kilobyte; what is too much is cut, and `...` says so.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    bytes: [u8; Text::ROOM],
    len: usize,
    /// Whether something did not fit: nothing can follow it.
    cut: bool,
}

/// Stands for what was cut.
const CUT: &str = "...";

impl Text {
    const ROOM: usize = 1024;

    /// No text.
    pub const EMPTY: Self = Text { bytes: [0; Self::ROOM], len: 0, cut: false };

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // Not reached: what is put in is text, and cut between characters.
            Err(_) => CUT,
        }
    }

    pub(super) const fn push(&mut self, text: &str) {
        if self.cut {
            return;
        }
        let room = Self::ROOM - CUT.len() - self.len;
        if text.len() <= room {
            return self.put(text.as_bytes(), text.len());
        }
        let mut end = room;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.put(text.as_bytes(), end);
        self.put(CUT.as_bytes(), CUT.len());
        self.cut = true;
    }

    /// Adds another text, if there is one, on a line of its own.
    pub(super) const fn push_line(&mut self, text: &Text) {
        if !text.is_empty() {
            self.push("\n");
            self.push(text.as_str());
        }
    }

    const fn put(&mut self, bytes: &[u8], len: usize) {
        let mut index = 0;
        while index < len {
            self.bytes[self.len] = bytes[index];
            self.len += 1;
            index += 1;
        }
    }

    pub(super) const fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        let digit = [b'0' + (number % 10) as u8];
        if let Ok(digit) = core::str::from_utf8(&digit) {
            self.push(digit);
        }
    }
}

/// Whether two names are the same.
pub(super) const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}
