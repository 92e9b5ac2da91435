//! Values of all CPUs as a table.

use std::fmt;

use super::PerCpuValues;
use crate::plain::{Room, Shown, TypeLayout, Value};

impl<T: Value> fmt::Display for PerCpuValues<T> {
    /// A table with a row for each CPU, and a column for each field of a struct; the last line has no newline.
    ///
    /// ```text
    /// CPU  hits  last_pid
    ///   0    41        -1
    ///   8     7      1234
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = T::LAYOUT.named_fields().collect();
        let mut rows = vec![vec!["CPU".to_owned()]];
        match &T::LAYOUT {
            TypeLayout::Struct { .. } => rows[0].extend(fields.iter().map(|(name, ..)| (*name).to_owned())),
            _ => rows[0].push("value".to_owned()),
        }
        let mut room = Room::new();
        for (cpu, value) in self {
            let bytes = room.filled(value);
            let mut row = vec![cpu.to_string()];
            match &T::LAYOUT {
                TypeLayout::Struct { .. } => row.extend(
                    fields.iter().map(|(_, at, layout)| Shown(layout, &bytes[*at..][..layout.size()]).to_string()),
                ),
                layout => row.push(Shown(layout, bytes).to_string()),
            }
            rows.push(row);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
        for (index, row) in rows.iter().enumerate() {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
            write!(f, "{}{}", if index == 0 { "" } else { "\n" }, cells.join("  "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(unsafe_code, reason = "`plain!` proves what it says")]
mod tests {
    use super::*;
    use crate::cpus::PossibleCpus;

    crate::plain! {
        struct Counts { hits: u64, armed: crate::Bool, _pad9: [u8; 3], r#type: i32, by_class: [u16; 4] }
    }

    #[test]
    fn a_table_has_a_column_for_each_field() {
        let cpus = Box::leak(Box::new(PossibleCpus::parse("0,10").unwrap()));
        let values = PerCpuValues::from_fn(cpus, |cpu| Counts {
            hits: 7 + 1000 * u64::from(cpu),
            armed: (cpu > 0).into(),
            r#type: -1,
            by_class: [1, 2, 3, cpu as u16],
            ..Counts::default()
        });
        let table = "\
CPU   hits  armed  type    by_class
  0      7  false    -1   [1 2 3 0]
 10  10007   true    -1  [1 2 3 10]";
        assert_eq!(values.to_string(), table);
        assert_eq!(values.map(|value| value.hits).to_string(), "CPU  value\n  0      7\n 10  10007");
        assert_eq!(
            PerCpuValues::from_fn(cpus, |_| [(); 0].map(|()| 0u8)).to_string(),
            "CPU  value\n  0     []\n 10     []"
        );
    }
}
