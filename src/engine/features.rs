//! From a table to what learners read: a matrix of features, and the answers.

use std::collections::HashMap;

use polars::prelude::{Column, DataFrame, DataType};
use serde_json::Value as Json;

use crate::data::{Kind, Matrix, Shape, Value, positions, stats, unexpected, value_at};
use crate::learn::{self, Task};
use crate::plan::Train;
use crate::seal::{Feature, Trained};
use crate::source::Fault;

/// The columns that a train step learns from, in the table's order.
pub(super) fn names(train: &Train, shape: &Shape) -> Result<Vec<String>, Fault> {
    let names = train.picks(shape).map_err(|fault| fault.within("features"))?;
    for name in &names {
        if let Some(fault) = train.unfit(name, shape.expect(name)?) {
            return Err(fault);
        }
    }
    Ok(names)
}

/// What a model will read of rows that it learns from: each column, with its categories if it isn't a number.
pub(super) fn inputs(frame: &DataFrame, names: &[String]) -> Result<Vec<Feature>, Fault> {
    let input = |name: &String| {
        let column = frame.column(name).map_err(unexpected)?;
        if column.str().is_err() {
            return Ok(Feature::number(name));
        }
        let categories = stats::value_counts(column).into_iter().map(|(value, _)| value);
        Ok(Feature::category(name, categories.collect()))
    };
    names.iter().map(input).collect()
}

/// The features of a table's rows, NaN where there is no value.
///
/// # Errors
/// A missing value, unless the model takes them: with its column, how many there are, and the first row.
pub(super) fn matrix(frame: &DataFrame, inputs: &[Feature], missing: bool) -> Result<Matrix, Fault> {
    let mut values = Vec::with_capacity(frame.height() * inputs.len());
    for input in inputs {
        if !missing {
            present(frame, &input.name)?;
        }
        match &input.categories {
            None => numbers(frame, &input.name, &mut values)?,
            Some(categories) => codes(frame, &input.name, categories, &mut values)?,
        }
    }
    let names = inputs.iter().map(|input| input.name.clone()).collect();
    Ok(Matrix::new(names, frame.height(), values).with_levels(inputs.iter().map(Feature::levels).collect()))
}

/// Every row has a value.
fn present(frame: &DataFrame, name: &str) -> Result<(), Fault> {
    let column = frame.column(name).map_err(unexpected)?;
    let missing = column.null_count();
    if missing == 0 {
        return Ok(());
    }
    Err(Fault::new(
        "missing-values",
        format!(
            "the feature `{name}` has no value in {missing} of {} rows, the first is {}",
            column.len(),
            first_missing(frame, column)
        ),
    )
    .help(format!("put `fill_missing: {{{name}: median}}` or `drop_missing: [{name}]` before")))
}

fn numbers(frame: &DataFrame, name: &str, into: &mut Vec<f64>) -> Result<(), Fault> {
    let column = frame.column(name).map_err(unexpected)?;
    let numbers = column.cast(&DataType::Float64).map_err(unexpected)?;
    into.extend(numbers.f64().map_err(unexpected)?.iter().map(|number| number.unwrap_or(f64::NAN)));
    Ok(())
}

/// The places of a column's values among its categories.
fn codes(frame: &DataFrame, name: &str, categories: &[Value], into: &mut Vec<f64>) -> Result<(), Fault> {
    let places: HashMap<&str, f64> = categories
        .iter()
        .enumerate()
        .filter_map(|(place, category)| match category {
            Value::Str(text) => Some((text.as_ref(), place as f64)),
            _ => None,
        })
        .collect();
    let column = frame.column(name).map_err(unexpected)?;
    let texts = column.str().map_err(unexpected)?;
    into.extend(texts.iter().map(|text| text.and_then(|text| places.get(text).copied()).unwrap_or(f64::NAN)));
    Ok(())
}

/// The first row without a value, as it is numbered in its source.
fn first_missing(frame: &DataFrame, column: &Column) -> String {
    let first = column.is_null().iter().position(|missing| missing == Some(true)).unwrap_or_default();
    match positions(frame).ok().and_then(|positions| positions.get(first)) {
        Some(position) => format!("row {} of the source", position + 1),
        None => format!("row {}", first + 1),
    }
}

