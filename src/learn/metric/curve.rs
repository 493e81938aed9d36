//! What a single score hides, as data to draw: ROC, precision and recall, gain and lift, reliability, residuals.
//! Curves of many rows are thinned to [`POINTS`] points, evenly along the way, always to the same ones.

use serde::{Deserialize, Serialize};

use super::Sheet;
use super::ranking::{self, BINS};
use super::sheet::{Classes, Numbers};

/// No curve has more points.
const POINTS: usize = 200;
/// Of more classes than these no curves are kept but the reliability.
const CLASSES: usize = 20;
/// How many stretches of residuals are counted.
const STRETCHES: usize = 20;

/// True positives against false positives, from the highest threshold down. All three have one value a point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// The share of the other rows that are called so.
    pub fpr: Vec<f64>,
    /// The share of the class' rows that are called so.
    pub tpr: Vec<f64>,
    /// From which probability on; none at the first point, where no row is called so.
    pub threshold: Vec<Option<f64>>,
}

/// Precision against recall, from the highest threshold down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// The share of the class' rows that are called so.
    pub recall: Vec<f64>,
    /// The share of the rows called so that are.
    pub precision: Vec<f64>,
    /// From which probability on.
    pub threshold: Vec<f64>,
}

/// What is found by taking the likeliest rows first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The share of all rows that are taken.
    pub rows: Vec<f64>,
    /// The share of the class' rows among them.
    pub found: Vec<f64>,
    /// How many times as many that is as without a model.
    pub lift: Vec<f64>,
}

/// The curves of one class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassCurves {
    /// The class' index.
    pub class: usize,
    /// Its ROC curve.
    pub roc: Roc,
    /// Precision and recall.
    pub precision_recall: PrecisionRecall,
    /// Gain and lift.
    pub gain: Gain,
}

/// Rows whose probabilities are close together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The mean probability.
    pub said: f64,
    /// The share that came true.
    pub came: f64,
    /// How many rows.
    pub rows: u64,
}

/// Whether probabilities are what comes true: of the positive class for two, else of the likeliest one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// The expected calibration error.
    pub ece: f64,
    /// The stretches that have rows, the lowest first.
    pub bins: Vec<ReliabilityBin>,
}

/// How many residuals lie in a stretch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResidualBin {
    /// Its lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
    /// How many rows.
    pub rows: u64,
}

/// Truth less prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// What was predicted of some rows, the lowest first.
    pub predicted: Vec<f64>,
    /// The residual of each of them.
    pub residual: Vec<f64>,
    /// All rows' residuals counted.
    pub histogram: Vec<ResidualBin>,
}

/// All there is to draw of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// For two classes of the positive one, else of each; none for more than 20 classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassCurves>,
    /// Of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
    /// Of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residuals: Option<Residuals>,
}

impl Curves {
    /// The curves of what is judged.
    pub fn of(sheet: &Sheet) -> Self {
        if let Ok(numbers) = sheet.of_numbers() {
            return Self { residuals: Some(residuals(numbers)), ..Self::default() };
        }
        let Ok(classes) = sheet.of_classes() else { return Self::default() };
        let drawn = match classes.count {
            2 => vec![classes.positive.min(1) as usize],
            count if count <= CLASSES => (0..count).collect(),
            _ => Vec::new(),
        };
        let curves = drawn.into_iter().filter_map(|class| of_class(sheet, classes, class)).collect();
        Self { classes: curves, reliability: Some(reliability(sheet, classes)), residuals: None }
    }
}

/// How many rows are called so from a probability on: rightly and wrongly.
struct Called {
    right: u64,
    wrong: u64,
    threshold: f64,
}

