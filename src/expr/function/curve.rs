//! Curves: through points, and of the normal distribution.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Family, FunctionEntry, Gives, Kernel, Mistake, Prepared, Takes};
use crate::data::normal::{cdf, probit};
use crate::data::{Kind, Value, elementary};
use crate::expr::scalar::{compare, finite, widen};

const fn float(name: &'static str, f: fn(f64) -> f64) -> FunctionEntry {
    FunctionEntry::new(name, Family::Number, &[Takes::Number], Gives::Is(Kind::Float), Kernel::Float1(f))
}

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
    float("probit", probit).doc(
        "probit(p)",
        "The number below which a share p of the standard normal distribution lies; null unless between 0 and 1.",
        "probit(0.5)",
        "0",
    ),
    float("norm_cdf", cdf).doc(
        "norm_cdf(x)",
        "The share of the standard normal distribution that lies below x: `probit` turned round.",
        "norm_cdf(0)",
        "0.5",
    ),
    float("sigmoid", |x| 1.0 / (1.0 + elementary::exp(-x))).also(&["expit"]).doc(
        "sigmoid(x)",
        "1 / (1 + e⁻ˣ): log-odds as a probability.",
        "sigmoid(0)",
        "0.5",
    ),
    float("logit", |p| elementary::ln(p) - elementary::ln_1p(-p)).doc(
        "logit(p)",
        "ln(p / (1 - p)): a probability as log-odds; null unless between 0 and 1.",
        "logit(0.5)",
        "0",
    ),
    FunctionEntry::new(
        "clamp",
        Family::Number,
        &[Takes::Alike, Takes::Alike, Takes::Alike],
        Gives::Common,
        Kernel::Strict(clamp),
    )
    .doc(
        "clamp(x, low, high)",
        "x, but no less than low and no more than high, which may be days as well.",
        "clamp(12, 0, 10)",
        "10",
    ),
];

/// `least(greatest(x, low), high)`: where `low` is above `high` it is `high`.
fn clamp(args: &[Value], kind: Kind) -> Value {
    let [x, low, high] = [0, 1, 2].map(|nth| widen(&args[nth], kind));
    let raised = if compare(&x, &low) == Some(Ordering::Less) { low } else { x };
    if compare(&raised, &high) == Some(Ordering::Greater) { high } else { raised }
}

fn interpolate(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let numbers: Vec<f64> = constants.iter().filter_map(Value::as_f64).collect();
    if numbers.len() != constants.len() || !numbers.len().is_multiple_of(2) {
        return Err(Mistake::of(Some(1), "the points are pairs of numbers: x1, y1, x2, y2, …"));
    }
    let (xs, ys): (Vec<f64>, Vec<f64>) = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    if !xs.is_sorted() {
        return Err(Mistake::of(Some(1), "the x of the points must rise"));
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
