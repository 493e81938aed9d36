//! Metrics of numbers.

use super::sheet::{Draw, Numbers, Sheet};
use crate::source::Fault;

/// How far predictions are from the truth.
pub(super) struct Errors {
    /// Truth less prediction.
    pub(super) signed: Vec<f64>,
    /// The rows by the size of their error, the smallest first.
    pub(super) by_size: Vec<u32>,
}

impl Errors {
    pub(super) fn of(truth: &[f64], predicted: &[f64]) -> Self {
        let signed: Vec<f64> = truth.iter().zip(predicted).map(|(truth, predicted)| truth - predicted).collect();
        let mut by_size: Vec<u32> = (0..signed.len() as u32).collect();
        let size = |row: u32| signed[row as usize].abs();
        by_size.sort_unstable_by(|a, b| size(*a).total_cmp(&size(*b)).then(a.cmp(b)));
        Self { signed, by_size }
    }

    fn size(&self, row: usize) -> f64 {
        self.signed[row].abs()
    }

    /// The size of the error of the row at a place, where rows stand in that order as often as they count.
    fn at(&self, draw: &Draw, place: u64) -> f64 {
        let mut passed = 0;
        for row in &self.by_size {
            passed += u64::from(draw.weights[*row as usize]);
            if passed > place {
                return self.size(*row as usize);
            }
        }
        f64::NAN
    }
}

fn errors<'s>(sheet: &'s Sheet) -> Result<&'s Errors, Fault> {
    Ok(sheet.of_numbers()?.errors())
}

pub(super) fn mse(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let errors = errors(sheet)?;
    Ok(draw.mean(|row| errors.signed[row].powi(2)))
}

pub(super) fn rmse(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(mse(sheet, draw)?.sqrt())
}

pub(super) fn mae(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let errors = errors(sheet)?;
    Ok(draw.mean(|row| errors.size(row)))
}

/// The error in the middle, or the mean of the two in the middle.
pub(super) fn medae(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let errors = errors(sheet)?;
    let (low, high) = ((draw.total - 1) / 2, draw.total / 2);
    Ok(errors.at(draw, low) / 2.0 + errors.at(draw, high) / 2.0)
}

/// The mean of the error as a share of the truth, whose size is taken as the smallest step of a float at 1 at least, as
/// scikit-learn does.
pub(super) fn mape(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let Numbers { truth, .. } = sheet.of_numbers()?;
    let errors = errors(sheet)?;
    Ok(draw.mean(|row| errors.size(row) / truth[row].abs().max(f64::EPSILON)))
}

/// The sum of the errors as a share of the sum of the truth's sizes.
pub(super) fn wape(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let Numbers { truth, .. } = sheet.of_numbers()?;
    let errors = errors(sheet)?;
    Ok(draw.sum(|row| errors.size(row)) / draw.sum(|row| truth[row].abs()))
}

pub(super) fn max_error(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(errors(sheet)?.at(draw, draw.total - 1))
}

/// 1 - Σ(y - ŷ)² / Σ(y - ȳ)². Where the truth is constant: 1 if it is met exactly, else 0, as scikit-learn says.
pub(super) fn r2(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let missed = mse(sheet, draw)?;
    explained("r2", sheet, draw, missed)
}

/// As `r2`, but an error that all rows share doesn't count: 1 - Var(y - ŷ) / Var(y).
pub(super) fn explained_variance(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let errors = errors(sheet)?;
    explained("explained_variance", sheet, draw, variance(draw, &errors.signed))
}

fn explained(name: &str, sheet: &Sheet, draw: &Draw, missed: f64) -> Result<f64, Fault> {
    if draw.total < 2 {
        return Err(Fault::new("too-few-rows", format!("`{name}` needs at least 2 rows")));
    }
    let spread = variance(draw, sheet.of_numbers()?.truth);
    if spread > 0.0 {
        return Ok(1.0 - missed / spread);
    }
    Ok(if missed == 0.0 { 1.0 } else { 0.0 })
}

fn variance(draw: &Draw, values: &[f64]) -> f64 {
    let rough = draw.mean(|row| values[row]);
    // A second pass takes the rounding of the first away: the variance of a constant is 0.
    let mean = rough + draw.mean(|row| values[row] - rough);
    draw.mean(|row| (values[row] - mean).powi(2))
}
