//! Scores, classes, slices and importance as tables.

use super::table::{Align, Table};
use super::{bytes, seconds};
use crate::engine::{Costs, GateResult, Importance, Judgement, ModelReport};
use crate::learn::Interval;

/// A number with four digits, or a dash.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| if value.abs() >= 1e5 { format!("{value:.4e}") } else { format!("{value:.4}") },
    )
}

/// Longer lines are broken by many a terminal.
const WIDE: usize = 120;

/// A score and where it would lie on other rows of the same kind: `0.9810 [0.965, 0.994]`.
pub(super) fn with_interval(value: Option<f64>, interval: Option<Interval>) -> String {
    match interval {
        Some(Interval { low, high }) => format!("{} [{}, {}]", number(value), bound(low), bound(high)),
        None => number(value),
    }
}

fn bound(value: f64) -> String {
    match value.abs() {
        size if size >= 1e5 => format!("{value:.2e}"),
        size if size >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The models side by side: each metric on the judged rows with its interval, by cross-validation where there is one, and
/// what each costs.
pub fn judgement(judgement: &Judgement) -> String {
    let metrics: Vec<&String> =
        judgement.models.first().map(|model| model.scores.metrics.keys().collect()).unwrap_or_default();
    let cv = judgement.models.iter().any(|model| model.cv.is_some());
    let mut heads = vec![("model".to_owned(), Align::Left)];
    heads.extend(metrics.iter().map(|metric| ((*metric).clone(), Align::Right)));
    if cv {
        heads.extend(metrics.iter().map(|metric| (format!("cv {metric}"), Align::Right)));
    }
    let rest = ["rows", "coverage", "fit", "1000 rows", "size"].map(|head| (head.to_owned(), Align::Right));
    heads.extend(rest);
    heads.push((String::new(), Align::Left));
    let mut table = Table::new(heads);
    for (place, (name, model)) in judgement.names.iter().zip(&judgement.models).enumerate() {
        let mut cells = vec![name.clone()];
        let interval = |metric: &String| model.intervals.get(metric).copied();
        cells.extend(metrics.iter().map(|metric| with_interval(model.scores.get(metric), interval(metric))));
        if cv {
            cells.extend(metrics.iter().map(|metric| {
                let of = |map: &Option<std::collections::BTreeMap<String, f64>>| map.as_ref()?.get(*metric).copied();
                match (of(&model.cv), of(&model.cv_std)) {
                    (Some(mean), Some(std)) => format!("{} ± {std:.4}", number(Some(mean))),
                    (mean, _) => number(mean),
                }
            }));
        }
        cells.extend([model.scores.rows.to_string(), format!("{:.1}%", model.scores.coverage() * 100.0)]);
        let costs = judgement.costs.get(place);
        let told = |of: fn(&Costs) -> String| costs.map_or("–".to_owned(), of);
        cells.extend([
            told(|costs| short_time(costs.fit_seconds)),
            told(|costs| short_time(costs.predict_seconds)),
            told(|costs| bytes(costs.bytes)),
        ]);
        let winner = judgement.verdict.best == Some(place) && judgement.names.len() > 1;
        cells.push(match judgement.verdict.ranked_by {
            Some(by) if winner => format!("← best, by {by}"),
            _ => String::new(),
        });
        table.row(cells);
    }
    // Of many metrics the lines are too long to be read, and there are fewer models.
    let turned = table.turned();
    let turn = table.width() > WIDE && turned.width() < table.width();
    // Turned, the arrow would point nowhere.
    let mut text = if turn { turned.to_string().replace("← best", "  best") } else { table.to_string() };
    for gate in &judgement.verdict.gates {
        let mark = if gate.passed { "✓" } else { "✗" };
        text.push_str(&format!("{mark} {}\n", gate_words(gate)));
    }
    for leak in &judgement.leaks {
        let model = judgement.names.get(leak.model()).filter(|_| leak.is_of_features());
        let whose = model.map(|name| format!("`{name}`: ")).unwrap_or_default();
        text.push_str(&format!("! {whose}{}\n", leak.words()));
    }
    text
}

/// A time that may be very short.
fn short_time(time: f64) -> String {
    if time < 1e-3 { format!("{:.0} µs", time * 1e6) } else { seconds(time) }
}

/// "accuracy 0.9500 is at least 0.9".
fn gate_words(gate: &GateResult) -> String {
    let told = GateWords {
        metric: &gate.metric,
        min: gate.min,
        max: gate.max,
        min_rows: gate.min_rows,
        value: gate.value,
        slice: gate.slice.as_deref(),
        passed: gate.passed,
    };
    told.words()
}

/// A gate as it is told, from this run or from an earlier one.
pub(super) struct GateWords<'a> {
    pub(super) metric: &'a str,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) min_rows: Option<usize>,
    pub(super) value: Option<f64>,
    pub(super) slice: Option<&'a str>,
    pub(super) passed: bool,
}

impl GateWords<'_> {
    pub(super) fn words(&self) -> String {
        if let (None, Some(rows)) = (self.value, self.min_rows) {
            return format!("{} has no value: too few slices of {rows} rows define it", self.metric);
        }
        let bound = match (self.min, self.max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, Some(max)) => format!("at most {max}"),
            (None, None) => "set".to_owned(),
        };
        let is = if self.passed { "is" } else { "isn't" };
        let slice = self.slice.map_or(String::new(), |slice| format!(" ({slice})"));
        format!("{} {} {is} {bound}{slice}", self.metric, number(self.value))
    }
}

