//! Tables whose columns line up.

use std::{fmt, io};

use anstyle::Style;
use skelgen::printable;

use super::{columns, fold, style};

/// The alignment of a column.
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
    /// The name that the text declares, if it is a C declaration.
    declared: Option<String>,
}

impl Cell {
    /// The text in a colour.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        // A newline in the text would end the row.
        Cell { text: printable(&text.into()).into_owned(), style, declared: None }
    }

    /// A C declaration of `name`, with colours for the type and the name.
    pub(crate) fn declaration(text: &str, name: &str) -> Self {
        Cell { declared: Some(printable(name).into_owned()), ..Cell::styled(text, style::TYPE) }
    }

    /// The text, folded or not, in its colours.
    fn paint(&self, text: &str) -> String {
        let style = self.style;
        let Some((start, end)) = self.declared.as_deref().and_then(|name| declared(text, name)) else {
            return format!("{style}{text}{style:#}");
        };
        let [before, name, behind] = [&text[..start], &text[start..end], &text[end..]];
        let part = |text: &str, style: Style| match text {
            "" => String::new(),
            text => format!("{style}{text}{style:#}"),
        };
        [part(before, style), part(name, style::NAME), part(behind, style)].concat()
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// The range of `name` in its declaration: the first such word that is not the tag of a type.
fn declared(text: &str, name: &str) -> Option<(usize, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = text.match_indices(name).map(|(start, name)| (start, start + name.len()));
    places.find(|&(start, end)| {
        let before = &text[..start];
        let is_tag = ["struct", "union", "enum"].iter().any(|tag| before.trim_end().ends_with(tag));
        start < end && !before.ends_with(is_word) && !text[end..].starts_with(is_word) && !is_tag
    })
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

/// `None` is an empty cell.
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map(Into::into).unwrap_or_default()
    }
}

/// Rows below a line of headings, indented by two spaces. Columns without any text are left out. On a narrow terminal the
/// last column is folded; a column without room goes below its row, after its heading.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table with these headings. If all headings are empty, their line is left out.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into());
    }
}

/// The indentation of cells below their row.
const BELOW: &str = "      ";

/// The least width for folded text beside other columns.
const ROOM: usize = 12;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, columns(io::stdout()))
    }
}

impl Table {
    fn write(&self, f: &mut impl fmt::Write, columns: Option<usize>) -> fmt::Result {
        let used = |column: &usize| self.rows.iter().any(|row| !row[*column].text.is_empty());
        let used: Vec<usize> = (0..self.columns.len()).filter(used).collect();
        let placed = self.place(&used, columns);
        let below = &used[placed.len()..];
        if self.columns.iter().any(|(heading, _)| !heading.is_empty()) {
            let heading = |placed: &Placed| Cell::styled(self.columns[placed.column].0, style::DIM);
            line(f, &placed, &placed.iter().map(heading).collect::<Vec<_>>(), columns)?;
        }
        for row in &self.rows {
            line(f, &placed, &placed.iter().map(|placed| row[placed.column].clone()).collect::<Vec<_>>(), columns)?;
            let below = below.iter().filter(|&&column| !row[column].text.is_empty());
            self.below(f, below.map(|&column| (self.columns[column].0, &row[column])), columns)?;
        }
        Ok(())
    }

    /// Writes the cells below a row, each after its heading.
    fn below<'a>(
        &self,
        f: &mut impl fmt::Write,
        cells: impl Iterator<Item = (&'a str, &'a Cell)>,
        columns: Option<usize>,
    ) -> fmt::Result {
        let mut at = 0;
        for (heading, cell) in cells {
            let text = &cell.text;
            let len = heading.len() + 1 + text.chars().count();
            let fits = columns.is_none_or(|columns| at + 2 + len <= columns);
            let between = match at {
                0 => BELOW.to_owned(),
                _ if fits => "  ".to_owned(),
                _ => format!("\n{BELOW}"),
            };
            at = if at > 0 && fits { at + 2 } else { BELOW.len() };
            let dim = style::DIM;
            let text = cell.paint(&fold(text, at + heading.len() + 1, BELOW, columns));
            write!(f, "{between}{dim}{heading}{dim:#} {text}")?;
            at += len;
        }
        if at > 0 { writeln!(f) } else { Ok(()) }
    }

    /// The columns that fit beside each other.
    fn place(&self, used: &[usize], columns: Option<usize>) -> Vec<Placed> {
        let mut placed = Vec::new();
        let mut start = 2;
        for (index, &column) in used.iter().enumerate() {
            let cells = self.rows.iter().map(|row| row[column].width());
            let width = cells.chain([self.columns[column].0.chars().count()]).max().unwrap_or(0);
            let align = self.columns[column].1;
            let is_text = align == Align::Left && index + 1 == used.len();
            let room = columns.map_or(width, |columns| columns.saturating_sub(start));
            // The first names the row.
            if index > 0 && width > room && !(is_text && room >= ROOM) {
                break;
            }
            placed.push(Placed { column, align, width, start });
            start += width + 2;
        }
        placed
    }
}

/// A column that fits.
struct Placed {
    column: usize,
    align: Align,
    width: usize,
    /// Its first column on the screen.
    start: usize,
}

/// Writes cells, one for each column.
fn line(f: &mut impl fmt::Write, placed: &[Placed], cells: &[Cell], columns: Option<usize>) -> fmt::Result {
    let mut at = 0;
    for (Placed { align, width, start, .. }, cell) in placed.iter().zip(cells) {
        let text = &cell.text;
        if text.is_empty() {
            continue;
        }
        let len = text.chars().count();
        let begin = start + if *align == Align::Right { width - len } else { 0 };
        // Write spaces before the next cell, so that no line ends with spaces.
        let text = cell.paint(&fold(text, begin, &" ".repeat(begin), columns));
        write!(f, "{:1$}{text}", "", begin - at)?;
        at = begin + len;
    }
    writeln!(f)
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
    fn a_narrow_terminal_has_long_text_folded_or_below() {
        let mut table = Table::new(&[("NAME", Align::Left), ("SIZE", Align::Right), ("FLAGS", Align::Left)]);
        table.row(["events".into(), 65536u32.into(), "BPF_F_ONE | BPF_F_TWO".into()]);
        table.row(["x".into(), 8u32.into(), None::<&str>.into()]);
        let of = |columns| {
            let mut text = String::new();
            table.write(&mut text, Some(columns)).expect("it is a string");
            anstream::adapter::strip_str(&text).to_string()
        };
        assert_eq!(of(38), "  NAME     SIZE  FLAGS\n  events  65536  BPF_F_ONE | BPF_F_TWO\n  x           8\n");
        assert_eq!(
            of(30),
            "  NAME     SIZE  FLAGS\n  events  65536  BPF_F_ONE |\n                 BPF_F_TWO\n  x           8\n"
        );
        assert_eq!(
            of(28),
            "  NAME     SIZE\n  events  65536\n      FLAGS BPF_F_ONE |\n      BPF_F_TWO\n  x           8\n"
        );
    }

    #[test]
    fn what_goes_below_shares_a_line() {
        let mut table = Table::new(&[("NAME", Align::Left), ("A", Align::Right), ("B", Align::Left)]);
        table.row(["a_rather_long_name".into(), 12_345_678_u32.into(), "text".into()]);
        let mut text = String::new();
        table.write(&mut text, Some(22)).expect("it is a string");
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain, "  NAME\n  a_rather_long_name\n      A 12345678\n      B text\n");
        text.clear();
        table.write(&mut text, Some(24)).expect("it is a string");
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain, "  NAME\n  a_rather_long_name\n      A 12345678  B text\n");
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
