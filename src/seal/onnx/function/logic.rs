//! Comparison and three-valued logic.

use super::super::builder::{Builder, Name};
use super::super::cell::Cell;
use super::super::expr::Call;
use crate::data::{Kind, Value};
use crate::expr::Expr;
use crate::learn::onnx::proto::element;

pub(super) fn apply(call: &Call, builder: &mut Builder) -> Option<Result<Cell, String>> {
    Some(Ok(match call.name {
        "=" | "<>" | "<" | "<=" | ">" | ">=" => return Some(compare(call, builder)),
        "in" => return Some(member(call, builder)),
        "and" => all(call, builder, true),
        "or" => all(call, builder, false),
        "not" => Cell { value: builder.op("Not", &[&call.cells[0].value]), ..call.cells[0].clone() },
        "is_null" => {
            let value = match builder.mask(&call.cells[0]) {
                Some(mask) => builder.op("Not", &[&mask]),
                None => builder.truth(false),
            };
            Cell::sure(Kind::Bool, value)
        }
        "is_true" => Cell::sure(Kind::Bool, builder.holds(&call.cells[0])),
        "is_false" => {
            let turned = Cell { value: builder.op("Not", &[&call.cells[0].value]), ..call.cells[0].clone() };
            Cell::sure(Kind::Bool, builder.holds(&turned))
        }
        _ => return None,
    }))
}

fn compare(call: &Call, builder: &mut Builder) -> Result<Cell, String> {
    let (a, b) = (&call.cells[0], &call.cells[1]);
    if a.kind.is_string() {
        return texts(call, builder);
    }
    let (left, right, mask) = alike(a, b, builder);
    let value = match call.name {
        "=" => builder.op("Equal", &[&left, &right]),
        "<>" => {
            let same = builder.op("Equal", &[&left, &right]);
            builder.op("Not", &[&same])
        }
        "<" => builder.op("Less", &[&left, &right]),
        "<=" => builder.op("LessOrEqual", &[&left, &right]),
        ">" => builder.op("Greater", &[&left, &right]),
        _ => builder.op("GreaterOrEqual", &[&left, &right]),
    };
    Ok(Cell::masked(Kind::Bool, value, mask))
}

/// Two columns as one type that can be compared, and where both have a value.
pub(super) fn alike(a: &Cell, b: &Cell, builder: &mut Builder) -> (Name, Name, Option<Name>) {
    match (a.kind, b.kind) {
        (Kind::Bool, Kind::Bool) => {
            let mask = builder.masks([a, b]);
            (builder.cast(&a.value, element::INT64), builder.cast(&b.value, element::INT64), mask)
        }
        (Kind::Float, _) | (_, Kind::Float) => {
            let mask = builder.masks([a, b]);
            (builder.float_of(a), builder.float_of(b), mask)
        }
        (Kind::Datetime, Kind::Date) | (Kind::Date, Kind::Datetime) => {
            let (a, b) = (builder.widened(a, Kind::Datetime), builder.widened(b, Kind::Datetime));
            let mask = builder.masks([&a, &b]);
            (a.value, b.value, mask)
        }
        _ => (a.value.clone(), b.value.clone(), builder.masks([a, b])),
    }
}

/// Texts are looked up among constants: the operators compare no texts otherwise.
fn texts(call: &Call, builder: &mut Builder) -> Result<Cell, String> {
    let constant = |nth: usize| call.args[nth].as_literal();
    let (cell, constant) = match (constant(0), constant(1)) {
        (_, Some(constant)) => (&call.cells[0], constant),
        (Some(constant), None) => (&call.cells[1], constant),
        (None, None) => return Err("ONNX's operators compare no texts with each other, only with constants".to_owned()),
    };
    if !["=", "<>"].contains(&call.name) {
        return Err("ONNX's operators know no order of texts".to_owned());
    }
    let Value::Str(text) = constant else {
        return Ok(builder.literal(&Value::Null, Kind::Bool));
    };
    let value = builder.is_among(&cell.value, &[text.to_string()]);
    let value = if call.name == "=" { value } else { builder.op("Not", &[&value]) };
    let mask = builder.mask(cell);
    Ok(Cell::masked(Kind::Bool, value, mask))
}

fn member(call: &Call, builder: &mut Builder) -> Result<Cell, String> {
    let cell = &call.cells[0];
    let constants: Vec<&Value> = call.args[1..].iter().filter_map(Expr::as_literal).collect();
    let with_null = constants.iter().any(|value| value.is_null());
    let found = if cell.kind.is_string() {
        let texts: Vec<String> = constants
            .iter()
            .filter_map(|value| match value {
                Value::Str(text) => Some(text.to_string()),
                _ => None,
            })
            .collect();
        builder.is_among(&cell.value, &texts)
    } else {
        let mut found = builder.truth(false);
        for (constant, value) in call.cells[1..].iter().zip(&constants) {
            if !value.is_null() {
                let (left, right, _) = alike(cell, constant, builder);
                let same = builder.op("Equal", &[&left, &right]);
                found = builder.op("Or", &[&found, &same]);
            }
        }
        found
    };
    let mut mask = builder.mask(cell);
    if with_null {
        mask = builder.both(mask, Some(found.clone()));
    }
    Ok(Cell::masked(Kind::Bool, found, mask))
}

/// Kleene's AND and OR: true where all (or any) are known to be, known also where one alone decides.
fn all(call: &Call, builder: &mut Builder, and: bool) -> Cell {
    let op = if and { "And" } else { "Or" };
    let mask = builder.masks(&call.cells);
    let mut value = None;
    let mut decided = None;
    for cell in &call.cells {
        let holds = builder.holds(cell);
        let against = match and {
            true => {
                let turned = Cell { value: builder.op("Not", &[&cell.value]), ..cell.clone() };
                builder.holds(&turned)
            }
            false => holds.clone(),
        };
        value = Some(value.map_or(holds.clone(), |value: Name| builder.op(op, &[&value, &holds])));
        decided = Some(decided.map_or(against.clone(), |decided: Name| builder.op("Or", &[&decided, &against])));
    }
    let (value, decided) = (value.expect("it has arguments"), decided.expect("it has arguments"));
    let mask = mask.map(|mask| builder.op("Or", &[&mask, &decided]));
    Cell::masked(Kind::Bool, value, mask)
}

impl Builder {
    /// Whether a text is one of these.
    pub(in crate::seal::onnx) fn is_among(&mut self, text: &str, among: &[String]) -> Name {
        let mut distinct: Vec<String> = Vec::new();
        for text in among {
            if !distinct.contains(text) {
                distinct.push(text.clone());
            }
        }
        let place = self.places(text, &distinct, &vec![1; distinct.len()], 0);
        self.cast(&place, element::BOOL)
    }
}