/// How many classes and slices are shown, and of how many classes who was taken for whom.
const LINES: usize = 50;
const CONFUSED: usize = 20;

/// Says in a table's last line how many are left out.
fn more(table: &mut Table, count: usize) {
    if count > LINES {
        table.row([format!("… and {} more: `--json` has them", count - LINES)]);
    }
}

/// Precision, recall and f1 of each class and over all of them, and who was taken for whom.
pub fn classes(model: &ModelReport) -> String {
    let Some(overall) = &model.overall else { return String::new() };
    let heads = [("precision", Align::Right), ("recall", Align::Right), ("f1", Align::Right), ("rows", Align::Right)];
    let mut table = Table::new([("class", Align::Left)].into_iter().chain(heads));
    let scores = |of: [f64; 3]| of.map(|score| number(Some(score)));
    for class in model.classes.iter().take(LINES) {
        let of = scores([class.precision, class.recall, class.f1]);
        table.row([class.class.clone()].into_iter().chain(of).chain([class.support.to_string()]));
    }
    more(&mut table, model.classes.len());
    let rows = model.scores.rows.to_string();
    table.row([""]);
    table.row(["accuracy", "", "", &number(Some(overall.accuracy)), &rows]);
    for (name, average) in [("macro avg", overall.macro_avg), ("weighted avg", overall.weighted_avg)] {
        let of = scores([average.precision, average.recall, average.f1]);
        table.row([name.to_owned()].into_iter().chain(of).chain([rows.clone()]));
    }
    if model.confusion.is_empty() || model.confusion.len() > CONFUSED {
        return table.to_string();
    }
    let mut heads = vec![("is ↓  said →".to_owned(), Align::Left)];
    heads.extend(model.classes.iter().map(|class| (class.class.clone(), Align::Right)));
    let mut matrix = Table::new(heads);
    for (class, row) in model.classes.iter().zip(&model.confusion) {
        matrix.row([class.class.clone()].into_iter().chain(row.iter().map(u64::to_string)));
    }
    format!("{table}\n{matrix}")
}

/// The scores by the values of columns.
pub fn slices(model: &ModelReport) -> String {
    if model.slices.is_empty() {
        return String::new();
    }
    let metrics: Vec<String> = model.scores.metrics.keys().cloned().collect();
    let mut heads = vec![("slice".to_owned(), Align::Left), ("rows".to_owned(), Align::Right)];
    heads.extend(metrics.iter().map(|metric| (metric.clone(), Align::Right)));
    let mut table = Table::new(heads);
    for slice in model.slices.iter().take(LINES) {
        let mut cells = vec![format!("{} = {}", slice.column, slice.value), slice.scores.rows.to_string()];
        cells.extend(metrics.iter().map(|metric| number(slice.scores.get(metric))));
        table.row(cells);
    }
    more(&mut table, model.slices.len());
    table.to_string()
}

/// What the score loses by each raw column, with bars as long as the losses are large.
pub fn permuted(importance: &Importance) -> String {
    let most = importance.columns.iter().map(|column| column.mean).fold(0.0, f64::max);
    let loss = format!("{} lost", importance.metric);
    let mut table =
        Table::new([("column".to_owned(), Align::Left), (loss, Align::Right), (String::new(), Align::Left)]);
    for column in importance.columns.iter().take(SHOWN) {
        let share = if most > 0.0 { (column.mean / most).max(0.0) } else { 0.0 };
        let told = format!("{} ± {:.4}", number(Some(column.mean)), column.std);
        table.row([column.column.clone(), told, "█".repeat((share * BAR).round() as usize)]);
    }
    if importance.columns.len() > SHOWN {
        table.row([format!("… and {} more: `--json` has them", importance.columns.len() - SHOWN)]);
    }
    table.to_string()
}

/// How many features are shown.
const SHOWN: usize = 15;
/// How long the longest bar may be.
const BAR: f64 = 40.0;

/// The features by what they contribute.
pub fn importance(shares: &[(&str, f64)]) -> String {
    let mut table = Table::new([("feature", Align::Left), ("share", Align::Right), ("", Align::Left)]);
    for (name, share) in shares.iter().take(SHOWN) {
        table.row([(*name).to_owned(), format!("{:.1}%", share * 100.0), "█".repeat((share * BAR).round() as usize)]);
    }
    if shares.len() > SHOWN {
        table.row([format!("… and {} more", shares.len() - SHOWN), String::new(), String::new()]);
    }
    table.to_string()
}