/// The curves of a class; `None` where all rows are of it or none is.
fn of_class(sheet: &Sheet, classes: &Classes, class: usize) -> Option<ClassCurves> {
    let mut steps: Vec<Called> = Vec::new();
    classes.ranked(class, |ranks| {
        ranks.groups(sheet.whole(), true, |tied| {
            let (right, wrong) = steps.last().map_or((0, 0), |step| (step.right, step.wrong));
            let threshold = classes.chance(tied.last, class);
            steps.push(Called { right: right + tied.inside, wrong: wrong + tied.outside, threshold });
        });
    });
    let last = steps.last()?;
    let (members, others) = (last.right as f64, last.wrong as f64);
    if members == 0.0 || others == 0.0 {
        return None;
    }
    let tpr = |step: &Called| step.right as f64 / members;
    let fpr = |step: &Called| step.wrong as f64 / others;
    let share = |step: &Called| (step.right + step.wrong) as f64 / (members + others);
    let mut roc = Roc { fpr: vec![0.0], tpr: vec![0.0], threshold: vec![None] };
    for step in thinned(&steps, |step| (tpr(step) + fpr(step)) / 2.0) {
        roc.fpr.push(fpr(step));
        roc.tpr.push(tpr(step));
        roc.threshold.push(Some(step.threshold));
    }
    let mut precision_recall = PrecisionRecall::default();
    for step in thinned(&steps, tpr) {
        precision_recall.recall.push(tpr(step));
        precision_recall.precision.push(step.right as f64 / (step.right + step.wrong) as f64);
        precision_recall.threshold.push(step.threshold);
    }
    let mut gain = Gain::default();
    for step in thinned(&steps, share) {
        gain.rows.push(share(step));
        gain.found.push(tpr(step));
        gain.lift.push(tpr(step) / share(step));
    }
    Some(ClassCurves { class, roc, precision_recall, gain })
}

/// The first item in each of equal stretches of the way, which grows from item to item up to 1; and the last item.
fn thinned<T>(items: &[T], way: impl Fn(&T) -> f64) -> Vec<&T> {
    // One place is left for the beginning.
    let stretches = (POINTS - 2) as f64;
    if items.len() < POINTS {
        return items.iter().collect();
    }
    let mut kept: Vec<&T> = Vec::new();
    let mut passed = -1.0;
    for (nth, item) in items.iter().enumerate() {
        let stretch = (way(item) * stretches).floor();
        if stretch > passed || nth + 1 == items.len() {
            kept.push(item);
            passed = stretch;
        }
    }
    kept
}

fn reliability(sheet: &Sheet, classes: &Classes) -> Reliability {
    let bins = ranking::bins(classes, sheet.whole());
    let told = bins.iter().filter(|(rows, ..)| *rows > 0).map(|&(rows, said, came)| ReliabilityBin {
        said: said / rows as f64,
        came: came as f64 / rows as f64,
        rows,
    });
    debug_assert!(bins.len() == BINS);
    Reliability { ece: ranking::ece(sheet, sheet.whole()).unwrap_or_default(), bins: told.collect() }
}

fn residuals(numbers: &Numbers) -> Residuals {
    let errors = &numbers.errors().signed;
    let mut rows: Vec<usize> = (0..errors.len()).collect();
    rows.sort_unstable_by(|a, b| numbers.predicted[*a].total_cmp(&numbers.predicted[*b]).then(a.cmp(b)));
    let count = rows.len().min(POINTS);
    // Evenly by rank, the first and the last among them.
    let at = |nth: usize| rows[if count > 1 { nth * (rows.len() - 1) / (count - 1) } else { 0 }];
    let shown: Vec<usize> = (0..count).map(at).collect();
    Residuals {
        predicted: shown.iter().map(|row| numbers.predicted[*row]).collect(),
        residual: shown.iter().map(|row| errors[*row]).collect(),
        histogram: histogram(errors),
    }
}

fn histogram(values: &[f64]) -> Vec<ResidualBin> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / STRETCHES as f64;
    if !width.is_finite() {
        return Vec::new();
    }
    if width == 0.0 {
        return vec![ResidualBin { from: low, to: high, rows: values.len() as u64 }];
    }
    let mut counts = [0u64; STRETCHES];
    for value in values {
        counts[(((value - low) / width) as usize).min(STRETCHES - 1)] += 1;
    }
    let end = |nth: usize| if nth == STRETCHES { high } else { low + width * nth as f64 };
    let bin = |(nth, rows): (usize, u64)| ResidualBin { from: end(nth), to: end(nth + 1), rows };
    counts.into_iter().enumerate().map(bin).collect()
}
