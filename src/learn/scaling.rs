//! Parameters in which a linear classifier's loss has a curvature near 1 in every direction, whatever the units of the
//! features are and however they depend on each other.

use ndarray::ArrayViewMut2;

use super::Training;
use super::cholesky::Cholesky;
use super::gram::gram;
use crate::data::stats::sum;
use crate::source::Fault;

/// Up to how many features the way they depend on each other is looked at.
const WIDE: usize = 1024;
/// On how many rows at least.
const SEEN: usize = 4096;
/// And on how many a feature.
const SEEN_EACH: usize = 16;
/// What a feature's curvature owes to itself alone, so that no direction looks flat by chance.
const OWN: f64 = 1e-3;

/// What is known before the search: the rows' moments, and how much each head bends.
pub(super) struct Outlook<'a> {
    /// The rows.
    pub(super) data: &'a Training<'a>,
    /// What is taken off each feature.
    pub(super) means: &'a [f64],
    /// Each feature's root mean square after that; 0: constant.
    pub(super) units: &'a [f64],
    /// For each head: total weight times p·(1 - p), p being its class' share.
    pub(super) curvatures: &'a [f64],
    /// What w²/2 costs.
    pub(super) l2: f64,
}

/// How parameters become coefficients: w = scale(u), head by head.
pub(super) enum Scaling {
    /// Each by a factor of its own.
    Diagonal(Vec<f64>),
    /// By the root of the inverse of their common curvature, then by a factor a head.
    Whole {
        /// The curvature over features in their units, for the average head.
        factor: Cholesky,
        /// 1 / unit.
        units: Vec<f64>,
        /// The head's part.
        heads: Vec<f64>,
    },
}

impl Scaling {
    /// Each parameter by the diagonal of the curvature: for a penalty that looks at coefficients one by one.
    pub(super) fn diagonal(outlook: &Outlook) -> Self {
        let of_head = |curvature: &f64| {
            let scales = outlook.units.iter().map(|unit| {
                let diagonal = curvature * unit * unit + outlook.l2;
                if *unit > 0.0 && diagonal > 0.0 { 1.0 / diagonal.sqrt() } else { 0.0 }
            });
            scales.collect::<Vec<f64>>()
        };
        Scaling::Diagonal(outlook.curvatures.iter().flat_map(of_head).collect())
    }

    /// By the whole curvature, as a sample of the rows shows it; by its diagonal if there are too many features.
    ///
    /// # Errors
    /// If the fit was interrupted.
    pub(super) fn whole(outlook: &Outlook) -> Result<Self, Fault> {
        let Outlook { data, means, units, curvatures, l2 } = *outlook;
        let (rows, columns) = (data.x.rows(), units.len());
        let seen = rows.min(SEEN.max(SEEN_EACH * columns));
        let pick = |nth: usize| (nth as u128 * rows as u128 / seen as u128) as usize;
        let total = sum((0..seen).map(|nth| data.weight(pick(nth))));
        if columns > WIDE || total <= 0.0 || !total.is_finite() {
            return Ok(Self::diagonal(outlook));
        }
        let inverse: Vec<f64> = units.iter().map(|unit| if *unit > 0.0 { 1.0 / unit } else { 0.0 }).collect();
        let roots: Vec<f64> = (0..seen).map(|nth| (data.weight(pick(nth)) / total).sqrt()).collect();
        let fill = |first: usize, mut block: ArrayViewMut2<f64>| {
            for (column, mut into) in block.columns_mut().into_iter().enumerate() {
                let values = data.x.column(column);
                for (nth, into) in into.iter_mut().enumerate() {
                    *into = (values[pick(first + nth)] - means[column]) * inverse[column] * roots[first + nth];
                }
            }
        };
        let mut square = gram(data, seen, columns, fill)?;
        let average = curvatures.iter().sum::<f64>() / curvatures.len() as f64;
        square *= average * (1.0 - OWN);
        for (value, unit) in square.diag_mut().iter_mut().zip(units) {
            if *unit > 0.0 {
                *value += average * OWN + (l2 / unit / unit).min(f64::MAX / 4.0);
            }
        }
        let heads = curvatures.iter().map(|curvature| (average / curvature).sqrt()).collect();
        Ok(match Cholesky::new(square) {
            Some(factor) => Scaling::Whole { factor, units: inverse, heads },
            None => Self::diagonal(outlook),
        })
    }

    /// Turns a head's parameters into its coefficients.
    pub(super) fn to_coefficients(&self, head: usize, values: &mut [f64]) {
        match self {
            Scaling::Diagonal(scales) => multiply(values, &scales[head * values.len()..]),
            Scaling::Whole { factor, units, heads } => {
                factor.backward(values);
                multiply(values, units);
                values.iter_mut().for_each(|value| *value *= heads[head]);
            }
        }
    }

    /// Turns the slope over a head's coefficients into that over its parameters.
    pub(super) fn to_parameters(&self, head: usize, slope: &mut [f64]) {
        match self {
            Scaling::Diagonal(scales) => multiply(slope, &scales[head * slope.len()..]),
            Scaling::Whole { factor, units, heads } => {
                multiply(slope, units);
                factor.forward(slope);
                slope.iter_mut().for_each(|value| *value *= heads[head]);
            }
        }
    }
}

fn multiply(values: &mut [f64], by: &[f64]) {
    values.iter_mut().zip(by).for_each(|(value, by)| *value *= by);
}
