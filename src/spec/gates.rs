//! `require`: what the winner must reach.

use serde::Deserialize;

use super::step::{Gate, Over};
use crate::learn::{Direction, find_metric};
use crate::source::{Data, Entry, Fault, Fields, Node, decode, suggest};

/// How many rows a slice must have to count, where it isn't said.
pub const MIN_ROWS: usize = 30;

/// What a gate may be over, besides all rows.
const OVERS: [&str; 2] = ["worst_slice", "slice_gap"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    min: Option<f64>,
    max: Option<f64>,
    min_rows: Option<usize>,
}

/// Reads the gates. Faults have their routes from the step.
pub(super) fn read(node: &Node, fields: &mut Fields) -> Vec<Gate> {
    if !matches!(node.data, Data::Map(_)) {
        fields.fault(
            Fault::new("wrong-type", "`require` is a map of metrics")
                .help("write `require: {accuracy: {min: 0.9}}`")
                .within("require"),
        );
    }
    let mut gates = Vec::new();
    for entry in node.entries() {
        match gate(entry) {
            Ok(gate) => gates.push(gate),
            Err(faults) => {
                for fault in faults {
                    fields.fault(fault.within(&entry.key).within("require"));
                }
            }
        }
    }
    gates
}

fn gate(entry: &Entry) -> Result<Gate, Vec<Fault>> {
    let mut faults = Vec::new();
    let Some(bounds) = decode::<Bounds>(&entry.value, &mut faults) else {
        return Err(faults);
    };
    let min_rows = bounds.min_rows.unwrap_or(MIN_ROWS);
    let (over, metric) = match entry.key.split_once('.') {
        None => (Over::Rows, entry.key.as_str()),
        Some(("worst_slice", metric)) => (Over::WorstSlice { min_rows }, metric),
        Some(("slice_gap", metric)) => (Over::SliceGap { min_rows }, metric),
        Some((over, _)) => {
            let fault = Fault::new("bad-gate", format!("`{over}` isn't something that a gate is over"));
            return Err(vec![fault.maybe_help(suggest(over, OVERS)).on_key()]);
        }
    };
    let gate = Gate { metric: metric.to_owned(), over, min: bounds.min, max: bounds.max };
    match wrong(&gate, bounds.min_rows) {
        Some(fault) => Err(vec![fault]),
        None => Ok(gate),
    }
}

/// What is wrong with a gate in itself.
fn wrong(gate: &Gate, min_rows: Option<usize>) -> Option<Fault> {
    if OVERS.contains(&gate.metric.as_str()) && gate.over == Over::Rows {
        let fault = Fault::new("bad-gate", format!("`{}` of which metric?", gate.metric));
        return Some(fault.help(format!("write `{}.recall`, say", gate.metric)).on_key());
    }
    if gate.over == Over::Rows && min_rows.is_some() {
        let fault = Fault::new("bad-gate", "`min_rows` is for gates on slices").on_key();
        return Some(fault.help(format!("write `worst_slice.{}`", gate.metric)).within("min_rows"));
    }
    if min_rows == Some(0) {
        return Some(Fault::new("out-of-range", "a slice has at least 1 row").within("min_rows"));
    }
    match gate.over {
        Over::SliceGap { .. } if gate.min.is_some() => {
            let fault = Fault::new("bad-gate", "a gap between slices can be too large only");
            return Some(fault.help("write `max`").on_key().within("min"));
        }
        // A metric that there isn't is told where metrics are known.
        Over::WorstSlice { .. } => {
            if let Some(fault) = sided(gate) {
                return Some(fault);
            }
        }
        _ => {}
    }
    match (gate.min, gate.max) {
        (None, None) => Some(Fault::new("bad-gate", "a gate needs a bound").help("write `{min: 0.9}` or `{max: 10}`")),
        (Some(min), Some(max)) if min > max => {
            Some(Fault::new("bad-gate", format!("nothing is between {min} and {max}")))
        }
        _ => None,
    }
}

/// A bound on the side where the worst slice can't be too bad.
fn sided(gate: &Gate) -> Option<Fault> {
    let (wrong, right, better) = match find_metric(&gate.metric).ok()?.direction {
        Direction::Higher => (gate.max.map(|_| "max"), "min", "more"),
        Direction::Lower => (gate.min.map(|_| "min"), "max", "less"),
    };
    let message = format!("of `{}` {better} is better, so the worst slice needs a `{right}`", gate.metric);
    Some(Fault::new("bad-gate", message).help(format!("write `{right}`")).on_key().within(wrong?))
}
