//! A sealed model as one ONNX file: from the raw record to the probability.
//!
//! ONNX's own operators of version 15 and those for classic machine learning of version 3 (IR version 8), in 64-bit
//! floats, so that thresholds fall as they do here. Only sums over trees come out in 32 bits.

mod builder;
mod cell;
mod estimator;
mod expr;
mod function;
mod lookup;
mod map;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use prost::Message;

use self::builder::{Builder, Name, int, ints, texts};
use self::estimator::Table;
use self::expr::Obstacle;
use self::steps::Steps;
use super::{InputField, Sealed, Trained};
use crate::data::Value;
use crate::learn::Task;
use crate::learn::onnx::proto::{ModelProto, OperatorSet, Property, ValueInfo, element};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The bytes of an ONNX file that answers as the sealed model does.
///
/// # Errors
/// `no-onnx` if something of it has no form in ONNX: all of it is told, each with its reason.
pub fn export(sealed: &Sealed) -> Result<Vec<u8>, Fault> {
    let mut builder = Builder::default();
    let mut steps = Steps::new(&sealed.signature, &mut builder);
    if sealed.signature.is_empty() {
        steps.obstacles.insert(Obstacle {
            what: format!("`{}`", sealed.trained.model),
            why: "the model reads no columns, so a file could not know of how many rows it is asked".to_owned(),
        });
    }
    for step in &sealed.steps {
        steps.step(step, &mut builder);
    }
    let scores = scores(&sealed.trained, &mut steps, &mut builder);
    let Some(scores) = scores.filter(|_| steps.obstacles.is_empty()) else {
        return Err(obstructed(&steps.obstacles));
    };
    let outputs = outputs(&sealed.trained, &scores, &steps, &mut builder);
    let mut graph = builder.finish(outputs);
    graph.name = sealed.trained.model.clone();
    graph.input = steps.inputs;
    let set = |domain: &str, version| OperatorSet { domain: domain.to_owned(), version };
    let fact = |key: &str, value: String| Property { key: format!("gristmill.{key}"), value };
    let classes: Vec<String> = sealed.trained.classes.iter().map(ToString::to_string).collect();
    let model = ModelProto {
        ir_version: 8,
        producer_name: "gristmill".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: format!("predicts {}", sealed.trained.target),
        graph: Some(graph),
        opset_import: vec![set("", 15), set("ai.onnx.ml", 3)],
        metadata_props: vec![
            fact("model", sealed.trained.model.clone()),
            fact("target", sealed.trained.target.clone()),
            fact("classes", serde_json::to_string(&classes).expect("texts are JSON")),
        ],
    };
    Ok(model.encode_to_vec())
}

/// Whether a recipe can go into ONNX, whatever the model behind it is.
///
/// # Errors
/// As `export`.
pub fn check(signature: &[InputField], recipe: &[RowStep]) -> Result<(), Fault> {
    let mut builder = Builder::default();
    let mut steps = Steps::new(signature, &mut builder);
    for step in recipe {
        steps.step(step, &mut builder);
    }
    if steps.obstacles.is_empty() { Ok(()) } else { Err(obstructed(&steps.obstacles)) }
}

fn obstructed(obstacles: &BTreeSet<Obstacle>) -> Fault {
    let lines: Vec<String> =
        obstacles.iter().map(|obstacle| format!("\n  {}: {}", obstacle.what, obstacle.why)).collect();
    let count = match obstacles.len() {
        1 => "1 part has".to_owned(),
        count => format!("{count} parts have"),
    };
    Fault::new("no-onnx", format!("the model can't go into ONNX: {count} no form there{}", lines.concat()))
        .help("take these ops out, or do them before the source; `gristmill serve` and `predict` know them all")
}

/// What the estimator says of each row.
fn scores(trained: &Trained, steps: &mut Steps, builder: &mut Builder) -> Option<Name> {
    let like = steps.like(builder)?;
    let mut columns = Vec::new();
    for feature in &trained.features {
        // What isn't there has been told already.
        columns.push(steps.feature(feature, &like, builder)?);
    }
    if columns.is_empty() {
        columns.push(like);
    }
    if !trained.missing {
        for column in &columns[..trained.features.len()] {
            let is_none = builder.op("IsNaN", &[column]);
            steps.refuse(is_none, builder);
        }
    }
    let parts: Vec<&str> = columns.iter().map(String::as_str).collect();
    let all =
        if parts.len() == 1 { columns[0].clone() } else { builder.op_with("Concat", &parts, vec![int("axis", 1)]) };
    match estimator::apply(&trained.estimator, &Table { all, columns }, builder) {
        Ok(scores) => Some(scores),
        Err(why) => {
            steps.obstacles.insert(Obstacle { what: format!("`{}`", trained.model), why });
            None
        }
    }
}

