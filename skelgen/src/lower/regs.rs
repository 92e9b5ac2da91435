//! A set of registers.

/// A set of registers, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Regs(u16);

impl Regs {
    pub(super) const NONE: Regs = Regs(0);
    /// `r1` to `r5`.
    pub(super) const ARGS: Regs = Regs(0b11_1110);
    /// `r0` to `r5`: what a call leaves changed.
    pub(super) const CALLER_SAVED: Regs = Regs(0b11_1111);

    /// The one register `reg`; callers have checked that it is at most 15.
    pub(super) const fn one(reg: u8) -> Regs {
        Regs(1 << (reg & 0xf))
    }

    /// `r1` to `rN`; there are five argument registers, however many parameters a prototype has.
    pub(super) fn first_args(n: usize) -> Regs {
        Regs(((2u16 << n.min(5)) - 1) & Self::ARGS.0)
    }

    pub(super) const fn or(self, other: Regs) -> Regs {
        Regs(self.0 | other.0)
    }

    pub(super) const fn and(self, other: Regs) -> Regs {
        Regs(self.0 & other.0)
    }

    pub(super) const fn without(self, other: Regs) -> Regs {
        Regs(self.0 & !other.0)
    }

    pub(super) const fn has(self, reg: u8) -> bool {
        self.0 & Self::one(reg).0 != 0
    }

    /// The registers' numbers, ascending.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0..16).filter(move |&reg| self.has(reg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_arguments() {
        let args = |n| Regs::first_args(n).iter().collect::<Vec<_>>();
        assert_eq!(args(0), []);
        assert_eq!(args(2), [1, 2]);
        assert_eq!(args(5), [1, 2, 3, 4, 5]);
        assert_eq!(args(usize::MAX), args(5));
        assert_eq!(Regs::first_args(5), Regs::ARGS);
    }
}
