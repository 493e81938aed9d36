//! Which raw columns matter to a model: what its score loses when the values of one change places among the judged rows.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, IdxCa, NamedFrom};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::features;
use super::judging::{Answers, Candidate, Told, recipes};
use super::raw::raw;
use super::run::Cx;
use super::seal::raw_rows;
use super::table;
use crate::data::{Matrix, unexpected};
use crate::learn::{Loss, find_metric, permutation};
use crate::plan::{self, Evaluate, On};
use crate::recipe::{RowStep, apply, prune};
use crate::seal::{Feature, Trained};
use crate::source::Fault;

/// What of a model's score each raw column carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The metric of the score.
    pub metric: String,
    /// How often the values of each column were shuffled.
    pub repeats: usize,
    /// The raw columns that the model's features are made from, the one that matters most first.
    pub columns: Vec<ColumnImportance>,
}

/// What of a score one raw column carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnImportance {
    /// The column.
    pub column: String,
    /// What the score loses without it, in the metric's units: the mean over the repeats.
    pub mean: f64,
    /// The standard deviation over the repeats, of the population.
    pub std: f64,
    /// Repeat by repeat.
    pub losses: Vec<f64>,
}

/// Shuffles the raw columns of the judged rows, one at a time.
///
/// # Errors
/// If the rows' raw values can't be found any more, or the run was interrupted.
pub(super) fn of(
    cx: &Cx,
    evaluate: &Evaluate,
    asked: plan::Importance,
    candidate: &Candidate,
    trained: &Trained,
    told: &Told,
) -> Result<Importance, Fault> {
    let mut steps = Vec::new();
    for recipe in recipes(cx, candidate.train) {
        steps.extend(table::recipe(&cx.store, &recipe)?);
    }
    let (raw, places) = match evaluate.on {
        On::Part(_) => raw_rows(raw(cx, candidate.train.input)?.training(), &told.frame)?,
        On::Table(input) => raw_rows(&*table::frame(cx, table::meta(cx, input)?.training())?, &told.frame)?,
    };
    if places.len() < told.frame.height() {
        let missing = told.frame.height() - places.len();
        let message = format!("{missing} of the judged rows have no raw row whose columns could be shuffled");
        return Err(Fault::new("no-raw-rows", message).help("leave `importance` away").within("importance"));
    }
    let bench = Bench::new(trained, &steps, raw, &told.x, &told.answers, asked.metric);
    bench.importance(cx.plan.seed, asked.repeats, &|| cx.check()).map_err(|fault| fault.within("importance"))
}

/// Judged rows before and after the ops that lead to a model.
struct Bench<'a> {
    trained: &'a Trained,
    /// The raw rows, in the order of the judged ones.
    raw: DataFrame,
    /// The features as they were judged.
    x: &'a Matrix,
    answers: &'a Answers,
    metric: &'static str,
    columns: Vec<RawColumn>,
}

/// A raw column, and what it takes to make the features anew that are made from it.
struct RawColumn {
    name: String,
    /// Their places among the model's features.
    places: Vec<usize>,
    features: Vec<Feature>,
    steps: Vec<RowStep>,
    /// The raw columns that they are made from.
    inputs: Vec<String>,
}

impl<'a> Bench<'a> {
    /// The judged rows weren't refused, and a shuffled value refuses none: refusals are left out of the steps.
    fn new(
        trained: &'a Trained,
        steps: &[RowStep],
        raw: DataFrame,
        x: &'a Matrix,
        answers: &'a Answers,
        metric: &'static str,
    ) -> Self {
        let steps: Vec<RowStep> = steps.iter().filter_map(RowStep::unrefusing).collect();
        let made = |features: &[Feature]| {
            prune(&steps, &features.iter().map(|feature| feature.name.clone()).collect(), &BTreeSet::new())
        };
        let reads: Vec<BTreeSet<String>> =
            trained.features.iter().map(|feature| made(std::slice::from_ref(feature)).inputs).collect();
        let names = raw.get_column_names().into_iter().map(|name| name.as_str());
        let names = names.filter(|name| reads.iter().any(|read| read.contains(*name)));
        let column = |name: &str| {
            let places: Vec<usize> = (0..reads.len()).filter(|place| reads[*place].contains(name)).collect();
            let features: Vec<Feature> = places.iter().map(|place| trained.features[*place].clone()).collect();
            let pruned = made(&features);
            let inputs = pruned.inputs.into_iter().collect();
            RawColumn { name: name.to_owned(), places, features, steps: pruned.steps, inputs }
        };
        let columns = names.map(column).collect();
        Self { trained, raw, x, answers, metric, columns }
    }

