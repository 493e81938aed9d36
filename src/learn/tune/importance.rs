//! How much each hyper-parameter matters, told from the trials.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::propose::Tried;
use super::space::{Dimension, Space};
use crate::data::{Matrix, stats};
use crate::learn::chance::Chance;
use crate::learn::{Estimator, Prediction, Target, Training, find_model};
use crate::source::Fault;

/// How many trials with a score it takes.
pub const LEAST: usize = 10;
/// How often the values of a hyper-parameter are mixed up.
const MIXES: u64 = 10;

/// The share that each hyper-parameter has in how good a trial is; the shares sum to 1 (all are 0 where none matters).
/// A random forest learns the score from the values, then the values of one hyper-parameter at a time are mixed up among
/// the trials: its share is how much the forest's mean squared error grows by it. `None` with fewer than [`LEAST`] scores.
///
/// # Errors
/// If the forest can't be grown.
pub fn importance(space: &Space, tried: &[Tried], seed: u64) -> Result<Option<BTreeMap<String, f64>>, Fault> {
    let scored: Vec<(&Tried, f64)> = tried.iter().filter_map(|tried| Some((tried, tried.score?))).collect();
    if scored.len() < LEAST {
        return Ok(None);
    }
    let scores: Vec<f64> = scored.iter().map(|(_, score)| *score).collect();
    let columns: Vec<Vec<Vec<f64>>> = (space.0.values().enumerate())
        .map(|(place, dimension)| columns(dimension, scored.iter().map(|(tried, _)| &tried.values[place])))
        .collect();
    let forest = grow(&matrix(&columns, None), &scores, seed)?;
    let before = error(&forest, &matrix(&columns, None), &scores)?;
    let mut grown = Vec::new();
    for place in 0..columns.len() {
        let mut more = Vec::new();
        for mix in 0..MIXES {
            let mut order: Vec<usize> = (0..scores.len()).collect();
            Chance::new(seed, mix).shuffle(&mut order);
            more.push(error(&forest, &matrix(&columns, Some((place, &order))), &scores)? - before);
        }
        grown.push((stats::sum(more) / MIXES as f64).max(0.0));
    }
    let total = stats::sum(grown.iter().copied());
    let share = |grown: f64| if total > 0.0 { grown / total } else { 0.0 };
    Ok(Some(space.0.keys().cloned().zip(grown.into_iter().map(share)).collect()))
}

/// The values of one hyper-parameter as numbers: how far through it they are, or a column for each choice.
fn columns<'a>(dimension: &Dimension, values: impl Iterator<Item = &'a Json> + Clone) -> Vec<Vec<f64>> {
    match dimension {
        Dimension::Choice(choices) => choices
            .iter()
            .map(|choice| values.clone().map(|value| f64::from(u8::from(value == choice))).collect())
            .collect(),
        _ => vec![values.map(|value| dimension.share(value).unwrap_or(0.5)).collect()],
    }
}

/// All columns, those of one hyper-parameter in another order of rows.
fn matrix(columns: &[Vec<Vec<f64>>], mixed: Option<(usize, &[usize])>) -> Matrix {
    let mut values = Vec::new();
    let mut names = Vec::new();
    let mut rows = 0;
    for (place, columns) in columns.iter().enumerate() {
        for column in columns {
            rows = column.len();
            names.push(names.len().to_string());
            match mixed {
                Some((at, order)) if at == place => values.extend(order.iter().map(|row| column[*row])),
                _ => values.extend(column),
            }
        }
    }
    Matrix::new(names, rows, values)
}

fn grow(x: &Matrix, scores: &[f64], seed: u64) -> Result<Estimator, Fault> {
    let model = (find_model("random_forest")?.check)(json!({"n_estimators": 100}));
    let model = model.map_err(|faults| faults.into_iter().next().unwrap_or_default())?;
    model.fit(&Training::new(x, &Target::Numbers(scores.to_vec())).seeded(seed))
}

fn error(forest: &Estimator, x: &Matrix, scores: &[f64]) -> Result<f64, Fault> {
    let Prediction::Numbers(said) = forest.predict(x)? else { unreachable!("scores are numbers") };
    let squares = said.iter().zip(scores).map(|(said, score)| (said - score).powi(2));
    Ok(stats::sum(squares) / scores.len() as f64)
}
