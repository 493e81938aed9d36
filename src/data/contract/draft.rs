//! A first contract for a table, with some slack, and a contract as the text of a file.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{ColumnRule, Contract, ExtraColumns, OnViolation, RowRule};
use crate::data::{ColumnProfile, Value, stats};

/// How many different strings are a list of what there may be, at most.
const MOST_LISTED: usize = 20;
/// How many rows each of them has at least, on average.
const OFTEN: usize = 5;
/// How many rows must differ in a column before that is taken for a rule.
const MANY: usize = 30;
/// How far outside of the values a range reaches, as a share of its width.
const SLACK: f64 = 0.1;

impl Contract {
    /// A contract that the table with these columns keeps, with room for others like it. `listed` gives all values of a column.
    pub fn draft(columns: &[ColumnProfile], listed: &dyn Fn(&str) -> Vec<Value>) -> Self {
        let rows = columns.first().map_or(0, |column| column.rows);
        Contract {
            description: None,
            columns: columns.iter().map(|column| (column.column.clone(), ColumnRule::draft(column, listed))).collect(),
            rows: RowRule { min: Some(rows / 2), max: None },
            unique: Vec::new(),
            checks: Vec::new(),
            extra_columns: ExtraColumns::Keep,
            on_violation: OnViolation::Fail,
        }
    }

    /// As the text of a file, a line a column. `order` is the order of the columns.
    pub fn to_yaml(&self, order: &[String]) -> String {
        let columns: Vec<String> = order
            .iter()
            .filter_map(|name| Some(format!("  {}: {}\n", plain(name), flow(&said(self.columns.get(name)?)))))
            .collect();
        let rows = self.rows.min.map_or(String::new(), |min| format!("rows: {{min: {min}}}\n"));
        format!(
            "columns:\n{}{rows}extra_columns: keep          # or: error, drop\non_violation: fail           # or: quarantine, warn\n",
            columns.concat()
        )
    }
}

impl ColumnRule {
    fn draft(column: &ColumnProfile, listed: &dyn Fn(&str) -> Vec<Value>) -> Self {
        let full = column.rows - column.missing;
        let kind = column.kind;
        let unique = (kind.is_string() || kind == crate::data::Kind::Int)
            && column.missing == 0
            && full >= MANY
            && column.distinct == full;
        let few = kind.is_string() && column.distinct <= MOST_LISTED && full >= OFTEN * column.distinct.max(1);
        let one_of = few.then(|| {
            let mut values = listed(&column.column);
            stats::sort(&mut values);
            values.iter().map(Value::to_json).collect()
        });
        let range = column.min.as_ref().and_then(Value::as_f64).zip(column.max.as_ref().and_then(Value::as_f64));
        // The numbers of things go on.
        let range = range.filter(|_| kind.is_numeric() && !unique).map(|(min, max)| widened(min, max));
        let free = kind.is_string() && one_of.is_none();
        Self {
            kind,
            required: true,
            nullable: column.missing > 0,
            unique,
            one_of: one_of.filter(|values: &Vec<Json>| !values.is_empty()),
            min: range.map(|(min, _)| min),
            max: range.map(|(_, max)| max),
            pattern: column.pattern().filter(|_| free).map(str::to_owned),
            min_length: None,
            max_length: column.lengths.filter(|_| free).map(|(_, longest)| 2 * longest.max(1)),
            max_age: None,
            tolerate: BTreeMap::new(),
        }
    }
}

/// A range somewhat wider, with short numbers, on the same side of zero.
fn widened(min: f64, max: f64) -> (f64, f64) {
    let width = max - min;
    let slack = SLACK * if width > 0.0 { width } else { max.abs().max(1.0) };
    // The place of the first digit of the slack, as it is written.
    let written = format!("{slack:e}");
    let place: i32 = written.split_once('e').and_then(|(_, place)| place.parse().ok()).unwrap_or(0);
    let step = 10f64.powi(place);
    let low = short(((min - slack) / step).floor(), place);
    let high = short(((max + slack) / step).ceil(), place);
    // Where floats are too coarse for that, the values themselves are the range.
    let low = if low.is_finite() && low <= min { low } else { min };
    let high = if high.is_finite() && high >= max { high } else { max };
    (if min >= 0.0 { low.max(0.0) } else { low }, if max <= 0.0 { high.min(0.0) } else { high })
}

/// The float nearest to `digits` × 10^`place`.
fn short(digits: f64, place: i32) -> f64 {
    format!("{digits}e{place}").parse().unwrap_or(f64::NAN)
}

