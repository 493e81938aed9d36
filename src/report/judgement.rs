//! Scores, classes, slices and importance as tables.

use super::table::{Align, Table};
use crate::engine::{Judgement, ModelReport};

/// A number with four digits, or a dash.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| if value.abs() >= 1e5 { format!("{value:.4e}") } else { format!("{value:.4}") },
    )
}

/// The models side by side: each metric on the judged rows, and by cross-validation where there is one.
pub fn judgement(judgement: &Judgement) -> String {
    let metrics: Vec<&String> =
        judgement.models.first().map(|model| model.scores.metrics.keys().collect()).unwrap_or_default();
    let cv = judgement.models.iter().any(|model| model.cv.is_some());
    let mut heads = vec![("model".to_owned(), Align::Left)];
    heads.extend(metrics.iter().map(|metric| ((*metric).clone(), Align::Right)));
    if cv {
        heads.extend(metrics.iter().map(|metric| (format!("cv {metric}"), Align::Right)));
    }
    heads.extend([
        ("rows".to_owned(), Align::Right),
        ("coverage".to_owned(), Align::Right),
        (String::new(), Align::Left),
    ]);
    let mut table = Table::new(heads);
    for (place, (name, model)) in judgement.names.iter().zip(&judgement.models).enumerate() {
        let mut cells = vec![name.clone()];
        cells.extend(metrics.iter().map(|metric| number(model.scores.get(metric))));
        if cv {
            cells.extend(metrics.iter().map(|metric| {
                let of = |map: &Option<std::collections::BTreeMap<String, f64>>| map.as_ref()?.get(*metric).copied();
                match (of(&model.cv), of(&model.cv_std)) {
                    (Some(mean), Some(std)) => format!("{} ± {std:.4}", number(Some(mean))),
                    (mean, _) => number(mean),
                }
            }));
        }
        let coverage = format!("{:.1}%", model.scores.coverage() * 100.0);
        let winner = judgement.verdict.best == Some(place) && judgement.names.len() > 1;
        let mark = match judgement.verdict.ranked_by {
            Some(by) if winner => format!("← best, by {by}"),
            _ => String::new(),
        };
        cells.extend([model.scores.rows.to_string(), coverage, mark]);
        table.row(cells);
    }
    let mut text = table.to_string();
    for gate in &judgement.verdict.gates {
        let bound = match (gate.min, gate.max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, Some(max)) => format!("at most {max}"),
            (None, None) => String::new(),
        };
        let mark = if gate.passed { "✓" } else { "✗" };
        text.push_str(&format!("{mark} {} {} is {bound}\n", gate.metric, number(gate.value)));
    }
    text
}

/// The classes and who was taken for whom.
pub fn confusion(model: &ModelReport) -> String {
    if model.classes.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        ("class", Align::Left),
        ("precision", Align::Right),
        ("recall", Align::Right),
        ("f1", Align::Right),
        ("rows", Align::Right),
    ]);
    for class in &model.classes {
        table.row([
            class.class.clone(),
            number(Some(class.precision)),
            number(Some(class.recall)),
            number(Some(class.f1)),
            class.support.to_string(),
        ]);
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
    for slice in &model.slices {
        let mut cells = vec![format!("{} = {}", slice.column, slice.value), slice.scores.rows.to_string()];
        cells.extend(metrics.iter().map(|metric| number(slice.scores.get(metric))));
        table.row(cells);
    }
    table.to_string()
}

/// How many features are shown.
const SHOWN: usize = 15;

/// The features by what they contribute.
pub fn importance(shares: &[(&str, f64)]) -> String {
    let mut table = Table::new([("feature", Align::Left), ("share", Align::Right), ("", Align::Left)]);
    for (name, share) in shares.iter().take(SHOWN) {
        table.row([(*name).to_owned(), format!("{:.1}%", share * 100.0), "█".repeat((share * 40.0).round() as usize)]);
    }
    if shares.len() > SHOWN {
        table.row([format!("… and {} more", shares.len() - SHOWN), String::new(), String::new()]);
    }
    table.to_string()
}
