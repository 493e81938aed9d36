//! What learners read: numbers, column by column.

/// A dense matrix of `rows × columns` floats in column-major order. A column holds numbers, or the codes of categories.
/// NaN stands for "no value": only models that say so take it.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    names: Vec<String>,
    rows: usize,
    values: Vec<f64>,
    /// How many categories a column's codes tell apart; `None` for numbers.
    levels: Vec<Option<u32>>,
}

impl Matrix {
    /// From columns of equal length. `names` and `columns` go together.
    ///
    /// # Panics
    /// If lengths differ: the caller builds both from one table.
    pub fn new(names: Vec<String>, rows: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), rows * names.len(), "a matrix of {rows} rows and {} columns", names.len());
        let levels = vec![None; names.len()];
        Self { names, rows, values, levels }
    }

    /// With columns that hold the codes of categories: `levels` says for each column how many, `None` for numbers.
    ///
    /// # Panics
    /// If there isn't one entry a column.
    #[must_use]
    pub fn with_levels(self, levels: Vec<Option<u32>>) -> Self {
        assert_eq!(levels.len(), self.columns(), "one entry a column");
        Self { levels, ..self }
    }

    /// How many categories the codes of a column tell apart (codes are below that); `None` if it holds numbers.
    pub fn levels(&self, column: usize) -> Option<u32> {
        self.levels[column]
    }

    /// The columns' names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.names.len()
    }

    /// One column, top to bottom.
    pub fn column(&self, index: usize) -> &[f64] {
        &self.values[index * self.rows..(index + 1) * self.rows]
    }

    /// All values, column after column.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One cell.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[column * self.rows + row]
    }

    /// One row copied into `into`, which has one place a column.
    pub fn row(&self, row: usize, into: &mut [f64]) {
        for (column, slot) in into.iter_mut().enumerate() {
            *slot = self.at(row, column);
        }
    }

    /// The given rows, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let values = (0..self.columns())
            .flat_map(|column| {
                let column = self.column(column);
                rows.iter().map(move |&row| column[row])
            })
            .collect();
        Self::new(self.names.clone(), rows.len(), values).with_levels(self.levels.clone())
    }
}
