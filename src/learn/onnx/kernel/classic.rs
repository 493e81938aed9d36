//! Linear models and scaling of the set for classic machine learning, and how scores become probabilities.

use std::sync::Arc;

use super::super::spec::{Op, Spec, need};
use super::super::tensor::{Tensor, Values};
use crate::data::elementary::exp;
use crate::learn::linear::sigmoid;

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    match name {
        "LinearRegressor" => Some(linear(spec)),
        "LinearClassifier" => Some(classifier(spec)),
        "Scaler" => Some(scaler(spec)),
        "Normalizer" => Some(normalizer(spec)),
        "Imputer" => Some(imputer(spec)),
        "Binarizer" => {
            let least = spec.float("threshold", 0.0);
            Some(Ok(each(move |_, x| if x > least { 1.0 } else { 0.0 })))
        }
        "FeatureVectorizer" => Some(Ok(Box::new(side_by_side))),
        _ => None,
    }
}

/// Rows and columns; one axis is one row.
pub(super) fn two(tensor: &Tensor) -> Result<(usize, usize), String> {
    match tensor.shape[..] {
        [columns] => Ok((1, columns)),
        [rows, columns] => Ok((rows, columns)),
        _ => Err(format!("rows of columns are needed, not shape {:?}", tensor.shape)),
    }
}

/// What is done to scores in the end.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Post {
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
}

impl Post {
    pub(super) fn read(spec: &Spec) -> Result<Self, String> {
        Ok(match spec.text("post_transform").as_deref() {
            None | Some("NONE") => Post::None,
            Some("LOGISTIC") => Post::Logistic,
            Some("SOFTMAX") => Post::Softmax,
            Some("SOFTMAX_ZERO") => Post::SoftmaxZero,
            Some(other) => return Err(format!("scores are turned by `{other}`, which isn't known here")),
        })
    }

    pub(super) fn apply(self, row: &mut [f64]) {
        match self {
            Post::None => {}
            Post::Logistic => row.iter_mut().for_each(|x| *x = sigmoid(*x)),
            Post::Softmax | Post::SoftmaxZero => {
                let zero = self == Post::SoftmaxZero;
                let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                row.iter_mut().for_each(|x| *x = if zero && *x == 0.0 { 0.0 } else { exp(*x - largest) });
                let total: f64 = row.iter().sum();
                row.iter_mut().for_each(|x| *x /= total);
            }
        }
    }

    /// Fills both classes from the second's score, and tells which of them it is.
    pub(super) fn binary(self, score: f64, row: &mut [f64]) -> usize {
        let second = if self == Post::None { score } else { sigmoid(score) };
        row.copy_from_slice(&[1.0 - second, second]);
        usize::from(second > 0.5)
    }
}

/// The names of classes.
pub(super) enum Labels {
    Texts(Vec<Arc<str>>),
    Ints(Vec<i64>),
}

/// The classes of a classifier.
pub(super) fn labels(spec: &Spec) -> Result<Labels, String> {
    let texts = spec.texts("classlabels_strings").filter(|texts| !texts.is_empty());
    let ints = ["classlabels_int64s", "classlabels_ints"].iter().find_map(|name| spec.ints(name));
    match (texts, ints.filter(|ints| !ints.is_empty())) {
        (Some(texts), _) => Ok(Labels::Texts(texts.iter().map(|text| text.as_str().into()).collect())),
        (None, Some(ints)) => Ok(Labels::Ints(ints)),
        (None, None) => Err("it names no classes".to_owned()),
    }
}

impl Labels {
    pub(super) fn len(&self) -> usize {
        match self {
            Labels::Texts(texts) => texts.len(),
            Labels::Ints(ints) => ints.len(),
        }
    }

    /// Their names as text.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Labels::Texts(texts) => texts.iter().map(|text| text.to_string()).collect(),
            Labels::Ints(ints) => ints.iter().map(i64::to_string).collect(),
        }
    }

    /// Labels and scores, the two outputs of every classifier.
    pub(super) fn answer(&self, picked: &[usize], scores: Vec<f64>) -> Result<Vec<Tensor>, String> {
        let rows = picked.len();
        let labels = match self {
            Labels::Texts(texts) => Values::Str(picked.iter().map(|nth| Arc::clone(&texts[*nth])).collect()),
            Labels::Ints(ints) => Values::I64(picked.iter().map(|nth| ints[*nth]).collect()),
        };
        let scores = Values::F32(scores.into_iter().map(|score| score as f32).collect());
        Ok(vec![Tensor::new(vec![rows], labels)?, Tensor::new(vec![rows, self.len()], scores)?])
    }
}

struct Weights {
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
    outputs: usize,
}

impl Weights {
    fn read(spec: &Spec, outputs: usize) -> Result<Self, String> {
        let coefficients = spec.floats("coefficients").unwrap_or_default();
        let intercepts = spec.floats("intercepts").unwrap_or_default();
        let whole = outputs > 0 && !coefficients.is_empty() && coefficients.len().is_multiple_of(outputs);
        if !whole || !intercepts.is_empty() && intercepts.len() != outputs {
            return Err("its coefficients aren't whole".to_owned());
        }
        Ok(Self { coefficients, intercepts, outputs })
    }

