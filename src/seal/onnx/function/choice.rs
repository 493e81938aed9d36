//! Choosing between values.

use super::super::builder::Builder;
use super::super::cell::{Cell, Valid};
use super::super::expr::Call;
use super::logic::alike;
use crate::data::Kind;
use crate::learn::onnx::proto::element;

pub(super) fn apply(call: &Call, builder: &mut Builder) -> Option<Result<Cell, String>> {
    Some(match call.name {
        "case" | "if" => Ok(case(call, builder)),
        "coalesce" => Ok(coalesce(call, builder)),
        "nullif" => nullif(call, builder),
        "greatest" => best(call, builder, "Greater"),
        "least" => best(call, builder, "Less"),
        "num_nulls" => Ok(nulls(call, builder, true)),
        "num_nonnulls" => Ok(nulls(call, builder, false)),
        _ => return None,
    })
}

fn case(call: &Call, builder: &mut Builder) -> Cell {
    let last = call.cells.len() - 1;
    let mut made = builder.widened(&call.cells[last], call.kind);
    for pair in call.cells[..last].chunks_exact(2).rev() {
        let when = builder.holds(&pair[0]);
        let then = builder.widened(&pair[1], call.kind);
        made = builder.choose(&when, &then, &made);
    }
    made
}

fn coalesce(call: &Call, builder: &mut Builder) -> Cell {
    let mut made = None;
    for cell in call.cells.iter().rev() {
        let cell = builder.widened(cell, call.kind);
        made = Some(match (made, builder.mask(&cell)) {
            (None, _) | (_, None) => cell,
            (Some(rest), Some(mask)) => builder.or_else(&mask, &cell, &rest),
        });
    }
    made.expect("it has arguments")
}

/// How many have no value, or one.
fn nulls(call: &Call, builder: &mut Builder, wanted: bool) -> Cell {
    let mut count = builder.int(0);
    for cell in &call.cells {
        let is_value = match builder.mask(cell) {
            Some(mask) => mask,
            None => builder.truth(true),
        };
        let counts = if wanted { builder.op("Not", &[&is_value]) } else { is_value };
        let one = builder.cast(&counts, element::INT64);
        count = builder.op("Add", &[&count, &one]);
    }
    Cell::sure(Kind::Int, count)
}

fn nullif(call: &Call, builder: &mut Builder) -> Result<Cell, String> {
    let same = Call { name: "=", args: call.args, cells: call.cells.clone(), kind: Kind::Bool };
    let same = super::apply(&same, builder)?;
    let same = builder.holds(&same);
    let cell = &call.cells[0];
    if cell.kind == Kind::Float {
        let nan = builder.float(f64::NAN);
        return Ok(Cell::float(builder.op("Where", &[&same, &nan, &cell.value])));
    }
    let other = builder.op("Not", &[&same]);
    let mask = builder.mask(cell);
    let mask = builder.both(mask, Some(other));
    Ok(Cell::masked(call.kind, cell.value.clone(), mask))
}

/// Of equals the first is taken; columns without a value are passed over.
fn best(call: &Call, builder: &mut Builder, better: &str) -> Result<Cell, String> {
    if call.kind.is_string() {
        return Err("ONNX's operators know no order of texts".to_owned());
    }
    let mut sofar = builder.widened(&call.cells[0], call.kind);
    for next in &call.cells[1..] {
        let next = builder.widened(next, call.kind);
        let (left, right, _) = alike(&next, &sofar, builder);
        let mut takes = builder.op(better, &[&left, &right]);
        if let Some(mask) = builder.mask(&next) {
            takes = builder.op("And", &[&mask, &takes]);
        }
        if let Some(mask) = builder.mask(&sofar) {
            let none = builder.op("Not", &[&mask]);
            takes = builder.op("Or", &[&none, &takes]);
        }
        sofar = builder.choose(&takes, &next, &sofar);
    }
    Ok(sofar)
}

impl Builder {
    /// `first` where it has a value (where `mask` is true), else `rest`.
    fn or_else(&mut self, mask: &str, first: &Cell, rest: &Cell) -> Cell {
        let value = match first.kind {
            Kind::Bool => self.truth_where(mask, &first.value, &rest.value),
            _ => self.op("Where", &[mask, &first.value, &rest.value]),
        };
        match (&rest.valid, first.kind) {
            (Valid::Always, kind) => Cell::sure(kind, value),
            (_, Kind::Float) => Cell::float(value),
            (_, kind) => {
                let own = self.mask(rest).expect("it may lack a value");
                let either = self.op("Or", &[mask, &own]);
                Cell::masked(kind, value, Some(either))
            }
        }
    }
}
