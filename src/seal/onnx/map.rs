//! A linear map as operators: one product of matrices.

use super::builder::{Builder, doubles, int, ints};
use super::cell::Cell;
use super::expr::Columns;
use super::steps::repeated;
use crate::recipe::Map;

/// The columns that a map makes; `None` where what it reads couldn't go either, and was told. `like` has the rows' shape.
pub(super) fn columns(map: &Map, columns: &Columns, like: &str, builder: &mut Builder) -> Option<Vec<(String, Cell)>> {
    let mut read = Vec::new();
    for name in map.inputs() {
        let value = builder.float_of(columns.get(name)?);
        read.push(repeated(&value, like, builder));
    }
    let parts: Vec<&str> = read.iter().map(String::as_str).collect();
    let all = if parts.len() == 1 { read[0].clone() } else { builder.op_with("Concat", &parts, vec![int("axis", 1)]) };
    let (inputs, outputs) = (map.inputs().len(), map.outputs().len());
    let center = builder.tensor(doubles(&[inputs], map.center()));
    let centered = builder.op("Sub", &[&all, &center]);
    let turned: Vec<f64> =
        (0..inputs).flat_map(|row| map.outputs().iter().map(move |output| output.weights[row])).collect();
    let weights = builder.tensor(doubles(&[inputs, outputs], &turned));
    // A value that is NaN leaves no output of its row with one.
    let sums = builder.op("MatMul", &[&centered, &weights]);
    let sums = builder.finite(&sums).value;
    let column = |(nth, output): (usize, &crate::recipe::Mapped)| {
        let place = builder.tensor(ints(&[1], &[nth as i64]));
        let own = builder.op_with("Gather", &[&sums, &place], vec![int("axis", 1)]);
        (output.name.clone(), Cell::float(own))
    };
    Some(map.outputs().iter().enumerate().map(column).collect())
}