/// Labels and probabilities, or predictions; and which rows are refused.
fn outputs(trained: &Trained, scores: &str, steps: &Steps, builder: &mut Builder) -> Vec<ValueInfo> {
    let axis = builder.tensor(ints(&[1], &[1]));
    let like = steps.like(builder).expect("it reads a column");
    let never = builder.float(-1.0);
    // Of the rows' shape, even if the same holds for all of them.
    let none = builder.op("Less", &[&like, &never]);
    let refused = match &steps.refused {
        Some(refused) => builder.op("Or", &[refused, &none]),
        None => none,
    };
    let nan = builder.float(f64::NAN);
    let told = builder.op("Where", &[&refused, &nan, scores]);
    let refused = builder.op("Squeeze", &[&refused, &axis]);
    let mut outputs = Vec::new();
    match trained.task {
        Task::Regression => {
            let numbers = builder.op("Squeeze", &[&told, &axis]);
            builder.call(&numbers, "prediction");
            outputs.push(ValueInfo::tensor("prediction", element::DOUBLE, &[None], "NaN where refused"));
        }
        Task::Classification => {
            let place = decided(trained, scores, builder);
            let (label, of) = label(&trained.classes, &place, &refused, builder);
            builder.call(&label, "label");
            builder.call(&told, "probabilities");
            let count = trained.classes.len() as i64;
            outputs.push(ValueInfo::tensor("label", of, &[None], "the likeliest class; without meaning where refused"));
            let doc = "of each class, in their order; NaN where refused";
            outputs.push(ValueInfo::tensor("probabilities", element::DOUBLE, &[None, Some(count)], doc));
        }
    }
    builder.call(&refused, "refused");
    outputs.push(ValueInfo::tensor("refused", element::BOOL, &[None], "rows that the model doesn't answer"));
    outputs
}

/// The place of each row's class: the positive one of two from the threshold on, else the likeliest.
fn decided(trained: &Trained, scores: &str, builder: &mut Builder) -> Name {
    let Some(threshold) = trained.threshold else {
        return builder.op_with("ArgMax", &[scores], vec![int("axis", 1), int("keepdims", 0)]);
    };
    let positive = i64::from(trained.positive.unwrap_or(1));
    // A place of no axes takes the axis away.
    let place = builder.tensor(ints(&[], &[positive]));
    let chance = builder.op_with("Gather", &[scores, &place], vec![int("axis", 1)]);
    let threshold = builder.float(threshold);
    let is_positive = builder.op("GreaterOrEqual", &[&chance, &threshold]);
    let (yes, no) = (builder.int(positive), builder.int(1 - positive));
    builder.op("Where", &[&is_positive, &yes, &no])
}

/// The class of each row, and of which type that is.
fn label(classes: &[Value], place: &str, refused: &str, builder: &mut Builder) -> (Name, i32) {
    let numbers: Option<Vec<i64>> = classes
        .iter()
        .map(|class| match class {
            Value::Int(number) => Some(*number),
            Value::Bool(flag) => Some((*flag).into()),
            _ => None,
        })
        .collect();
    if let Some(numbers) = numbers {
        let known = builder.tensor(ints(&[numbers.len()], &numbers));
        let label = builder.op("Gather", &[&known, place]);
        if matches!(classes[0], Value::Bool(_)) {
            return (builder.cast(&label, element::BOOL), element::BOOL);
        }
        return (label, element::INT64);
    }
    let known: Vec<String> = classes.iter().map(ToString::to_string).collect();
    let known = builder.tensor(texts(&known));
    let label = builder.op("Gather", &[&known, place]);
    let none = builder.text("");
    (builder.op("Where", &[refused, &none, &label]), element::STRING)
}

impl Steps {
    /// `[rows, 1]` of floats that are never negative: it has the shape of the rows, and nothing else to say.
    fn like(&self, builder: &mut Builder) -> Option<Name> {
        let first = self.inputs.first()?;
        let (of, _) = first.dims()?;
        if of == element::STRING {
            let zeros = builder.places(&first.name, &[], &[], 0);
            return Some(builder.cast(&zeros, element::DOUBLE));
        }
        let float = builder.cast(&first.name, element::DOUBLE);
        let (zero, never) = (builder.float(0.0), builder.float(-1.0));
        let size = builder.op("Abs", &[&float]);
        // NaN isn't below either.
        let is_below = builder.op("Less", &[&size, &never]);
        Some(builder.op("Where", &[&is_below, &never, &zero]))
    }
}