    /// What the score loses by each column. `go_on` is asked before each column.
    fn importance(
        &self,
        seed: u64,
        repeats: usize,
        go_on: &dyn Fn() -> Result<(), Fault>,
    ) -> Result<Importance, Fault> {
        let metric = find_metric(self.metric)?;
        let score = self.answers.sheets()?.score(self.metric)?;
        let mut losses = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            go_on()?;
            let orders = (0..repeats).map(|repeat| permutation(self.raw.height(), seed, &column.name, repeat));
            // A thread of rayon's that waits for polars' would begin with other repeats meanwhile, one within another.
            let made = orders.map(|order| self.made(column, &order)).collect::<Result<Vec<_>, _>>()?;
            let scores = made.par_iter().map(|made| self.score(column, made)).collect::<Result<Vec<_>, _>>()?;
            losses.push(Loss::of(score, &scores, metric.direction));
        }
        let told = |(column, Loss { mean, std, losses }): (&RawColumn, Loss)| ColumnImportance {
            column: column.name.clone(),
            mean,
            std,
            losses,
        };
        let mut columns: Vec<ColumnImportance> = self.columns.iter().zip(losses).map(told).collect();
        // Stable: of equals the source's first column stays first.
        columns.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        Ok(Importance { metric: self.metric.to_owned(), repeats, columns })
    }

    /// The features that are made from a column, when each row has the column's value of another one.
    fn made(&self, column: &RawColumn, order: &[usize]) -> Result<Matrix, Fault> {
        let mut rows = self.raw.select(&column.inputs).map_err(unexpected)?;
        let order = IdxCa::new("".into(), order.iter().map(|row| *row as u32).collect::<Vec<_>>());
        let values = rows.column(&column.name).map_err(unexpected)?.take(&order).map_err(unexpected)?;
        rows.with_column(values).map_err(unexpected)?;
        features::matrix(&apply(&column.steps, rows)?.frame, &column.features, true)
    }

    /// The score with these in the place of the column's features.
    fn score(&self, column: &RawColumn, made: &Matrix) -> Result<f64, Fault> {
        let prediction = self.trained.predict(&self.spliced(column, made))?;
        self.answers.beside(prediction).sheets()?.score(self.metric)
    }

    /// All features, those of one raw column made anew. A row that the model couldn't answer then, because they have no
    /// value, keeps its own.
    fn spliced(&self, column: &RawColumn, made: &Matrix) -> Matrix {
        let rows = self.x.rows();
        let lacks = |row: usize| (0..made.columns()).any(|place| made.at(row, place).is_nan());
        let stays: Vec<usize> =
            if self.trained.missing { Vec::new() } else { (0..rows).filter(|row| lacks(*row)).collect() };
        let mut values = self.x.values().to_vec();
        for (from, to) in column.places.iter().enumerate() {
            let into = &mut values[to * rows..(to + 1) * rows];
            into.copy_from_slice(made.column(from));
            stays.iter().for_each(|row| into[*row] = self.x.at(*row, *to));
        }
        let levels = (0..self.x.columns()).map(|place| self.x.levels(place)).collect();
        Matrix::new(self.x.names().to_vec(), rows, values).with_levels(levels)
    }
}

#[cfg(test)]
mod tests;
