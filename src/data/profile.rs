//! What a table holds, column by column: how much is missing, how values spread, what strings look like.

use std::sync::LazyLock;

use polars::prelude::{Column, DataFrame};
use regex::Regex;
use serde::Serialize;

use super::contract::whole;
use super::{Kind, Shape, Value, stats, value_at};
use crate::source::Fault;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnProfile {
    /// Its name.
    pub column: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// How many rows there are.
    pub rows: usize,
    /// How many of them have no value.
    pub missing: usize,
    /// How many different values there are.
    pub distinct: usize,
    /// The least value; of numbers and times.
    #[serde(serialize_with = "as_json")]
    pub min: Option<Value>,
    /// The greatest.
    #[serde(serialize_with = "as_json")]
    pub max: Option<Value>,
    /// The mean; of numbers.
    pub mean: Option<f64>,
    /// The population's standard deviation; of numbers.
    pub std: Option<f64>,
    /// The values below which 5, 25, 50, 75 and 95 % lie, with lines between neighbours; of numbers.
    pub quantiles: Option<Vec<f64>>,
    /// The fewest and the most characters; of strings.
    pub lengths: Option<(usize, usize)>,
    /// What all strings look like: `email`, `uuid`, ….
    pub looks_like: Option<&'static str>,
    /// The most frequent values, each with its number of rows; equals in their order.
    #[serde(serialize_with = "pairs_as_json")]
    pub top: Vec<(Value, usize)>,
}

fn as_json<S: serde::Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(Value::to_json).serialize(serializer)
}

fn pairs_as_json<S: serde::Serializer>(pairs: &[(Value, usize)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pairs.iter().map(|(value, count)| (value.to_json(), count)))
}

/// The shares below which the told quantiles lie.
const SHARES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// How many of the most frequent values are told.
const TOP: usize = 5;

/// What strings may look like, the narrower before the wider, each with its pattern.
const FORMS: [(&str, &str); 6] = [
    ("uuid", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    ("email", "[^@\\s]+@[^@\\s]+\\.[^@\\s]+"),
    ("url", "https?://\\S+"),
    ("ip address", "[0-9]{1,3}(\\.[0-9]{1,3}){3}"),
    ("date", "[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}"),
    ("digits", "[0-9]+"),
];

static PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| FORMS.iter().map(|(_, pattern)| whole(pattern).expect("a pattern of ours")).collect());

impl ColumnProfile {
    /// Of one column.
    fn of(kind: Kind, column: &Column) -> Self {
        let counts = stats::value_counts(column);
        let numeric = kind.is_numeric();
        let ordered = numeric || kind.is_temporal();
        let values = || counts.iter().map(|(value, _)| value);
        let texts = || values().filter_map(|value| if let Value::Str(text) = value { Some(&**text) } else { None });
        let lengths = || texts().map(|text| text.chars().count());
        let form = PATTERNS.iter().position(|pattern| texts().all(|text| pattern.is_match(text)));
        let some = kind.is_string() && !counts.is_empty();
        Self {
            column: column.name().to_string(),
            kind,
            rows: column.len(),
            missing: (0..column.len()).filter(|row| value_at(column, *row).is_null()).count(),
            distinct: counts.len(),
            min: values().min_by(|a, b| a.order(b)).filter(|_| ordered).cloned(),
            max: values().max_by(|a, b| a.order(b)).filter(|_| ordered).cloned(),
            mean: if numeric { stats::mean(column) } else { None },
            std: if numeric { stats::std(column) } else { None },
            quantiles: if numeric { stats::quantiles(column, SHARES) } else { None },
            lengths: lengths().min().zip(lengths().max()).filter(|_| some),
            looks_like: form.filter(|_| some).map(|form| FORMS[form].0),
            top: counts.into_iter().take(TOP).collect(),
        }
    }

    /// The pattern of what all its strings look like.
    pub fn pattern(&self) -> Option<&'static str> {
        let name = self.looks_like?;
        FORMS.iter().find(|(form, _)| *form == name).map(|(_, pattern)| *pattern)
    }
}

/// What each column of a table holds, in their order.
///
/// # Errors
/// If the frame lacks a column of the shape.
pub fn profile(shape: &Shape, frame: &DataFrame) -> Result<Vec<ColumnProfile>, Fault> {
    let columns = shape.fields.iter().map(|field| {
        let column = frame.column(&field.name).map_err(|_| shape.unknown(&field.name))?;
        Ok(ColumnProfile::of(field.kind, column))
    });
    columns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::column_of;

    fn of(kind: Kind, values: &[Value]) -> ColumnProfile {
        ColumnProfile::of(kind, &column_of("a", kind, values))
    }

    #[test]
    fn numbers_have_a_spread_and_strings_have_lengths() {
        let numbers = of(Kind::Int, &[Value::Int(4), Value::Null, Value::Int(1), Value::Int(1)]);
        assert_eq!((numbers.rows, numbers.missing, numbers.distinct), (4, 1, 2));
        assert_eq!((numbers.min, numbers.max, numbers.mean), (Some(Value::Int(1)), Some(Value::Int(4)), Some(2.0)));
        assert_eq!(numbers.std, Some(2f64.sqrt()));
        assert_eq!(numbers.quantiles.expect("numbers")[2], 1.0);
        assert_eq!((numbers.top[0].clone(), numbers.lengths), ((Value::Int(1), 2), None));
        let texts = of(Kind::Category, &[Value::str("é"), Value::str("abc")]);
        assert_eq!((texts.lengths, texts.min, texts.looks_like), (Some((1, 3)), None, None));
    }

    #[test]
    fn a_form_is_told_only_if_all_strings_have_it() {
        let looks = |texts: &[&str]| {
            let values: Vec<Value> = texts.iter().map(Value::str).collect();
            of(Kind::Str, &values).looks_like
        };
        assert_eq!(looks(&["a@b.org", "c.d@e.fr"]), Some("email"));
        assert_eq!(looks(&["a@b.org", "c"]), None);
        assert_eq!(looks(&["123e4567-e89b-12d3-a456-426614174000"]), Some("uuid"));
        assert_eq!(looks(&["31.12.2024"]), Some("date"));
        assert_eq!(looks(&["007", "12"]), Some("digits"));
        assert_eq!(looks(&[]), None);
    }
}
