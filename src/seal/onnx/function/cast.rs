//! From one type to another. What doesn't fit is no value.

use super::super::builder::Builder;
use super::super::cell::Cell;
use super::super::expr::Call;
use crate::data::Kind;
use crate::learn::onnx::proto::element;

const DAY: i64 = 86_400_000_000;

pub(super) fn apply(call: &Call, builder: &mut Builder) -> Option<Result<Cell, String>> {
    let cell = call.cells.first()?;
    let made = match (call.name, cell.kind) {
        ("int" | "float" | "bool" | "date" | "datetime", kind) if kind.is_string() => {
            return Some(Err("ONNX's operators fail on texts that don't read as what is wanted".to_owned()));
        }
        ("parse_date" | "parse_datetime", _) => return Some(Err("ONNX has no operator that reads dates".to_owned())),
        ("str", Kind::Int) => {
            Cell { kind: call.kind, value: builder.cast(&cell.value, element::STRING), ..cell.clone() }
        }
        ("str", Kind::Bool) => {
            let (yes, no) = (builder.text("true"), builder.text("false"));
            let value = builder.op("Where", &[&cell.value, &yes, &no]);
            Cell { kind: call.kind, value, ..cell.clone() }
        }
        ("str", kind) if kind.is_string() => Cell { kind: call.kind, ..cell.clone() },
        ("str", kind) => return Some(Err(format!("ONNX's operators write a {kind} otherwise"))),
        ("float", _) => builder.widened(cell, Kind::Float),
        ("int", Kind::Float) => to_int(cell, builder),
        ("int", Kind::Bool) => {
            Cell { kind: Kind::Int, value: builder.cast(&cell.value, element::INT64), ..cell.clone() }
        }
        ("bool", Kind::Int | Kind::Float) => {
            let zero = if cell.kind == Kind::Int { builder.int(0) } else { builder.float(0.0) };
            let is_zero = builder.op("Equal", &[&cell.value, &zero]);
            let mask = builder.mask(cell);
            Cell::masked(Kind::Bool, builder.op("Not", &[&is_zero]), mask)
        }
        ("date", Kind::Datetime) => {
            let day = builder.int_floor(&cell.value, DAY);
            let mask = builder.mask(cell);
            Cell::masked(Kind::Date, day, mask)
        }
        ("datetime", Kind::Date) => builder.widened(cell, Kind::Datetime),
        ("int" | "bool" | "date" | "datetime", own) if own == call.kind => cell.clone(),
        _ => return None,
    };
    Some(Ok(made))
}

/// Cut towards zero, where it fits into 64 bits.
fn to_int(cell: &Cell, builder: &mut Builder) -> Cell {
    let (least, most) = (builder.float(-9_223_372_036_854_775_808.0), builder.float(9_223_372_036_854_775_808.0));
    let above = builder.op("GreaterOrEqual", &[&cell.value, &least]);
    let below = builder.op("Less", &[&cell.value, &most]);
    let fits = builder.op("And", &[&above, &below]);
    let zero = builder.float(0.0);
    let safe = builder.op("Where", &[&fits, &cell.value, &zero]);
    let whole = builder.trunc(&safe);
    let value = builder.cast(&whole, element::INT64);
    Cell::masked(Kind::Int, value, Some(fits))
}
