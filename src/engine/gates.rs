//! Gates: what the winner must reach on the judged rows, in its worst slice, and between slices.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judge::{ModelReport, SliceReport};
use crate::learn::{Direction, find_metric};
use crate::spec::{Gate, Over};

/// How a gate was met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateResult {
    /// The metric as it was written: `accuracy`, `worst_slice.recall`.
    pub metric: String,
    /// At least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How many rows a slice must have to count; of gates on slices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_rows: Option<usize>,
    /// What it is; none if the rows don't define it.
    pub value: Option<f64>,
    /// The slice, or the two slices, that the value is of: `island = Dream`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// Whether that is good enough.
    pub passed: bool,
}

/// Judges the winner by a gate; without a winner no gate holds.
pub(super) fn judge(gate: &Gate, winner: Option<&ModelReport>) -> GateResult {
    let (value, slice) = match gate.over {
        Over::Rows => (winner.and_then(|model| model.scores.get(&gate.metric)), None),
        Over::WorstSlice { min_rows } => parted(winner.and_then(|model| worst(model, &gate.metric, min_rows))),
        Over::SliceGap { min_rows } => parted(winner.and_then(|model| gap(model, &gate.metric, min_rows))),
    };
    let holds = |value: f64| gate.min.is_none_or(|min| value >= min) && gate.max.is_none_or(|max| value <= max);
    GateResult {
        metric: gate.name(),
        min: gate.min,
        max: gate.max,
        min_rows: gate.over.min_rows(),
        value,
        slice,
        passed: value.is_some_and(holds),
    }
}

fn parted(found: Option<(f64, String)>) -> (Option<f64>, Option<String>) {
    found.map_or((None, None), |(value, slice)| (Some(value), Some(slice)))
}

/// The slices that have enough rows and define the metric, with its value.
fn valued<'a>(
    model: &'a ModelReport,
    metric: &'a str,
    min_rows: usize,
) -> impl Iterator<Item = (&'a SliceReport, f64)> {
    let large = model.slices.iter().filter(move |slice| slice.scores.rows >= min_rows);
    large.filter_map(move |slice| Some((slice, slice.scores.get(metric)?)))
}

fn direction(metric: &str) -> Direction {
    find_metric(metric).map_or(Direction::Higher, |entry| entry.direction)
}

/// The worst value among all slices.
fn worst(model: &ModelReport, metric: &str, min_rows: usize) -> Option<(f64, String)> {
    let direction = direction(metric);
    let mut found: Option<(f64, String)> = None;
    for (slice, value) in valued(model, metric, min_rows) {
        if found.as_ref().is_none_or(|(worst, _)| direction.better(*worst, value)) {
            found = Some((value, slice.name()));
        }
    }
    found
}

/// The largest distance between two values of one column; none where no column has two slices that count.
fn gap(model: &ModelReport, metric: &str, min_rows: usize) -> Option<(f64, String)> {
    let mut columns: BTreeMap<&str, Vec<(&SliceReport, f64)>> = BTreeMap::new();
    for (slice, value) in valued(model, metric, min_rows) {
        columns.entry(&slice.column).or_default().push((slice, value));
    }
    let mut found: Option<(f64, String)> = None;
    for slices in columns.values().filter(|slices| slices.len() > 1) {
        let mut low = slices[0];
        let mut high = slices[0];
        for slice in slices {
            low = if slice.1 < low.1 { *slice } else { low };
            high = if slice.1 > high.1 { *slice } else { high };
        }
        let gap = high.1 - low.1;
        if found.as_ref().is_none_or(|(widest, _)| gap > *widest) {
            found = Some((gap, format!("{} against {}", low.0.name(), high.0.name())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Scores;

    fn model(slices: &[(&str, &str, usize, f64)]) -> ModelReport {
        let scores = |rows: usize, value: f64| Scores {
            rows,
            of: rows + 2,
            metrics: BTreeMap::from([("recall".to_owned(), value), ("rmse".to_owned(), value)]),
        };
        let slice = |(column, value, rows, score): &(&str, &str, usize, f64)| SliceReport {
            column: (*column).to_owned(),
            value: (*value).to_owned(),
            scores: scores(*rows, *score),
        };
        ModelReport {
            scores: scores(8, 0.9),
            intervals: BTreeMap::new(),
            validation: None,
            cv: None,
            cv_std: None,
            classes: Vec::new(),
            overall: None,
            confusion: Vec::new(),
            slices: slices.iter().map(slice).collect(),
            importance: None,
            bytes: 0,
            curves: None,
        }
    }

    fn gate(metric: &str, over: Over, min: Option<f64>, max: Option<f64>) -> Gate {
        Gate { metric: metric.to_owned(), over, min, max }
    }

    #[test]
    fn a_gate_without_a_value_fails_and_coverage_counts() {
        let judged =
            |metric: &str, min: f64| judge(&gate(metric, Over::Rows, Some(min), None), Some(&model(&[]))).passed;
        assert_eq!([judged("recall", 0.8), judged("coverage", 0.81), judged("f1", 0.0)], [true, false, false]);
        assert!(!judge(&gate("recall", Over::Rows, Some(0.0), None), None).passed);
    }

    #[test]
    fn the_worst_slice_is_the_worst_of_those_with_enough_rows() {
        let slices = [("sex", "f", 50, 0.7), ("sex", "m", 50, 0.9), ("island", "x", 5, 0.1), ("island", "y", 95, 0.8)];
        let over = Over::WorstSlice { min_rows: 30 };
        let found = judge(&gate("recall", over, Some(0.75), None), Some(&model(&slices)));
        assert_eq!((found.value, found.slice.as_deref(), found.passed), (Some(0.7), Some("sex = f"), false));
        assert_eq!((found.metric.as_str(), found.min_rows), ("worst_slice.recall", Some(30)));
        let found = judge(&gate("rmse", over, None, Some(0.9)), Some(&model(&slices)));
        assert_eq!((found.value, found.passed), (Some(0.9), true), "less error is better");
        let few = judge(&gate("recall", Over::WorstSlice { min_rows: 1000 }, Some(0.0), None), Some(&model(&slices)));
        assert_eq!((few.value, few.passed), (None, false));
    }

    #[test]
    fn the_gap_is_within_one_column() {
        let slices = [("sex", "f", 50, 0.7), ("sex", "m", 50, 0.9), ("island", "x", 5, 0.1), ("island", "y", 95, 0.8)];
        let over = |min_rows| Over::SliceGap { min_rows };
        let found = judge(&gate("recall", over(30), None, Some(0.1)), Some(&model(&slices)));
        assert!((found.value.expect("a gap") - 0.2).abs() < 1e-12 && !found.passed);
        assert_eq!(found.slice.as_deref(), Some("sex = f against sex = m"));
        let found = judge(&gate("recall", over(1), None, Some(1.0)), Some(&model(&slices)));
        assert!((found.value.expect("a gap") - 0.7).abs() < 1e-12 && found.passed);
    }
}
