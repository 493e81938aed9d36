//! Several estimators as one.

use super::super::builder::{Builder, Name, doubles, int, ints};
use super::{Table, apply};
use crate::learn::onnx::proto::element;
use crate::learn::{Ensemble, Hard, Mix, Task, answer_columns};

/// The members' answers, made one.
///
/// # Errors
/// If a member, or what combines them, has no form in ONNX.
pub(super) fn ensemble(of: &Ensemble, table: &Table, builder: &mut Builder) -> Result<Name, String> {
    let last = of.last();
    let outputs = last.outputs();
    let width = answer_columns(last.task(), outputs);
    let mut columns = Vec::new();
    for member in of.members() {
        let own = picked(&member.columns, table, builder);
        let mut answer = apply(&member.estimator, &own, builder)?;
        if let Some(hard) = member.hard {
            answer = vote(hard, &answer, outputs, builder);
        }
        for output in outputs - width..outputs {
            columns.push(column(&answer, output, builder));
        }
    }
    let all = joined(&columns, builder);
    apply(last, &Table { all, columns }, builder)
}

/// A weighted mean of answers.
pub(super) fn mix(of: &Mix, table: &Table, builder: &mut Builder) -> Name {
    let width = answer_columns(of.task, of.outputs);
    let count = of.weights.len() * width;
    let weight = |answer: usize, output: usize| if answer % width == output { of.weights[answer / width] } else { 0.0 };
    let weights: Vec<f64> =
        (0..count).flat_map(|answer| (0..width).map(move |output| weight(answer, output))).collect();
    let weights = builder.tensor(doubles(&[count, width], &weights));
    let mean = builder.op("MatMul", &[&table.all, &weights]);
    if of.task == Task::Regression || of.outputs != 2 || width != 1 {
        return mean;
    }
    let (zero, one) = (builder.float(0.0), builder.float(1.0));
    let second = builder.op("Max", &[&mean, &zero]);
    let second = builder.op("Min", &[&second, &one]);
    let first = builder.op("Sub", &[&one, &second]);
    joined(&[first, second], builder)
}

/// The features that a member reads.
fn picked(places: &[u32], table: &Table, builder: &mut Builder) -> Table {
    // One that reads none takes the rows' shape from any.
    let places = if places.is_empty() { &[0] } else { places };
    let columns: Vec<Name> = places.iter().map(|place| table.columns[*place as usize].clone()).collect();
    Table { all: joined(&columns, builder), columns }
}

fn joined(columns: &[Name], builder: &mut Builder) -> Name {
    if let [column] = columns {
        return column.clone();
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    builder.op_with("Concat", &columns, vec![int("axis", 1)])
}

fn column(of: &str, nth: usize, builder: &mut Builder) -> Name {
    let place = builder.tensor(ints(&[1], &[nth as i64]));
    builder.op_with("Gather", &[of, &place], vec![int("axis", 1)])
}

/// 1 for the class that a member answers, 0 for the others.
fn vote(hard: Hard, answer: &str, outputs: usize, builder: &mut Builder) -> Name {
    let place = match hard.threshold {
        None => builder.op_with("ArgMax", &[answer], vec![int("axis", 1)]),
        Some(threshold) => {
            let chance = column(answer, hard.positive as usize, builder);
            let threshold = builder.float(threshold);
            let is_positive = builder.op("GreaterOrEqual", &[&chance, &threshold]);
            let positive = i64::from(hard.positive);
            let (yes, no) = (builder.int(positive), builder.int(1 - positive));
            builder.op("Where", &[&is_positive, &yes, &no])
        }
    };
    let classes: Vec<i64> = (0..outputs as i64).collect();
    let classes = builder.tensor(ints(&[1, outputs], &classes));
    let is = builder.op("Equal", &[&classes, &place]);
    builder.cast(&is, element::DOUBLE)
}
