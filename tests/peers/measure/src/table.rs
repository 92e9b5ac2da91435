//! Tables in Markdown that line up as text too, and the numbers in them.

use std::fmt::Write;

/// A table; each row has as many cells as there are headings.
pub fn table(headings: &[impl AsRef<str>], rows: &[impl AsRef<[String]>]) -> String {
    let mut table = String::new();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row.as_ref()[column].as_str()).chain([headings[column].as_ref()]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut line = |cell: &dyn Fn(usize) -> String, fill: char| {
        for column in 0..headings.len() {
            let cell = cell(column);
            let pad = width(column) - cell.chars().count();
            let _ = write!(table, "|{fill}{cell}{}{fill}", fill.to_string().repeat(pad));
        }
        table.push_str("|\n");
    };
    line(&|column| headings[column].as_ref().to_owned(), ' ');
    line(&|_| String::new(), '-');
    for row in rows {
        line(&|column| row.as_ref()[column].clone(), ' ');
    }
    table
}

pub fn median(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => 0,
        odd if odd % 2 == 1 => numbers[middle],
        _ => numbers[middle - 1].midpoint(numbers[middle]),
    }
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3, 1, 2].into_iter()), 2);
        assert_eq!(median([4, 1, 2, 3].into_iter()), 2);
        assert_eq!(median([].into_iter()), 0);
    }

    #[test]
    fn columns_line_up() {
        let row = |text: &str| ["x", text].map(str::to_owned);
        let table = table(&["heading", "é"], &[row("a"), row("a long cell")]);
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 4);
        assert!(widths.iter().all(|&width| width == widths[0]), "{table}");
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1000, 8_388_608].map(grouped), ["0", "999", "1,000", "8,388,608"]);
    }
}
