//! Models that are a few numbers.

use super::super::builder::{Builder, Name, doubles, int, ints};
use super::Table;
use crate::learn::{Constant, Line, Logistic};

/// The same values for every row.
pub(super) fn constant(of: &Constant, table: &Table, builder: &mut Builder) -> Name {
    let values = builder.tensor(doubles(&[1, of.values.len()], &of.values));
    builder.every_row(&values, table)
}

/// A weighted sum.
pub(super) fn line(of: &Line, table: &Table, builder: &mut Builder) -> Name {
    builder.sums(&of.coefficients, &[of.intercept], table)
}

/// Weighted sums taken as log-odds.
pub(super) fn logistic(of: &Logistic, table: &Table, builder: &mut Builder) -> Name {
    let odds = builder.sums(&of.coefficients, &of.intercepts, table);
    builder.odds(&odds, &of.present, of.count, table)
}

impl Builder {
    /// Weighted sums of the features, `intercepts.len()` a row; `coefficients` row after row.
    pub(in crate::seal::onnx) fn sums(&mut self, coefficients: &[f64], intercepts: &[f64], table: &Table) -> Name {
        let (sums, columns) = (intercepts.len(), coefficients.len() / intercepts.len());
        let turned: Vec<f64> =
            (0..columns).flat_map(|column| (0..sums).map(move |sum| coefficients[sum * columns + column])).collect();
        let weights = self.tensor(doubles(&[columns, sums], &turned));
        let product = self.op("MatMul", &[&table.all, &weights]);
        let plus = self.tensor(doubles(&[1, sums], intercepts));
        self.op("Add", &[&product, &plus])
    }

    /// Probabilities of log-odds: of the second of two classes that occurred, or of each.
    pub(in crate::seal::onnx) fn odds(&mut self, odds: &str, present: &[u32], count: usize, table: &Table) -> Name {
        let found = if present.len() == 2 {
            let against = self.op("Neg", &[odds]);
            let (first, second) = (self.op("Sigmoid", &[&against]), self.op("Sigmoid", &[odds]));
            self.op_with("Concat", &[&first, &second], vec![int("axis", 1)])
        } else {
            self.op_with("Softmax", &[odds], vec![int("axis", 1)])
        };
        self.spread(&found, present, count, table)
    }

    /// `[1, n]` repeated for every row.
    pub(in crate::seal::onnx) fn every_row(&mut self, values: &str, table: &Table) -> Name {
        // A truth of every row that is never so: it has the rows' shape, whatever the values are.
        let never = self.float(-1.0);
        let square = self.op("Mul", &[&table.columns[0], &table.columns[0]]);
        let is = self.op("Less", &[&square, &never]);
        self.op("Where", &[&is, &never, values])
    }

    /// Probabilities of the classes that occurred, put at their places among all; the others get 0.
    pub(in crate::seal::onnx) fn spread(&mut self, found: &str, present: &[u32], count: usize, table: &Table) -> Name {
        if present.len() == count {
            return found.to_owned();
        }
        let zero = self.tensor(doubles(&[1, 1], &[0.0]));
        let zeros = self.every_row(&zero, table);
        let wide = self.op_with("Concat", &[found, &zeros], vec![int("axis", 1)]);
        let place = |class: usize| present.iter().position(|own| *own as usize == class).unwrap_or(present.len());
        let places: Vec<i64> = (0..count).map(|class| place(class) as i64).collect();
        let places = self.tensor(ints(&[count], &places));
        self.op_with("Gather", &[&wide, &places], vec![int("axis", 1)])
    }
}
