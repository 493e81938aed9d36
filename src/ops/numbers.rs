//! What ops share that turn columns of numbers into other numbers, in place.

use std::collections::BTreeMap;

use polars::prelude::Column;

use super::{no_value, not_numbers, selected};
use crate::data::{Kind, Selector, Shape, Table, Value};
use crate::expr::Expr;
use crate::recipe::RowStep;
use crate::source::Fault;

/// The columns after it: those picked are floats. `are` ends the sentence "only numbers …".
pub(super) fn shape(columns: &Selector, are: &str, input: &Shape, faults: &mut Vec<Fault>) -> Shape {
    let mut shape = input.clone();
    for column in selected(columns, input, faults) {
        match input.kind(&column) {
            Some(kind) if !kind.is_numeric() => {
                faults.push(columns.blame(&column, not_numbers(&column, kind, are)).within("columns"));
            }
            _ if input.known(&column).is_some() => shape.set(&column, Kind::Float),
            _ => {}
        }
    }
    shape
}

/// The same for each column, in place of what will be learned of it.
pub(super) fn placeholder<T: Clone>(columns: &Selector, input: &Shape, with: T) -> BTreeMap<String, T> {
    let columns = columns.select(input).unwrap_or_default().into_iter();
    columns.map(|column| (column, with.clone())).collect()
}

/// Learns of each column's training rows. Where `learn` has no answer, the column has no value.
pub(super) fn fit<T>(
    columns: &Selector,
    table: &Table,
    learn: impl Fn(&Column) -> Option<T>,
) -> Result<BTreeMap<String, T>, Fault> {
    let mut fitted = BTreeMap::new();
    for column in columns.resolve(&table.shape)? {
        let learned = learn(table.training_column(&column)?).ok_or_else(|| no_value(&column))?;
        fitted.insert(column, learned);
    }
    Ok(fitted)
}

/// Sets each column to what `value` makes of it, as a float, and of what is said beside it.
pub(super) fn set<'a, T>(
    columns: impl IntoIterator<Item = (&'a String, T)>,
    input: &Shape,
    value: impl Fn(Expr, T) -> Expr,
) -> Result<Vec<RowStep>, Fault> {
    let sets = columns
        .into_iter()
        .map(|(column, said)| {
            let number = Expr::column(column, input.expect(column)?).cast(Kind::Float);
            Ok((column.clone(), value(number, said)))
        })
        .collect::<Result<_, Fault>>()?;
    Ok(vec![RowStep::set(sets)])
}

/// A float constant.
pub(super) fn float(number: f64) -> Expr {
    Expr::literal(Value::Float(number))
}

/// No lower than one constant, no higher than the other, where there is one; what is missing stays so.
pub(super) fn clamped(number: Expr, low: Option<Expr>, high: Option<Expr>) -> Expr {
    let below = low.map(|low| (number.clone().lt(low.clone()), low));
    let above = high.map(|high| (number.clone().gt(high.clone()), high));
    let cases: Vec<(Expr, Expr)> = below.into_iter().chain(above).collect();
    if cases.is_empty() { number } else { Expr::case(cases, Some(number)) }
}

/// What numbers are divided by so that they spread by 1: a spread of 0 is no spread, and stays.
pub(super) fn divisor(spread: f64) -> f64 {
    if spread > 0.0 { spread.min(f64::MAX) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use crate::data::{Kind, Value};
    use crate::ops::testing::{CX, op, table_of, through};

    /// Ops that learn of numbers, with what they make of a column that has one value.
    const LEARNERS: [(&str, f64); 9] = [
        ("standardize: x", 0.0),
        ("min_max: x", 0.0),
        ("min_max: {columns: x, feature_range: [-1, 1]}", -1.0),
        ("robust_scale: x", 0.0),
        ("max_abs: x", 1.0),
        ("yeo_johnson: x", 0.0),
        ("yeo_johnson: {columns: x, standardize: false}", 7.0),
        ("quantile_transform: x", 0.0),
        ("clip: {x: {zscore: 3}}", 7.0),
    ];

    #[test]
    fn a_column_without_values_is_told() {
        let table = table_of(&[("x", Kind::Float, vec![Value::Null; 3])]);
        for (written, _) in LEARNERS {
            let fault = op(written, &table.shape).fit(&table, &CX).expect_err("nothing to learn of");
            assert_eq!(fault.message, "`x` has no value in any training row", "{written}");
        }
    }

    #[test]
    fn a_row_alone_and_a_column_of_one_value_are_enough() {
        for (written, wanted) in LEARNERS {
            for values in [vec![Value::Int(7)], vec![Value::Int(7), Value::Null, Value::Int(7)]] {
                let expected: Vec<Value> = values
                    .iter()
                    .map(|value| if value.is_null() { Value::Null } else { Value::Float(wanted) })
                    .collect();
                let made = through(written, &[("x", Kind::Int, values)]);
                assert_eq!(made["x"], expected, "{written}");
            }
        }
    }
}