    /// `outputs` scores a row.
    fn scores(&self, input: &Tensor) -> Result<Vec<f64>, String> {
        let (_, columns) = two(input)?;
        if columns * self.outputs != self.coefficients.len() {
            return Err(format!("it has coefficients for other than {columns} columns"));
        }
        let floats = input.floats().ok_or("numbers are needed here")?;
        let score = |row: &[f64], nth: usize| {
            let own = &self.coefficients[nth * columns..(nth + 1) * columns];
            row.iter().zip(own).map(|(x, weight)| x * weight).sum::<f64>() + self.intercepts.get(nth).unwrap_or(&0.0)
        };
        Ok(floats.chunks(columns).flat_map(|row| (0..self.outputs).map(move |nth| score(row, nth))).collect())
    }
}

/// The numbers that a regression gives: `outputs` scores a row.
pub(super) fn numbers(mut scores: Vec<f64>, outputs: usize, post: &Post) -> Result<Vec<Tensor>, String> {
    scores.chunks_mut(outputs).for_each(|row| post.apply(row));
    let shape = vec![scores.len() / outputs, outputs];
    Ok(vec![Tensor::new(shape, Values::F32(scores.into_iter().map(|score| score as f32).collect()))?])
}

fn linear(spec: &Spec) -> Result<Op, String> {
    let outputs = usize::try_from(spec.int("targets", 1)).unwrap_or(0);
    let (weights, post) = (Weights::read(spec, outputs)?, Post::read(spec)?);
    Ok(Box::new(move |inputs| numbers(weights.scores(need(inputs, 0)?)?, outputs, &post)))
}

/// Two classes may have the coefficients of the second alone.
fn classifier(spec: &Spec) -> Result<Op, String> {
    let classes = labels(spec)?;
    let count = classes.len();
    let one = count == 2 && spec.floats("intercepts").is_some_and(|intercepts| intercepts.len() == 1);
    let (weights, post) = (Weights::read(spec, if one { 1 } else { count })?, Post::read(spec)?);
    Ok(Box::new(move |inputs| {
        let scores = weights.scores(need(inputs, 0)?)?;
        let mut all = Vec::new();
        let mut picked = Vec::new();
        for own in scores.chunks(weights.outputs) {
            if one {
                let mut row = [0.0; 2];
                picked.push(post.binary(own[0], &mut row));
                all.extend(row);
            } else {
                let mut row = own.to_vec();
                picked.push(crate::learn::argmax(&row) as usize);
                post.apply(&mut row);
                all.extend(row);
            }
        }
        classes.answer(&picked, all)
    }))
}

/// A function of the column and the value. The result is of 32 bits, as the set has it.
fn each(f: impl Fn(usize, f64) -> f64 + Send + Sync + 'static) -> Op {
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let (_, columns) = two(input)?;
        let floats = input.floats().ok_or("numbers are needed here")?;
        let made = floats.iter().enumerate().map(|(at, x)| f(at % columns, *x));
        Ok(vec![Tensor::new(input.shape.clone(), Values::F32(made.map(|x| x as f32).collect()))?])
    })
}

fn scaler(spec: &Spec) -> Result<Op, String> {
    let (offset, scale) = (spec.floats("offset").unwrap_or_default(), spec.floats("scale").unwrap_or_default());
    if offset.is_empty() || scale.is_empty() {
        return Err("it has no offset or no scale".to_owned());
    }
    let of = |values: &[f64], column: usize| values[if values.len() == 1 { 0 } else { column.min(values.len() - 1) }];
    Ok(each(move |column, x| (x - of(&offset, column)) * of(&scale, column)))
}

fn normalizer(spec: &Spec) -> Result<Op, String> {
    let norm: fn(&[f64]) -> f64 = match spec.text("norm").as_deref() {
        None | Some("MAX") => |row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Some("L1") => |row| row.iter().map(|x| x.abs()).sum(),
        Some("L2") => |row| row.iter().map(|x| x * x).sum::<f64>().sqrt(),
        Some(other) => return Err(format!("rows are normalized by `{other}`, which isn't known here")),
    };
    Ok(Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let (_, columns) = two(input)?;
        let floats = input.floats().ok_or("numbers are needed here")?;
        let mut made = Vec::with_capacity(floats.len());
        for row in floats.chunks(columns.max(1)) {
            let size = norm(row);
            made.extend(row.iter().map(|x| if size == 0.0 { *x as f32 } else { (x / size) as f32 }));
        }
        Ok(vec![Tensor::new(input.shape.clone(), Values::F32(made))?])
    }))
}

fn imputer(spec: &Spec) -> Result<Op, String> {
    let filled = spec.floats("imputed_value_floats").filter(|values| !values.is_empty());
    let filled = filled.ok_or("only floats are filled in here")?;
    let replaced = spec.float("replaced_value_float", 0.0);
    Ok(each(move |column, x| {
        let gone = if replaced.is_nan() { x.is_nan() } else { x == replaced };
        if gone { filled[column.min(filled.len() - 1)] } else { x }
    }))
}

/// Columns of several inputs, one after another.
fn side_by_side(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let parts = (0..inputs.len()).map(|nth| need(inputs, nth)).collect::<Result<Vec<_>, _>>()?;
    let rows = two(parts.first().ok_or("there is nothing to join")?)?.0;
    let mut all = Vec::new();
    for row in 0..rows {
        for part in &parts {
            let (own, columns) = two(part)?;
            if own != rows {
                return Err("parts of different shapes are joined".to_owned());
            }
            let floats = part.floats().ok_or("numbers are needed here")?;
            all.extend(floats[row * columns..(row + 1) * columns].iter().map(|x| *x as f32));
        }
    }
    let columns = all.len().checked_div(rows).unwrap_or(0);
    Ok(vec![Tensor::new(vec![rows, columns], Values::F32(all))?])
}
