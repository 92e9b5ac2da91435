//! Tables whose columns line up.

use std::fmt;

use anstyle::Style;

use super::style;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A cell: a text and its colour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// The text in a colour.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Cell { text: text.into(), style }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::styled(text, Style::new())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::styled(text, Style::new())
    }
}

macro_rules! cell_of_number {
    ($($number:ty)*) => {
        $(impl From<$number> for Cell {
            fn from(number: $number) -> Self {
                number.to_string().into()
            }
        })*
    };
}

cell_of_number! { u32 u64 usize }

/// Nothing is an empty cell.
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map(Into::into).unwrap_or_default()
    }
}

/// Rows below a line of headings, two spaces before each. A column that is empty in every row is left out.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// No rows yet, below these headings. Without any heading there is no line for them.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = |column: &usize| self.rows.iter().any(|row| !row[*column].text.is_empty());
        let used: Vec<usize> = (0..self.columns.len()).filter(used).collect();
        let width = |&column: &usize| {
            let cells = self.rows.iter().map(|row| row[column].width());
            cells.chain([self.columns[column].0.chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = used.iter().map(width).collect();
        let line = |f: &mut fmt::Formatter<'_>, cells: &[&Cell]| {
            let mut spaces = 2;
            for ((cell, &column), width) in cells.iter().zip(&used).zip(&widths) {
                let room = width - cell.width();
                let (before, after) = if self.columns[column].1 == Align::Right { (room, 0) } else { (0, room) };
                if !cell.text.is_empty() {
                    // Spaces are written before what they keep apart, so that no line ends in one.
                    let Cell { text, style } = cell;
                    write!(f, "{:1$}{style}{text}{style:#}", "", spaces + before)?;
                    spaces = 0;
                } else {
                    spaces += before + cell.width();
                }
                spaces += after + 2;
            }
            writeln!(f)
        };
        if self.columns.iter().any(|(heading, _)| !heading.is_empty()) {
            let headings: Vec<Cell> =
                used.iter().map(|&column| Cell::styled(self.columns[column].0, style::DIM)).collect();
            line(f, &headings.iter().collect::<Vec<_>>())?;
        }
        for row in &self.rows {
            line(f, &used.iter().map(|&column| &row[column]).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_empty_ones_are_left_out() {
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("SIZE", Align::Right),
            ("NEVER", Align::Left),
            ("FLAGS", Align::Left),
        ]);
        table.row(["events".into(), 65536u32.into(), "".into(), "".into()]);
        table.row(["x".into(), 8u32.into(), "".into(), "frozen".into()]);
        let plain = anstream::adapter::strip_str(&table.to_string()).to_string();
        assert_eq!(plain, "  NAME     SIZE  FLAGS\n  events  65536\n  x           8  frozen\n");
    }

    #[test]
    fn a_cell_of_nothing_keeps_its_place() {
        let mut table = Table::new(&[("A", Align::Right), ("B", Align::Left), ("C", Align::Left)]);
        table.row([None::<u32>.into(), "b".into(), "c".into()]);
        table.row([100u32.into(), None::<&str>.into(), "d".into()]);
        let plain = anstream::adapter::strip_str(&table.to_string()).to_string();
        assert_eq!(plain, "    A  B  C\n       b  c\n  100     d\n");
    }
}
