//! How much a column tells of the target.

use std::collections::BTreeMap;

use polars::prelude::{Column, DataType};

use super::By;
use crate::data::{Kind, elementary, stats, unexpected};
use crate::source::Fault;

/// Numbers of more distinct values than that are cut into as many bins.
const BINS: usize = 16;

/// The target's values, NaN where there is none.
pub(super) struct Answers {
    pub(super) values: Vec<f64>,
    /// They are classes: their order and distances mean nothing.
    pub(super) classes: bool,
}

impl Answers {
    /// Of a column of that type.
    pub(super) fn of(column: &Column, kind: Kind) -> Self {
        let values = numbers(column).unwrap_or_else(|_| codes(column));
        Self { values, classes: kind.is_string() || kind == Kind::Bool }
    }
}

/// The score of a column: more is better.
pub(super) fn of(by: By, column: &Column, answers: Option<&Answers>) -> Result<f64, Fault> {
    let values = if column.str().is_ok() { codes(column) } else { numbers(column)? };
    let Some(answers) = answers else {
        return Ok(variance(&values));
    };
    let both: Vec<(f64, f64)> =
        values.iter().zip(&answers.values).filter(|(x, y)| !x.is_nan() && !y.is_nan()).map(|(x, y)| (*x, *y)).collect();
    match by {
        By::MutualInformation => Ok(mutual_information(&both)),
        By::FTest if answers.classes => Ok(f_of_classes(&both)),
        By::FTest if both.len() < 3 => Ok(0.0),
        By::FTest => {
            let r = correlation(&both);
            // Of a perfect line F is infinite.
            Ok(r * r / (1.0 - r * r).max(0.0) * (both.len() as f64 - 2.0))
        }
        By::Correlation => {
            let kinds = both.iter().map(|(_, y)| y.to_bits()).collect::<std::collections::BTreeSet<_>>().len();
            if answers.classes && kinds > 2 {
                let message = format!("a correlation with {kinds} classes has no meaning");
                return Err(Fault::new("wrong-type", message).help("choose by `mutual_information` or `f_test`"));
            }
            Ok(correlation(&both).abs())
        }
        // A forest looks at all columns together.
        By::Variance | By::Importance => Ok(variance(&values)),
    }
}

pub(super) fn numbers(column: &Column) -> Result<Vec<f64>, Fault> {
    if column.str().is_ok() {
        return Err(Fault::new("wrong-type", format!("`{}` holds no numbers", column.name())));
    }
    let floats = column.cast(&DataType::Float64).map_err(unexpected)?;
    Ok(floats.f64().map_err(unexpected)?.iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}

/// Each text's place among the distinct ones in order.
pub(super) fn codes(column: &Column) -> Vec<f64> {
    let Ok(texts) = column.str() else {
        return vec![f64::NAN; column.len()];
    };
    let mut places: BTreeMap<&str, usize> = texts.iter().flatten().map(|text| (text, 0)).collect();
    places.values_mut().enumerate().for_each(|(nth, place)| *place = nth);
    texts.iter().map(|text| text.map_or(f64::NAN, |text| places[text] as f64)).collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    stats::sum(values) / count
}

/// Of the population; 0 for less than one value.
fn variance(values: &[f64]) -> f64 {
    let values: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    if values.is_empty() {
        return 0.0;
    }
    let center = mean(values.iter().copied());
    mean(values.iter().map(|value| (value - center).powi(2)))
}

/// Pearson's; 0 where one side never varies.
fn correlation(both: &[(f64, f64)]) -> f64 {
    let (x, y) = (mean(both.iter().map(|(x, _)| *x)), mean(both.iter().map(|(_, y)| *y)));
    let moment = |f: fn(f64, f64) -> f64| stats::sum(both.iter().map(|(a, b)| f(a - x, b - y)));
    let spread = (moment(|a, _| a * a) * moment(|_, b| b * b)).sqrt();
    if spread > 0.0 { (moment(|a, b| a * b) / spread).clamp(-1.0, 1.0) } else { 0.0 }
}

/// The F statistic of a one-way analysis of variance: the variance between the classes over that within them.
fn f_of_classes(both: &[(f64, f64)]) -> f64 {
    let mut groups: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    both.iter().for_each(|(x, y)| groups.entry(y.to_bits()).or_default().push(*x));
    let (count, kinds) = (both.len() as f64, groups.len() as f64);
    if groups.len() < 2 || both.len() <= groups.len() {
        return 0.0;
    }
    let whole = mean(both.iter().map(|(x, _)| *x));
    let (mut between, mut within) = (0.0, 0.0);
    for group in groups.values() {
        let center = mean(group.iter().copied());
        between += group.len() as f64 * (center - whole).powi(2);
        within += stats::sum(group.iter().map(|x| (x - center).powi(2)));
    }
    if between == 0.0 { 0.0 } else { between / (kinds - 1.0) / (within / (count - kinds)) }
}

/// Σ p(x, y) · ln(p(x, y) / (p(x) · p(y))), in nats.
fn mutual_information(both: &[(f64, f64)]) -> f64 {
    let x = bins(both.iter().map(|(x, _)| *x).collect());
    let y = bins(both.iter().map(|(_, y)| *y).collect());
    let count = both.len() as f64;
    let mut joint: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    let (mut left, mut right): (BTreeMap<usize, f64>, BTreeMap<usize, f64>) = (BTreeMap::new(), BTreeMap::new());
    for (x, y) in x.into_iter().zip(y) {
        *joint.entry((x, y)).or_default() += 1.0;
        *left.entry(x).or_default() += 1.0;
        *right.entry(y).or_default() += 1.0;
    }
    let terms = joint.iter().map(|((x, y), both)| both / count * elementary::ln(both * count / (left[x] * right[y])));
    stats::sum(terms.collect::<Vec<_>>()).max(0.0)
}

/// Each value's bin: its own where there are few, else one of about as many rows as the others.
fn bins(values: Vec<f64>) -> Vec<usize> {
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let edges: Vec<f64> = if distinct.len() <= BINS {
        distinct
    } else {
        let mut edges: Vec<f64> = (1..BINS).map(|nth| sorted[nth * sorted.len() / BINS]).collect();
        edges.dedup();
        edges
    };
    values.into_iter().map(|value| edges.partition_point(|edge| *edge <= value)).collect()
}