/// What a target's values mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meaning {
    pub(super) task: Task,
    pub(super) kind: Kind,
    /// The classes, in order; empty for numbers.
    pub(super) classes: Vec<Value>,
    /// Which class is the positive one, if there are two.
    pub(super) positive: Option<u32>,
}

impl Meaning {
    /// What a model's target means.
    pub(super) fn of(trained: &Trained) -> Self {
        Self { task: trained.task, kind: trained.kind, classes: trained.classes.clone(), positive: trained.positive }
    }
}

/// What the values of the training rows mean.
pub(super) fn meaning(train: &Train, frame: &DataFrame, shape: &Shape) -> Result<Meaning, Fault> {
    let name = &train.target.column;
    let kind = shape.expect(name)?;
    let fallback = train.target.positive.is_some() || kind == Kind::Bool || kind.is_string();
    let task = train.task.unwrap_or(if fallback { Task::Classification } else { Task::Regression });
    if task == Task::Regression {
        return Ok(Meaning { task, kind, classes: Vec::new(), positive: None });
    }
    let column = frame.column(name).map_err(unexpected)?;
    let mut classes: Vec<Value> = stats::value_counts(column).into_iter().map(|(value, _)| value).collect();
    stats::sort(&mut classes);
    let positive = positive(train.target.positive.as_ref(), &classes, kind, name)?;
    Ok(Meaning { task, kind, classes, positive })
}

/// The positive class of two: the one that is named, else true, else the last.
pub(super) fn positive(said: Option<&Json>, classes: &[Value], kind: Kind, target: &str) -> Result<Option<u32>, Fault> {
    let Some(json) = said else {
        return Ok((classes.len() == 2).then_some(1));
    };
    let value =
        Value::from_json(json, kind).or_else(|| json.as_str().and_then(|text| crate::data::parse_cell(text, kind)));
    match value.and_then(|value| classes.iter().position(|class| *class == value)) {
        Some(place) => Ok(Some(place as u32)),
        None => {
            let known: Vec<String> = classes.iter().map(Value::to_string).collect();
            Err(Fault::new(
                "unknown-class",
                format!(
                    "no training row has the positive class `{}` in `{target}`",
                    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
                ),
            )
            .help(format!("there is {}", crate::source::list(known.iter().map(String::as_str)))))
        }
    }
}

/// The answers of rows. A class that the training rows don't have counts as one more, which no model predicts.
pub(super) fn answers(frame: &DataFrame, target: &str, meaning: &Meaning) -> Result<learn::Target, Fault> {
    let column = frame.column(target).map_err(unexpected)?;
    if column.null_count() > 0 {
        return Err(Fault::new(
            "missing-values",
            format!(
                "the target `{target}` has no value in {} of {} rows, the first is {}",
                column.null_count(),
                column.len(),
                first_missing(frame, column)
            ),
        )
        .help(format!("put `drop_missing: [{target}]` before")));
    }
    if meaning.task == Task::Regression {
        let mut numbers_ = Vec::with_capacity(column.len());
        numbers(frame, target, &mut numbers_)?;
        return Ok(learn::Target::Numbers(numbers_));
    }
    let mut stranger = false;
    let codes = (0..column.len())
        .map(|row| {
            let value = value_at(column, row);
            let place = meaning.classes.binary_search_by(|class| class.order(&value));
            stranger |= place.is_err();
            place.unwrap_or(meaning.classes.len()) as u32
        })
        .collect();
    Ok(learn::Target::Classes { codes, count: meaning.classes.len() + usize::from(stranger) })
}

/// How much each row counts.
pub(super) fn weights(train: &Train, frame: &DataFrame, y: &learn::Target) -> Result<Option<Vec<f64>>, Fault> {
    match (&train.weights, y) {
        (None, _) => Ok(None),
        (Some(crate::spec::Weights::Balanced), learn::Target::Classes { codes, count }) => {
            Ok(Some(learn::balanced_weights(codes, *count)))
        }
        (Some(crate::spec::Weights::Balanced), _) => {
            Err(Fault::new("bad-weight", "`balanced` is for classes, and the target has numbers").within("weights"))
        }
        (Some(crate::spec::Weights::Column(column)), _) => {
            let mut found = Vec::with_capacity(frame.height());
            present(frame, column)?;
            numbers(frame, column, &mut found)?;
            Ok(Some(found))
        }
    }
}
