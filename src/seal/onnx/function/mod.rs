//! What each function of the expression language is in ONNX: one file a family.

mod cast;
mod choice;
mod curve;
mod date;
mod integer;
mod logic;
mod number;

use super::builder::Builder;
use super::cell::Cell;
use super::expr::Call;

/// The operators of a call.
///
/// # Errors
/// Why it has no form in ONNX.
pub(super) fn apply(call: &Call, builder: &mut Builder) -> Result<Cell, String> {
    number::apply(call, builder)
        .or_else(|| curve::apply(call, builder))
        .or_else(|| logic::apply(call, builder))
        .or_else(|| choice::apply(call, builder))
        .or_else(|| cast::apply(call, builder))
        .or_else(|| date::apply(call, builder))
        .unwrap_or_else(|| Err(format!("ONNX has no operator on {} that does this", what(call))))
}

fn what(call: &Call) -> &'static str {
    match call.cells.iter().any(|cell| cell.kind.is_string()) {
        true => "texts",
        false => "such values",
    }
}