/// What isn't so by itself.
fn said(rule: &ColumnRule) -> Json {
    let Ok(Json::Object(fields)) = serde_json::to_value(rule) else { return Json::Null };
    let default = |name: &str, value: &Json| match value {
        Json::Null => true,
        Json::Bool(flag) => *flag == (name == "required"),
        _ => false,
    };
    Json::Object(fields.into_iter().filter(|(name, value)| !default(name, value)).collect::<Map<_, _>>())
}

/// In YAML's flow style.
fn flow(json: &Json) -> String {
    match json {
        Json::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{}: {}", plain(key), flow(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::String(text) => plain(text),
        Json::Number(number) => match number.as_f64() {
            Some(number) if number.fract() == 0.0 => format!("{number}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Words that YAML, or some readers of it, take for something else.
const TRAPS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan"];

/// A string, in quotes unless it is a word.
fn plain(text: &str) -> String {
    let word = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !TRAPS.contains(&text.to_ascii_lowercase().as_str());
    if word { text.to_owned() } else { Json::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Kind, Table, column_of, profile};
    use crate::source::{Document, decode};

    /// The draft for a table, as text.
    fn draft(table: &Table) -> String {
        let frame = table.training();
        let columns = profile(&table.shape, frame).expect("profiled");
        let listed = |name: &str| {
            let counts = stats::value_counts(frame.column(name).expect("its column"));
            counts.into_iter().map(|(value, _)| value).collect()
        };
        let order: Vec<String> = table.shape.names().map(str::to_owned).collect();
        Contract::draft(&columns, &listed).to_yaml(&order)
    }

    fn table(columns: &[(&str, Kind, Vec<Value>)]) -> Table {
        let made: Vec<_> = columns.iter().map(|(name, kind, values)| column_of(name, *kind, values)).collect();
        let rows = made[0].len();
        let frame = polars::prelude::DataFrame::new(rows, made).expect("a frame");
        let shape = crate::data::Shape::of(columns.iter().map(|(name, kind, _)| (*name, *kind)));
        Table::new(shape, frame).expect("a table")
    }

    #[test]
    fn a_draft_is_short_and_leaves_room() {
        let ints = |values: &[i64]| values.iter().map(|value| Value::Int(*value)).collect::<Vec<_>>();
        let words = (0..40).map(|row| Value::str(["no", "maybe"][row % 2])).collect();
        let text = draft(&table(&[
            ("id", Kind::Int, ints(&(1..=40).collect::<Vec<_>>())),
            ("age", Kind::Int, ints(&(0..40).map(|row| 20 + row % 31).collect::<Vec<_>>())),
            ("share", Kind::Float, (0..40).map(|row| Value::Float(0.01 * f64::from(row))).collect()),
            ("answer", Kind::Category, words),
            ("on time", Kind::Bool, vec![Value::Null; 40]),
        ]));
        assert_eq!(
            text,
            "columns:\n  id: {type: int, unique: true}\n  age: {type: int, min: 17, max: 53}\n  share: {type: float, min: 0, max: 0.43}\n  answer: {type: category, one_of: [maybe, \"no\"]}\n  \"on time\": {type: bool, nullable: true}\nrows: {min: 20}\nextra_columns: keep          # or: error, drop\non_violation: fail           # or: quarantine, warn\n"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn the_table_keeps_its_own_draft(
            floats in prop::collection::vec(prop::option::of(prop::num::f64::NORMAL), 1..40),
            name in "\\PC{1,8}",
            texts in prop::collection::vec("\\PC{0,6}|[a-c]|true|1e3", 40),
        ) {
            prop_assume!(name != "f" && !name.starts_with("__"));
            let rows = floats.len();
            let texts: Vec<Value> = texts.iter().take(rows).map(Value::str).collect();
            let floats = floats.into_iter().map(|float| float.map_or(Value::Null, Value::Float)).collect();
            let table = table(&[("f", Kind::Float, floats), (&name, Kind::Category, texts)]);
            let text = draft(&table);
            let document = Document::parse("c.yaml", &text).map_err(|_| TestCaseError::fail(text.clone()))?;
            let contract: Option<Contract> = decode(&document.root, &mut Vec::new());
            let Some(contract) = contract else { return Err(TestCaseError::fail(text)) };
            prop_assert!(contract.faults().is_empty(), "{text}");
            prop_assert_eq!(contract.judge(table, &[]).map(|judged| judged.findings.broken).expect(&text), []);
        }
    }
}
