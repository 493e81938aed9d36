//! Curves: through points, and of the normal distribution.

use std::sync::Arc;

use super::{Family, FunctionEntry, Gives, Kernel, Prepared, Takes};
use crate::data::{Kind, Value};
use crate::expr::probit::probit;
use crate::expr::scalar::finite;

pub(super) static ENTRIES: &[FunctionEntry] = &[
    FunctionEntry::new(
        "interpolate",
        Family::Number,
        &[Takes::Number],
        Gives::Is(Kind::Float),
        Kernel::Prepared(interpolate),
    )
    .least(3)
    .more()
    .doc(
        "interpolate(x, x1, y1, x2, y2, …)",
        "On straight lines between points with rising x; beyond the ends as at the ends, and halfway where points lie above each other.",
        "interpolate(3, 0, 10, 4, 20)",
        "17.5",
    ),
    FunctionEntry::new("probit", Family::Number, &[Takes::Number], Gives::Is(Kind::Float), Kernel::Float1(probit)).doc(
        "probit(p)",
        "The number below which a share p of the standard normal distribution lies; null unless between 0 and 1.",
        "probit(0.5)",
        "0",
    ),
];

fn interpolate(constants: &[Value], _: Kind) -> Result<Prepared, String> {
    let numbers: Vec<f64> = constants.iter().filter_map(Value::as_f64).collect();
    if numbers.len() != constants.len() || !numbers.len().is_multiple_of(2) {
        return Err("the points are pairs of numbers: x1, y1, x2, y2, …".to_owned());
    }
    let (xs, ys): (Vec<f64>, Vec<f64>) = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    if !xs.is_sorted() {
        return Err("the x of the points must rise".to_owned());
    }
    Ok(Arc::new(move |value| value.as_f64().map_or(Value::Null, |x| finite(between(x, &xs, &ys)))))
}

/// The height at `x` of the lines through the points. `xs` isn't empty and rises.
fn between(x: f64, xs: &[f64], ys: &[f64]) -> f64 {
    let (below, upto) = (xs.partition_point(|point| *point < x), xs.partition_point(|point| *point <= x));
    if below < upto {
        return 0.5 * (ys[below] + ys[upto - 1]);
    }
    let (left, right) = (below.saturating_sub(1), below.min(xs.len() - 1));
    if left == right {
        return ys[right];
    }
    ys[left] + (x - xs[left]) / (xs[right] - xs[left]) * (ys[right] - ys[left])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_points_and_ends() {
        let (xs, ys) = ([0.0, 1.0, 1.0, 1.0, 3.0], [10.0, 20.0, 0.0, 40.0, 50.0]);
        let found = [-1.0, 0.0, 0.25, 1.0, 2.0, 3.0, 9.0].map(|x| between(x, &xs, &ys));
        assert_eq!(found, [10.0, 10.0, 12.5, 30.0, 45.0, 50.0, 50.0]);
        assert_eq!([1.0, 2.0, 3.0].map(|x| between(x, &[2.0], &[7.0])), [7.0; 3]);
        assert_eq!([1.0, 2.0, 3.0].map(|x| between(x, &[2.0, 2.0], &[5.0, 7.0])), [5.0, 6.0, 7.0]);
        for bad in [vec![2.0, 1.0, 1.0, 1.0], vec![1.0]] {
            let constants: Vec<Value> = bad.into_iter().map(Value::Float).collect();
            assert!(interpolate(&constants, Kind::Float).is_err(), "{constants:?}");
        }
    }
}
