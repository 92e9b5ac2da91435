//! The histogram as text.

use std::fmt;
use std::time::Duration;

/// The longest bar, in characters.
const WIDTH: u64 = 40;

/// Blocks of 0 to 7 eighths of a character's width.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Escape sequences before and after a bar: cyan, reset.
const COLOUR: [&str; 2] = ["\x1b[36m", "\x1b[0m"];

/// Counts of durations: slot n those of 2^n up to 2^(n+1) nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    slots: Vec<u64>,
    total_ns: u64,
}

impl Picture {
    /// Adds one CPU's counts.
    pub(crate) fn add(&mut self, slots: &[u64], total_ns: u64) {
        self.slots.resize(slots.len(), 0);
        self.slots.iter_mut().zip(slots).for_each(|(sum, slot)| *sum += slot);
        self.total_ns += total_ns;
    }
}

/// The bar for `count`, where `most` has the longest. Rounded up to an eighth of a character, so that every count shows.
fn bar(count: u64, most: u64) -> String {
    let eighths = u128::from(count) * u128::from(8 * WIDTH);
    let eighths = eighths.div_ceil(most.into()) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

impl fmt::Display for Picture {
    /// `{:#}` draws in colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: u64 = self.slots.iter().sum();
        let most = self.slots.iter().copied().max().unwrap_or(0).max(1);
        // From the first slot that has any calls to the last.
        let first = self.slots.iter().position(|&count| count > 0).unwrap_or(0);
        let last = self.slots.iter().rposition(|&count| count > 0).map_or(first, |last| last + 1);

        writeln!(f, "{:>9}    {:>9}  {:>9}", "from", "below", "calls")?;
        for (slot, &count) in self.slots.iter().enumerate().take(last).skip(first) {
            let [from, below] = [slot, slot + 1].map(|power| format!("{:.1?}", Duration::from_nanos(1 << power)));
            let [on, off] = if f.alternate() { COLOUR } else { [""; 2] };
            writeln!(f, "{from:>9} .. {below:>9}  {count:>9}  {on}{}{off}", bar(count, most))?;
        }
        let mean = Duration::from_nanos(self.total_ns.checked_div(calls).unwrap_or(0));
        write!(f, "{calls} calls, {mean:.1?} on average")
    }
}
