//! Tables for a terminal.

use std::fmt;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with a line of names.
pub struct Table {
    heads: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns.
    pub fn new<S: Into<String>>(heads: impl IntoIterator<Item = (S, Align)>) -> Self {
        Self { heads: heads.into_iter().map(|(name, align)| (name.into(), align)).collect(), rows: Vec::new() }
    }

    /// Adds a row, one cell a column.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// How long its longest line may be.
    pub fn width(&self) -> usize {
        let columns = self.widths();
        columns.iter().sum::<usize>() + 2 * columns.len().saturating_sub(1)
    }

    /// Columns as rows: what stands first in a row becomes the name of a column.
    #[must_use]
    pub fn turned(&self) -> Self {
        let first = self.heads.first().map(|(name, _)| (name.clone(), Align::Left));
        let names = self.rows.iter().map(|row| (row.first().cloned().unwrap_or_default(), Align::Right));
        let mut turned = Self::new(first.into_iter().chain(names));
        for (place, (name, _)) in self.heads.iter().enumerate().skip(1) {
            let cells = self.rows.iter().map(|row| row.get(place).cloned().unwrap_or_default());
            turned.row(std::iter::once(name.clone()).chain(cells));
        }
        turned
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|(name, _)| name.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }

    fn line(&self, f: &mut fmt::Formatter, cells: &[&str], widths: &[usize]) -> fmt::Result {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.heads) {
            let gap = " ".repeat(width - cell.chars().count());
            match align {
                Align::Left => line.push_str(&format!("{cell}{gap}  ")),
                Align::Right => line.push_str(&format!("{gap}{cell}  ")),
            }
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let heads: Vec<&str> = self.heads.iter().map(|(name, _)| name.as_str()).collect();
        let widths = self.widths();
        if heads.iter().any(|head| !head.is_empty()) {
            self.line(f, &heads, &widths)?;
        }
        for row in &self.rows {
            self.line(f, &row.iter().map(String::as_str).collect::<Vec<_>>(), &widths)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let mut table = Table::new([("model", Align::Left), ("f1", Align::Right)]);
        table.row(["é", "0.5"]);
        table.row(["forest", "10.25"]);
        assert_eq!(table.to_string(), "model      f1\né         0.5\nforest  10.25\n");
        assert_eq!(table.width(), 13);
        assert_eq!(table.turned().to_string(), "model    é  forest\nf1     0.5   10.25\n");
    }
}
