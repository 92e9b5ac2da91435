//! Variables that hold the kernel's configuration.

/// One variable of `.kconfig`.
#[derive(Clone, Copy, Debug)]
pub struct KconfigDesc<'a> {
    /// The variable's name: a kernel option, such as `CONFIG_HZ`, or a name that begins with `LINUX_`.
    pub name: &'a str,
    /// Where it is, in bytes from the section's start.
    pub offset: u32,
    /// Its bytes.
    pub size: u32,
    /// What is taken for its value.
    pub ty: KconfigType,
    /// Whether it may be missing, and then is 0.
    pub weak: bool,
}

/// What is taken for the value of a variable of `.kconfig`, see [`KconfigDesc`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KconfigType {
    /// `bool`: `y` or `n`.
    Bool,
    /// A number of one byte, or the letter `y`, `n` or `m` itself.
    Char {
        /// Whether it has a sign.
        signed: bool,
    },
    /// A number of 2, 4 or 8 bytes.
    Int {
        /// Whether it has a sign.
        signed: bool,
    },
    /// `enum libbpf_tristate`: `n` is 0, `y` 1, `m` 2.
    Tristate,
    /// An array of `char`: text, cut to fit, with a 0 behind it.
    String,
}

impl KconfigDesc<'_> {
    /// Whether it is an option of the kernel's configuration.
    #[must_use]
    pub fn is_option(&self) -> bool {
        self.name.starts_with("CONFIG_")
    }
}
