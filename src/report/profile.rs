//! What a table holds, for people.

use super::table::{Align, Table};
use crate::data::{ColumnProfile, Value};

/// How many characters of a value are shown.
const SHOWN: usize = 24;

/// A line a column.
pub fn profile(columns: &[ColumnProfile]) -> String {
    let rows = columns.first().map_or(0, |column| column.rows);
    let mut table = Table::new([
        ("column", Align::Left),
        ("type", Align::Left),
        ("missing", Align::Right),
        ("distinct", Align::Right),
        ("min", Align::Right),
        ("5%", Align::Right),
        ("median", Align::Right),
        ("mean", Align::Right),
        ("95%", Align::Right),
        ("max", Align::Right),
        ("looks like", Align::Left),
        ("most frequent", Align::Left),
    ]);
    for column in columns {
        let quantile = |nth: usize| column.quantiles.as_ref().map_or(String::new(), |values| number(values[nth]));
        table.row([
            column.column.clone(),
            column.kind.to_string(),
            column.missing.to_string(),
            column.distinct.to_string(),
            column.min.as_ref().map_or(String::new(), shown),
            quantile(0),
            quantile(2),
            column.mean.map_or(String::new(), number),
            quantile(4),
            column.max.as_ref().map_or(String::new(), shown),
            form(column),
            top(column),
        ]);
    }
    format!("{rows} rows × {} columns\n\n{table}", columns.len())
}

fn form(column: &ColumnProfile) -> String {
    let lengths = column.lengths.map(|(least, most)| match least == most {
        true => format!("{least} characters"),
        false => format!("{least} to {most} characters"),
    });
    let parts: Vec<String> = column.looks_like.map(str::to_owned).into_iter().chain(lengths).collect();
    parts.join(", ")
}

/// Values that more than one row has.
fn top(column: &ColumnProfile) -> String {
    let top = column.top.iter().filter(|(_, count)| *count > 1).take(3);
    top.map(|(value, count)| format!("{} ×{count}", shown(value))).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Float(value) => number(*value),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Whole numbers as they are, others to four digits behind the point, very large and small ones by their power of ten.
fn number(value: f64) -> String {
    match value.abs() {
        size if size != 0.0 && !(1e-3..1e9).contains(&size) => format!("{value:.3e}"),
        _ if value.fract() == 0.0 => value.to_string(),
        _ => format!("{value:.4}").trim_end_matches('0').to_owned(),
    }
}
